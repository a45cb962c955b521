//! The local API against a real daemon: both doors, and every kind of bad input.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

#[path = "api/ingress/mod.rs"]
mod ingress;
mod running;
#[path = "api/story.rs"]
mod story;

use running::Home;
use serde_json::json;

#[test]
fn the_socket_refuses_each_kind_of_bad_line_by_name_and_lives_on() {
    let home = Home::new();
    let daemon = home.run();
    let mut agent = daemon.agent();
    let cases = [
        ("hello", "not_json"),
        (r#"{"id":1,"method":"#, "not_json"),
        (r#"[{"id":1,"method":"ping"}]"#, "batch"),
        ("7", "not_a_request"),
        (r#"{"id":1}"#, "not_a_request"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, "not_a_request"),
        (r#"{"id":{},"method":"ping"}"#, "not_a_request"),
        (r#"{"id":1,"method":"pong"}"#, "unknown_method"),
        (r#"{"id":1,"method":"join"}"#, "unknown_method"),
        (r#"{"id":1,"method":"ping","params":[]}"#, "bad_params"),
        (r#"{"id":1,"method":"ping","params":{"x":1}}"#, "bad_params"),
        (r#"{"id":1,"method":"subscribe","params":{"consumer":7}}"#, "bad_params"),
        (r#"{"id":1,"method":"subscribe","params":{"consumer":"main","ack_wait":"soon"}}"#, "bad_params"),
        (r#"{"id":1,"method":"subscribe","params":{"consumer":"mian"}}"#, "no_such_consumer"),
        (r#"{"id":1,"method":"ack","params":{"seq":1}}"#, "not_subscribed"),
        (r#"{"id":1,"method":"ack","params":{"consumer":"mian","seq":1}}"#, "no_such_consumer"),
        (r#"{"id":1,"method":"ack","params":{"seq":1,"up_to":1}}"#, "bad_params"),
        (r#"{"id":1,"method":"act","params":{"workspace":"acme","verb":"send"}}"#, "no_such_workspace"),
        (r#"{"id":1,"method":"act","params":{"workspace":"No Name","verb":"send"}}"#, "bad_params"),
        (r#"{"id":1,"method":"receipt","params":{"id":"act_1"}}"#, "bad_params"),
        (r#"{"id":1,"method":"receipt","params":{"id":"act_00000000000000000000000000000000"}}"#, "no_such_action"),
        (r#"{"id":1,"method":"history","params":{"workspace":"acme","conversation":"c"}}"#, "no_such_workspace"),
        (r#"{"id":1,"method":"call","params":{"workspace":"acme","method":"GET","path":"/x"}}"#, "call_off"),
    ];
    for (line, kind) in cases {
        assert_eq!(agent.is_refused(line), kind, "{line}");
    }
    assert_eq!(agent.asks(r#"{"id":"last","method":"ping"}"#)["id"], "last");
}

#[test]
fn a_line_over_the_cap_is_refused_and_skipped() {
    let home = Home::with_config("[socket]\nline = \"4KiB\"\n");
    let daemon = home.run();
    let mut agent = daemon.agent();
    let long = format!("{{\"id\":1,\"method\":\"{}\"}}", "x".repeat(100_000));
    assert_eq!(agent.is_refused(&long), "line_too_long");
    assert_eq!(agent.asks(r#"{"id":2,"method":"ping"}"#)["id"], 2);
}

#[test]
fn notifications_are_not_answered_and_answers_come_to_who_stopped_writing() {
    let home = Home::new();
    let daemon = home.run();
    let mut agent = daemon.agent();
    agent.sends(b"{\"method\":\"ping\"}\n{\"method\":\"nonsense\"}\n{\"id\":1,\"method\":\"ping\"}\n");
    assert_eq!(agent.hears().unwrap()["id"], 1);
}

#[test]
fn a_second_reader_is_refused_unless_it_takes_over() {
    let home = Home::new();
    let daemon = home.run();
    let (mut first, mut second) = (daemon.agent(), daemon.agent());
    let subscribe = r#"{"id":1,"method":"subscribe","params":{"consumer":"main"}}"#;
    assert_eq!(first.asks(subscribe)["result"]["consumer"], "main");
    assert_eq!(second.is_refused(subscribe), "consumer_busy");
    let take_over = r#"{"id":2,"method":"subscribe","params":{"consumer":"main","take_over":true}}"#;
    assert_eq!(second.asks(take_over)["result"]["consumer"], "main");
    assert_eq!(first.hears().unwrap()["params"]["kind"], "taken_over");
}

#[test]
fn requests_over_the_bound_are_refused_and_the_others_answered() {
    let home = Home::with_config("[socket]\nopen_requests = 2\n");
    let daemon = home.run();
    let mut agent = daemon.agent();
    // Each waits for the store's writer or a consumer's task, so a burst finds the bound.
    let line = |id| format!("{{\"id\":{id},\"method\":\"ack\",\"params\":{{\"consumer\":\"main\",\"seq\":9}}}}\n");
    let burst = (0..40).map(line).collect::<Vec<_>>().concat();
    agent.sends(burst.as_bytes());
    let kinds: Vec<_> = (0..40).map(|_| agent.hears().unwrap()["error"]["data"]["kind"].clone()).collect();
    assert!(kinds.contains(&json!("not_delivered")));
    assert!(kinds.iter().all(|kind| kind == "not_delivered" || kind == "too_many_requests"), "{kinds:?}");
}

#[test]
fn http_speaks_the_same_verbs_and_refuses_by_the_same_words() {
    let home = Home::new();
    let daemon = home.run();
    assert_eq!(daemon.post("/v1/ping", "{}"), (200, json!({})));
    let cases = [
        ("/v1/pong", "{}", 404, "unknown_method"),
        ("/v1/subscribe", r#"{"consumer":"main"}"#, 404, "unknown_method"),
        ("/v1/ack", "nope", 400, "not_json"),
        ("/v1/ack", r#"{"seq":"1"}"#, 400, "bad_params"),
        ("/v1/ack", r#"{"seq":1}"#, 400, "not_subscribed"),
        ("/v1/ack", r#"{"consumer":"mian","seq":1}"#, 404, "no_such_consumer"),
        ("/v1/ack", r#"{"consumer":"main","seq":1}"#, 409, "not_delivered"),
        ("/v1/call", r#"{"workspace":"acme","method":"GET","path":"/x"}"#, 403, "call_off"),
        ("/v1/join", r#"{"platform":"nowhere","name":"acme"}"#, 404, "no_such_platform"),
        ("/v1/consumer_add", r#"{"consumer":"No Name"}"#, 400, "bad_params"),
        ("/v1/consumer_add", r#"{"consumer":"main"}"#, 409, "exists"),
        ("/v1/consumer_remove", r#"{"consumer":"main"}"#, 409, "from_config"),
        ("/v1/consumer_add", r#"{"consumer":"hook","url":"ftp://x"}"#, 400, "bad_params"),
        ("/nowhere", "{}", 404, "not_found"),
    ];
    for (path, body, status, kind) in cases {
        let (got, answer) = daemon.post(path, body);
        assert_eq!((got, answer["error"]["kind"].as_str()), (status, Some(kind)), "{path} {body}: {answer}");
    }
}

#[test]
fn http_minds_method_type_size_host_and_origin() {
    let home = Home::with_config("[http]\nbody = \"1KiB\"\n");
    let daemon = home.run();
    let close = "Connection: close\r\n";
    let long = "x".repeat(2_000);
    let cases = [
        (format!("GET /v1/act HTTP/1.1\r\nHost: localhost\r\n{close}\r\n"), 405),
        (format!("POST /v1/ping HTTP/1.1\r\nHost: localhost\r\n{close}Content-Length: 2\r\n\r\n{{}}"), 415),
        (
            format!(
                "POST /v1/ping HTTP/1.1\r\nHost: localhost\r\n{close}Content-Type: application/json\r\n\
                 Content-Length: 2000\r\n\r\n{long}"
            ),
            413,
        ),
        (format!("GET /v1/ping HTTP/1.1\r\nHost: evil.example\r\n{close}\r\n"), 403),
        (format!("GET /v1/ping HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n{close}\r\n"), 403),
        (format!("GET /v1/ping HTTP/1.1\r\nHost: localhost\r\n{close}\r\n"), 200),
    ];
    for (request, status) in cases {
        assert_eq!(daemon.raw(&request).unwrap().0, status, "{}", request.lines().next().unwrap());
    }
}

#[test]
fn loopback_asks_for_the_token() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = Home::new();
    let token = home.path("token");
    std::fs::write(&token, "0123456789abcdef0123456789abcdef\n").unwrap();
    let config = format!("[http]\nlisten = \"127.0.0.1:{port}\"\ntoken_file = \"{}\"\n", token.display());
    std::fs::write(home.path("config.toml"), config).unwrap();
    let _daemon = home.run();
    let ask = |header: &str| {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let request = format!("GET /v1/ping HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(ask(""), "401");
    assert_eq!(ask("Authorization: Bearer 0123456789abcdef\r\n"), "401");
    assert_eq!(ask("Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n"), "200");
}

#[test]
fn metrics_openapi_and_health_answer() {
    let home = Home::new();
    let daemon = home.run();
    let (status, metrics) = daemon.get("/metrics").unwrap();
    assert_eq!(status, 200);
    assert!(metrics.contains("agent_bridge_consumer_lag{consumer=\"main\"} 0"), "{metrics}");
    let (_, document) = daemon.get("/openapi.json").unwrap();
    assert!(document.contains("\"/v1/ack\""));
    assert_eq!(daemon.get("/healthz").unwrap().0, 200);
    let (status, feed) = daemon.get("/v1/feed?from=start&once=true").unwrap();
    assert!(status == 200 && feed.contains(": the feed"), "{feed}");
    for bad in ["/v1/feed?from=yesterday", "/v1/feed?author_kinds=robot", "/v1/feed?x=1"] {
        assert_eq!(daemon.get(bad).unwrap().0, 400, "{bad}");
    }
}

#[test]
fn a_stop_ends_watchers_and_connections_and_leaves_no_socket() {
    let home = Home::new();
    let mut daemon = home.run();
    let mut agent = daemon.agent();
    agent.asks(r#"{"id":1,"method":"subscribe","params":{"consumer":"main"}}"#);
    let control = daemon.socket("control.sock");
    let mut watcher = std::os::unix::net::UnixStream::connect(&control).unwrap();
    std::io::Write::write_all(&mut watcher, b"GET /v1/feed HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0_u8; 1];
    std::io::Read::read_exact(&mut watcher, &mut first).unwrap();
    daemon.signal("TERM");
    assert_eq!(daemon.ends(), Some(0), "{}", daemon.log());
    let last = std::iter::from_fn(|| agent.hears()).last();
    assert!(last.is_none_or(|word| word["params"]["kind"] == "stopping"));
    assert!(!control.exists() && !daemon.socket("agent.sock").exists());
}

#[test]
fn who_never_reads_its_answers_is_cut_off_and_nobody_else_notices() {
    let home = Home::new();
    let daemon = home.run();
    let mut deaf = std::os::unix::net::UnixStream::connect(daemon.socket("agent.sock")).unwrap();
    deaf.set_write_timeout(Some(running::PATIENCE)).unwrap();
    let pings = "{\"id\":1,\"method\":\"ping\"}\n".repeat(1_000);
    // 4 MiB of answers and what the system buffers: far less than this.
    let ended = (0..1_000).find_map(|_| std::io::Write::write_all(&mut deaf, pings.as_bytes()).err());
    let kind = ended.expect("the bridge cuts it off").kind();
    assert!(matches!(kind, std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset), "{kind}");
    assert_eq!(daemon.agent().asks(r#"{"id":1,"method":"ping"}"#)["id"], 1);
}

#[test]
fn a_peer_that_stopped_reading_does_not_hold_the_stop_up() {
    let home = Home::new();
    let mut daemon = home.run();
    let mut stuck = daemon.agent();
    // More answers than the system buffers, fewer than make a peer deaf.
    let unknown = format!("{{\"id\":1,\"method\":\"{}\"}}\n", "x".repeat(50));
    stuck.sends(unknown.repeat(8_000).as_bytes());
    daemon.signal("TERM");
    assert_eq!(daemon.ends(), Some(0), "{}", daemon.log());
    assert!(!daemon.log().contains("cut off"), "{}", daemon.log());
}
