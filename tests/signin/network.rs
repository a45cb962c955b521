//! The real network against servers that break every rule.

use std::time::{Duration, Instant};

use agent_bridge::http::{Body, Bounds, Failure, FormPart, Network, PrivateUrl, Reach, Request, Reqwest};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use crate::scripted_server::{Answer, ScriptedServer};

const CANARY: &str = "canary-8f2e";

fn request(method: Method, url: &str) -> Request {
    let mut headers = HeaderMap::new();
    let mut token = HeaderValue::from_str(&format!("Bearer {CANARY}")).unwrap();
    token.set_sensitive(true);
    headers.insert(http::header::AUTHORIZATION, token);
    let bounds = Bounds { whole: Some(Duration::from_secs(5)), ..Bounds::default() };
    Request { method, url: PrivateUrl::new(Url::parse(url).unwrap()), headers, body: Body::Empty, bounds, bare: false }
}

fn get(url: &str) -> Request {
    request(Method::GET, url)
}

async fn answers(answer: Answer) -> ScriptedServer {
    ScriptedServer::start(move |_| answer.clone()).await
}

#[tokio::test]
async fn credentials_never_cross_an_origin() {
    let elsewhere = answers(Answer::whole("200 OK", "", "")).await;
    for status in ["301 M", "302 F", "303 S", "307 T", "308 P"] {
        for method in [Method::GET, Method::POST] {
            let location = format!("location: {}/next?t={CANARY}\r\n", elsewhere.origin);
            let here = answers(Answer::whole(status, &location, "")).await;
            let failure = Reqwest::new().unwrap().call(request(method, &here.origin)).await.unwrap_err();
            assert!(matches!(&failure, Failure::Elsewhere { to, .. } if *to == elsewhere.origin), "{failure}");
            assert!(!format!("{failure} {failure:?}").contains(CANARY));
        }
    }
    assert_eq!(elsewhere.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn same_origin_hops_are_followed_three_times_for_a_get_and_never_for_a_post() {
    let hops = |script: fn(&str) -> Answer| ScriptedServer::start(script);
    let server = hops(|head| match head.split(' ').nth(1) {
        Some("/3") => Answer::whole("200 OK", "", "there"),
        Some(path) => {
            let next = path.trim_start_matches('/').parse::<i32>().unwrap_or(-9) + 1;
            Answer::whole("307 T", &format!("location: /{next}\r\n"), "")
        }
        None => Answer::whole("400 B", "", ""),
    })
    .await;
    let network = Reqwest::new().unwrap();
    let answer = network.call(get(&format!("{}/0", server.origin))).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"there"[..]));
    assert!(server.seen().iter().all(|head| head.contains(CANARY)), "the origin is the same: so is the header");
    let answer = network.call(get(&format!("{}/-1", server.origin))).await.unwrap();
    assert_eq!(answer.status, 307, "a fourth hop is not taken");
    let before = server.seen().len();
    let answer = network.call(request(Method::POST, &format!("{}/0", server.origin))).await.unwrap();
    assert_eq!((answer.status, server.seen().len()), (307, before + 1));
}

