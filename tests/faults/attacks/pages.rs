//! A web page in a browser on this machine calls the loopback API.

use std::os::unix::fs::PermissionsExt;

use super::peer::{Peer, address, status};
use crate::bridge::{Daemon, Home};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

async fn with_loopback() -> (Home, Daemon, String) {
    let (home, listen) = (Home::new(""), address());
    let token = home.path("token");
    std::fs::write(&token, TOKEN).expect("the token is written");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).expect("its mode is set");
    home.configure(&format!("[http]\nlisten = \"{listen}\"\ntoken_file = \"{}\"\n", token.display()));
    let daemon = home.start().await;
    (home, daemon, listen)
}

async fn asks(listen: &str, line: &str, headers: &[&str], body: &str) -> String {
    let mut peer = Peer::tcp(listen).await;
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let length = body.len();
    let request = format!("{line} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    peer.sends(request.as_bytes()).await;
    peer.hears().await
}

#[tokio::test]
async fn attack_a_web_page_gets_nothing_from_the_loopback_api() {
    let (_home, _daemon, listen) = with_loopback().await;
    let own = format!("Host: {listen}");
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let rebound = format!("Host: rebound.evil.example:{}", listen.rsplit(':').next().unwrap());
    let json = "Content-Type: application/json";
    let cases: &[(&str, &[&str], u16)] = &[
        // The page has no token, and a browser sends none by itself.
        ("GET /v1/status", &[&own], 401),
        ("GET /v1/feed", &[&own], 401),
        ("GET /metrics", &[&own, "Cookie: token=0123456789abcdef0123456789abcdef"], 401),
        ("GET /v1/status?token=0123456789abcdef0123456789abcdef", &[&own], 401),
        // A name of the page's own that now means this machine.
        ("GET /v1/status", &[&rebound, &bearer], 403),
        ("GET /healthz", &[&rebound], 403),
        ("GET /v1/status", &["Host: localhost.evil.example", &bearer], 403),
        ("GET /v1/status", &["Host: 127.0.0.1.evil.example", &bearer], 403),
        ("GET /v1/status", &["Host: evil.example@127.0.0.1", &bearer], 403),
        ("GET /v1/status", &["Host: 127.0.0.1:evil", &bearer], 403),
        ("GET /v1/status", &["Host: ", &bearer], 403),
        ("GET /v1/status", &[&own, "Host: evil.example", &bearer], 403),
        ("GET http://evil.example/v1/status", &[&own, &bearer], 403),
        // Another origin says so, and has no say, whatever else it has got hold of.
        ("GET /v1/status", &[&own, &bearer, "Origin: https://evil.example"], 403),
        ("GET /v1/status", &[&own, &bearer, "Origin: null"], 403),
        ("GET /v1/status", &[&own, &bearer, "Origin: http://localhost.evil.example"], 403),
        ("GET /v1/status", &[&own, &bearer, "Origin: http://localhost", "Origin: https://evil.example"], 403),
        // A preflight gets no leave.
        ("OPTIONS /v1/act", &[&own, "Origin: https://evil.example", "Access-Control-Request-Method: POST"], 403),
        ("OPTIONS /v1/act", &[&own, "Access-Control-Request-Headers: authorization"], 401),
        // What a form can send without asking.
        ("POST /v1/join", &[&own, "Content-Type: text/plain"], 401),
        ("POST /v1/join", &[&own, &bearer, "Content-Type: text/plain"], 415),
        ("POST /v1/join", &[&own, &bearer, "Content-Type: application/x-www-form-urlencoded"], 415),
        ("POST /v1/join", &[&own, &bearer, "Content-Type: text/plain; application/json"], 415),
        // And the owner.
        ("GET /v1/status", &[&own, &bearer], 200),
        ("POST /v1/status", &[&own, &bearer, json], 200),
    ];
    for (line, headers, wanted) in cases {
        let body = if line.starts_with("POST") { "{}" } else { "" };
        let answer = asks(&listen, line, headers, body).await;
        assert_eq!(status(&answer), *wanted, "{line} {headers:?}: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("access-control-"), "{answer}");
    }
}

#[tokio::test]
async fn attack_a_guessed_token_learns_nothing() {
    let (home, _daemon, listen) = with_loopback().await;
    let own = format!("Host: {listen}");
    let mut answers = Vec::new();
    let long = TOKEN.repeat(100);
    for guess in ["", "x", &TOKEN[..31], "0123456789abcdef0123456789abcdeX", &long, "Basic", " "] {
        let bearer = format!("Authorization: Bearer {guess}");
        let answer = asks(&listen, "GET /v1/status", &[&own, &bearer], "").await;
        assert_eq!(status(&answer), 401, "{guess}");
        answers.push(answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "every refusal is the same: {answers:?}");
    let lower = format!("authorization: bearer {TOKEN}");
    assert_eq!(
        status(&asks(&listen, "GET /v1/status", &[&own, &lower], "").await),
        200,
        "a scheme has no case (RFC 9110)"
    );
    assert!(!home.log().contains(&TOKEN[..16]));
}

#[tokio::test]
async fn attack_no_door_opens_to_the_network_or_without_a_token() {
    for (config, word) in [
        ("listen = \"0.0.0.0:8484\"\ntoken_file = \"/dev/null\"\n", "no loopback address"),
        ("listen = \"[::]:8484\"\ntoken_file = \"/dev/null\"\n", "no loopback address"),
        ("listen = \"127.0.0.1:8484\"\n", "needs `http.token_file`"),
        ("listen = \"127.0.0.1:8484\"\ntoken_file = \"/dev/null\"\n", "under 16 characters"),
        ("listen = \"127.0.0.1:8484\"\ntoken_file = \"/nowhere/token\"\n", "cannot read the token file"),
    ] {
        let home = Home::new(&format!("[http]\n{config}"));
        let output = home.cli(&["run"]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(word), "{config}: {said}");
    }
}
