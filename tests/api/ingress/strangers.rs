//! Whoever knows no path and no secret: what they learn, and what they can use up.

use std::time::Duration;

use agent_bridge::ingress::{Answer, Taken};
use tokio::io::AsyncWriteExt;

use super::gate::{Gate, Platform, SECRET, WRONG, heard, request, sign, signed, status};

const EVENT: &[u8] = br#"{"event_id":42}"#;

#[tokio::test]
async fn attack_everything_that_is_refused_gets_the_same_answer_to_the_byte() {
    let gate = Gate::new().await;
    let platform = gate.open().await;
    let lines: Vec<_> =
        ["acme", "bare", "blank", "plain"].map(|name| gate.line(name, Taken::Committed)).into_iter().collect();
    let own = gate.path("acme").await;
    let [bare, blank, plain] = [gate.path("bare").await, gate.path("blank").await, gate.path("plain").await];
    let unknown = own.replace("acme", "nobody");
    let wrong = format!("/hooks/acme/{WRONG}");
    let shorter = own[..own.len() - 1].to_owned();
    let good = signed(SECRET, EVENT);
    let cases = [
        ("no workspace", unknown.as_str(), good.as_str()),
        ("no name", "/hooks/ACME/x", &good),
        ("another path", &wrong, &good),
        ("a shorter path", &shorter, &good),
        ("a longer path", &format!("{own}/"), &good),
        ("the path in capitals", &own.to_uppercase(), &good),
        ("another workspace's path", &bare.replace("bare", "acme"), &good),
        ("no path", "/hooks/acme", &good),
        ("the root", "/", &good),
        ("the health", "/healthz", &good),
        ("no webhooks there", &plain, &good),
        ("no secret", &bare, &good),
        ("no secret, signed with nothing", &bare, &signed("", EVENT)),
        ("an empty secret", &blank, &good),
        ("an empty secret, signed with it", &blank, &signed("", EVENT)),
        ("another signature", &own, &signed("another", EVENT)),
        ("no signature", &own, ""),
    ];
    let first = platform.delivers(cases[0].1, cases[0].2, EVENT).await;
    assert_eq!(status(&first), 401);
    for (what, path, headers) in cases {
        assert_eq!(platform.delivers(path, headers, EVENT).await, first, "{what}");
    }
    assert!(lines.iter().all(|line| line.heard().is_empty()));
    assert_eq!((gate.counted(Answer::NoSecret), gate.counted(Answer::Forged)), (4, 2));
    assert_eq!(status(&platform.delivers(&own, &good, EVENT).await), 204, "the one that is right");
}

#[tokio::test]
async fn only_post_is_answered_and_no_other_method_learns_what_is_there() {
    let gate = Gate::new().await;
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let ask = |path: &str| format!("{method} {path} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n").into_bytes();
        let answer = platform.says(&ask(&path)).await;
        assert!(status(&answer) == 405 && answer.contains("allow: POST"), "{answer}");
        for elsewhere in ["/", "/healthz", "/hooks/nobody/x"] {
            assert_eq!(platform.says(&ask(elsewhere)).await, answer, "{method} {elsewhere}");
        }
    }
}

#[tokio::test]
async fn attack_a_body_over_the_cap_is_refused_wherever_it_goes_and_never_read_whole() {
    let gate = Gate::new().await;
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    let largest = format!("{{\"a\":\"{}\"}}", "x".repeat(gate.bounds.body - 8)).into_bytes();
    assert_eq!(largest.len(), gate.bounds.body);
    let _line = gate.line("acme", Taken::Committed);
    assert_eq!(status(&platform.delivers(&path, &signed(SECRET, &largest), &largest).await), 204);
    for path in [path.as_str(), "/hooks/nobody/x"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: b\r\n");
        let declared = format!("{head}Content-Length: 104857600\r\n\r\n");
        assert_eq!(status(&platform.says(declared.as_bytes()).await), 413, "before a byte of it was sent");
        let mut endless = platform.connects().await;
        endless.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
        let chunk = format!("400\r\n{}\r\n", "x".repeat(1_024));
        // The listener stops reading; what the system holds between both ends is far less than this.
        let ended = tokio::time::timeout(crate::running::PATIENCE, async {
            while endless.write_all(chunk.as_bytes()).await.is_ok() {}
        });
        ended.await.expect("the bridge closes");
        assert!(matches!(status(&heard(&mut endless).await), 0 | 413));
    }
    assert_eq!(gate.counted(Answer::TooLarge), 4);
}

#[tokio::test]
async fn attack_slow_peers_and_floods_of_headers_are_cut_off() {
    let mut gate = Gate::new().await;
    gate.bounds.receive = Duration::from_millis(300);
    gate.limits.head = Duration::from_millis(300);
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    let _line = gate.line("acme", Taken::Committed);

    assert_eq!(heard(&mut platform.connects().await).await, "", "nothing was asked");
    for path in [path.as_str(), "/hooks/nobody/x"] {
        let mut slow = platform.connects().await;
        let whole = request(path, &signed(SECRET, EVENT), EVENT);
        slow.write_all(&whole[..whole.len() - 1]).await.unwrap();
        assert_eq!(status(&heard(&mut slow).await), 408);

        let mut gone = platform.connects().await;
        gone.write_all(&whole[..whole.len() - 1]).await.unwrap();
        gone.shutdown().await.unwrap();
        assert!(matches!(status(&heard(&mut gone).await), 0 | 400));

        for flood in [format!("x: {}\r\n", "y".repeat(9_000)), "x: y\r\n".repeat(101)] {
            assert_eq!(status(&platform.delivers(path, &flood, EVENT).await), 431);
        }
    }
    assert_eq!(gate.counted(Answer::TooSlow), 2);
    assert_eq!(status(&platform.delivers(&path, &signed(SECRET, EVENT), EVENT).await), 204);
}

#[tokio::test]
async fn attack_connections_held_open_give_way_to_the_platform() {
    let mut gate = Gate::new().await;
    gate.connections = 2;
    gate.limits.head = Duration::from_millis(300);
    let (platform, path) = (gate.open().await, gate.path("acme").await);
    let _line = gate.line("acme", Taken::Committed);
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(half_asked(&platform).await);
    }
    let headers = format!("X-Agent-Signature: {}\r\n", sign(SECRET, EVENT));
    assert_eq!(status(&platform.delivers(&path, &headers, EVENT).await), 204, "those before it had their time");
}

async fn half_asked(platform: &Platform) -> tokio::net::TcpStream {
    let mut stream = platform.connects().await;
    stream.write_all(b"POST /hooks/").await.unwrap();
    stream
}
