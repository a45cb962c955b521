//! Over real sockets: lost replies, half bodies, silence, stop, kill, the control routes, the auto person.

use std::time::Duration;

use crate::{
    socket::{control, raw},
    support::Caller,
};
use agent_bridge_sim::{
    agentunited::{Armed, Burst, Fault, Options, Sim, burst_id},
    run_agentunited,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const POST: &str = "POST /channels/{id}/messages";

async fn joined() -> (Sim, agent_bridge_sim::serve::Serving, Caller, String) {
    let (sim, serving) = run_agentunited(Options::default(), 0).await.expect("a port");
    let (agent, dm) = Caller::join(&sim).await;
    (sim, serving, agent, format!("/api/v1/channels/{dm}/messages"))
}

#[tokio::test]
async fn a_lost_reply_took_effect_and_left_no_byte() {
    let (sim, serving, agent, path) = joined().await;
    sim.fault(POST, Fault::ReplyLost);
    let reply = raw(&serving.url(), "POST", &path, &agent.credential, r#"{"text":"kept"}"#).await;
    assert_eq!((reply.as_str(), sim.messages_by_agent().len()), ("", 1));
    sim.fault(POST, Fault::RequestLost);
    let reply = raw(&serving.url(), "POST", &path, &agent.credential, r#"{"text":"gone"}"#).await;
    assert_eq!((reply.as_str(), sim.messages_by_agent().len()), ("", 1));
    let entry = sim.log().pop().expect("an entry");
    assert_eq!(entry.faults, ["request_lost"]);
    serving.stop().await;
}

#[tokio::test]
async fn half_a_body_is_promised_whole() {
    let (sim, serving, agent, path) = joined().await;
    sim.fault(POST, Fault::HalfBody);
    let reply = raw(&serving.url(), "POST", &path, &agent.credential, r#"{"text":"half"}"#).await;
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
    let length = head.lines().find_map(|it| it.strip_prefix("content-length: ")).expect("a length");
    assert_eq!(length.parse::<usize>().expect("a number") / 2, body.len());
    serving.stop().await;
}

#[tokio::test]
async fn odd_answers_come_as_armed() {
    let (sim, _serving, agent, _) = joined().await;
    let route = "GET /users";
    let struck = async |fault| {
        sim.fault(route, fault);
        let response = agent.send(agent.request("GET", "/users", axum::body::Body::empty())).await;
        let (parts, body) = response.into_parts();
        (parts, axum::body::to_bytes(body, usize::MAX).await.expect("a whole body"))
    };
    let (head, page) = struck(Fault::Html).await;
    assert!(head.status == 200 && page.starts_with(b"<!doctype html>"));
    let (_, huge) = struck(Fault::Huge { bytes: 3_000_001 }).await;
    assert_eq!(huge.len(), 3_000_001);
    let (_, cut) = struck(Fault::TruncatedJson).await;
    assert!(serde_json::from_slice::<Value>(&cut).is_err());
    let (head, _) = struck(Fault::TooMany { retry_after: "99999999".into() }).await;
    assert_eq!((head.status.as_u16(), &head.headers["retry-after"]), (429, &"99999999".parse().expect("a header")));
    sim.arm(Armed { route: route.into(), after: 1, count: 2, fault: Fault::Status { status: 401 } });
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(agent.get("/users").await.0);
    }
    assert_eq!(statuses, [200, 401, 401, 200]);
}

#[tokio::test(start_paused = true)]
async fn waiting_and_silence_are_on_tokio_time() {
    let sim = Sim::new(Options::default());
    let (agent, dm) = Caller::join(&sim).await;
    let path = format!("/channels/{dm}/messages");
    let start = tokio::time::Instant::now();
    sim.fault(POST, Fault::DelayReply { millis: 60_000 });
    assert_eq!(agent.post(&path, json!({"text": "slow"})).await.0, 201);
    assert_eq!(start.elapsed().as_secs(), 60);
    sim.fault(POST, Fault::NeverAnswers { applied: true });
    let silent = agent.post(&path, json!({"text": "silent"}));
    assert!(tokio::time::timeout(Duration::from_hours(1), silent).await.is_err());
    sim.fault(POST, Fault::DelayRequest { millis: 60_000 });
    let late = agent.post(&path, json!({"text": "late"}));
    assert!(tokio::time::timeout(Duration::from_secs(59), late).await.is_err());
    assert_eq!(sim.messages_by_agent().len(), 2);
}

#[tokio::test]
async fn another_process_scripts_it_over_http() {
    let (sim, serving, agent, path) = joined().await;
    let url = serving.url();
    let link = control(&url, "invite", json!({})).await["link"].clone();
    assert!(link.as_str().is_some_and(|it| it.starts_with(&url)));
    let said = control(&url, "say", json!({"person": "Pierre", "text": "nonce"})).await;
    let id = said["message_id"].as_str().expect("an id");
    assert_eq!(sim.look(|world| world.message(id)).expect("stored").text, "nonce");
    control(&url, "edit", json!({"message_id": id, "text": "changed"})).await;
    control(&url, "delete", json!({"message_id": id})).await;
    let fault = json!({"route": POST, "fault": {"kind": "status", "status": 500}});
    control(&url, "fault", fault).await;
    let fault = json!({"kind": "drop_after", "events": 3});
    control(&url, "stream_fault", fault).await;
    assert_eq!(sim.look(agent_bridge_sim::agentunited::World::faults_left), 2);
    raw(&url, "POST", &path, &agent.credential, r#"{"text":"x"}"#).await;
    raw(&url, "POST", &path, &agent.credential, r#"{"text":"reply"}"#).await;
    let reply = raw(&url, "GET", "/_sim/log", "-", "").await;
    let log: Value = serde_json::from_str(reply.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    let entry = log["log"].as_array().and_then(|it| it.last()).expect("an entry");
    assert_eq!((&entry["text"], &entry["authenticated_as"]), (&json!("reply"), &json!(sim.members()[0])));
    assert_eq!(entry["message_id"], json!(sim.messages_by_agent()[0].id));
    assert!(!reply.contains(&agent.credential) && !reply.contains("inv_"));
    serving.kill().await;
    assert!(TcpStream::connect(url.trim_start_matches("http://")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_auto_person_talks_and_answers() {
    let sim = Sim::new(Options { auto: Some(Duration::from_secs(5)), ..Options::default() });
    let serving = sim.serve(0).await.expect("a port");
    sim.wait_for(|world| world.rooms().any(|room| room.name == "general")).await;
    let (agent, _) = Caller::join(&sim).await;
    let _stream = agent.listen(None).await;
    let room = sim.channel("general");
    sim.wait_for(|world| world.history(&room).len() >= 2).await;
    agent.post(&format!("/channels/{room}/messages"), json!({"text": "hi"})).await;
    sim.wait_for(|world| world.history(&room).iter().any(|it| it.text.starts_with("Understood"))).await;
    serving.stop().await;
}

/// Reads the stream until `last` has come, and returns all of it.
async fn until(url: &str, credential: &str, last: &str) -> Vec<u8> {
    let address = url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.expect("a server");
    let head = format!("GET /api/v1/events/stream HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer {credential}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.expect("sent");
    let (mut piece, mut all) = (vec![0; 1 << 16], Vec::new());
    loop {
        let read = socket.read(&mut piece).await.expect("more");
        assert_ne!(read, 0, "the stream ended early");
        all.extend_from_slice(&piece[..read]);
        let tail = &all[all.len().saturating_sub(2048)..];
        if String::from_utf8_lossy(tail).contains(last) {
            return all;
        }
    }
}

/// The number is printed, not judged: a shared machine decides nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_over_a_socket_arrives_whole() {
    let (sim, serving) = run_agentunited(Options::documented(), 0).await.expect("a port");
    let (agent, _) = Caller::join(&sim).await;
    let room = sim.channel("general");
    let (url, credential) = (serving.url(), agent.credential.clone());
    let last = burst_id(1, 49_999);
    let reader = tokio::spawn(async move { until(&url, &credential, &last).await });
    sim.wait_for(|world| world.stream_count() == 1).await;
    let start = std::time::Instant::now();
    let burst = Burst { channel: room, count: 50_000, bytes: 1024, rate_per_s: None, seed: 1, first: 0 };
    assert!(sim.burst(&burst).await);
    let all = reader.await.expect("a reader");
    println!("{:.0} events/s", 50_000.0 / start.elapsed().as_secs_f64());
    let all = String::from_utf8(all).expect("text");
    assert_eq!(all.matches("event: message.created").count(), 50_000);
    serving.stop().await;
}