#[tokio::test]
async fn unreachable_only_when_nothing_was_sent() {
    let network = Reqwest::new().unwrap();
    let closed = {
        let server = answers(Answer::whole("200 OK", "", "")).await;
        server.origin.clone()
    };
    let failure = network.call(get(&format!("{closed}/?t={CANARY}"))).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable { .. }), "{failure}");
    assert!(!failure.may_have_happened() && !failure.to_string().contains(CANARY));

    let failure = network.call(get("https://no-such-host.invalid/")).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable { .. }), "{failure}");

    let plain = answers(Answer::Bytes(b"this is no TLS".to_vec())).await;
    let failure = network.call(get(&plain.origin.replace("http:", "https:"))).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable { .. }), "{failure}");

    for answer in [
        Answer::Bytes(Vec::new()),
        Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()),
        Answer::Bytes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel".to_vec()),
        Answer::Bytes(b"220 smtp.example ready\r\n".to_vec()),
    ] {
        let server = answers(answer).await;
        let failure = network.call(get(&format!("{}/?t={CANARY}", server.origin))).await.unwrap_err();
        assert!(matches!(failure, Failure::Lost { .. }) && failure.may_have_happened(), "{failure}");
        assert!(!format!("{failure} {failure:?}").contains(CANARY), "{failure}");
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_or_never_ends_is_given_up() {
    let network = Reqwest::new().unwrap();
    for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"] {
        let server = answers(Answer::Hang(bytes.to_vec())).await;
        let mut request = get(&server.origin);
        request.bounds.whole = Some(Duration::from_millis(200));
        let begun = Instant::now();
        let failure = network.call(request).await.unwrap_err();
        assert!(matches!(&failure, Failure::Lost { why, .. } if why.contains("200ms")), "{failure}");
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn a_body_over_the_cap_is_not_read_to_its_end() {
    let network = Reqwest::new().unwrap();
    for head in
        [&b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"]
    {
        let server = answers(Answer::Endless(head.to_vec())).await;
        let failure = network.call(get(&server.origin)).await.unwrap_err();
        assert!(matches!(failure, Failure::TooLarge { cap, .. } if cap == 4 << 20), "{failure}");
    }
}

#[tokio::test]
async fn a_silent_stream_ends_with_a_word() {
    let server = answers(Answer::Hang(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n".to_vec())).await;
    let mut request = get(&server.origin);
    request.bounds.silence = Duration::from_millis(100);
    let mut stream = Reqwest::new().unwrap().open(request).await.unwrap();
    assert_eq!(stream.body.next().await.unwrap().unwrap(), "data: 1\n\n");
    let failure = stream.body.next().await.unwrap().unwrap_err();
    assert!(failure.to_string().contains("nothing came"), "{failure}");
    assert!(stream.body.next().await.is_none());
}

#[tokio::test]
async fn what_a_platform_sent_as_a_url_does_not_reach_inside() {
    let inside = answers(Answer::whole("200 OK", "", "in")).await;
    let port = inside.origin.rsplit(':').next().unwrap().to_owned();
    let network = Reqwest::new().unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let reaching = |reach| {
            let mut request = get(&format!("http://{host}:{port}/"));
            request.bounds.reach = reach;
            network.call(request)
        };
        let failure = reaching(Reach::Public).await.unwrap_err();
        assert!(matches!(failure, Failure::Forbidden(_)), "{failure}");
        assert_eq!(inside.seen().len(), 0);
    }
    let mut request = get(&inside.origin);
    request.bounds.reach = Reach::PublicOrLoopback;
    assert_eq!(network.call(request).await.unwrap().body, "in");
    for barred in ["http://h.example/", "https://169.254.169.254/latest", "file:///etc/passwd"] {
        let mut request = get(barred);
        request.bounds.reach = Reach::PublicOrLoopback;
        let failure = network.call(request).await.unwrap_err();
        assert!(matches!(failure, Failure::Forbidden(_)), "{failure}");
    }
}

#[tokio::test]
async fn a_form_goes_as_multipart_and_the_bridge_names_itself() {
    let server = answers(Answer::whole("200 OK", "set-cookie: a=1\r\n", "{}")).await;
    let part = |name: &str, file: Option<&str>, bytes| FormPart {
        name: name.into(),
        file_name: file.map(Into::into),
        bytes: Bytes::from_static(bytes),
    };
    let mut request = request(Method::POST, &server.origin);
    request.body = Body::Multipart(vec![part("text", None, b"hello"), part("file", Some("a \"b\".txt"), b"bytes")]);
    let network = Reqwest::new().unwrap();
    network.call(request).await.unwrap();
    network.call(get(&server.origin)).await.unwrap();
    let seen = server.seen();
    assert!(seen[0].contains("multipart/form-data; boundary="), "{}", seen[0]);
    assert!(seen[0].contains("name=\"text\"\r\n\r\nhello\r\n") && seen[0].contains("filename=\"a \\\"b\\\".txt\""));
    assert!(seen[1].contains(concat!("user-agent: agent-bridge/", env!("CARGO_PKG_VERSION"))), "{}", seen[1]);
    assert!(!seen[1].contains("cookie"), "no cookie is kept");
}
