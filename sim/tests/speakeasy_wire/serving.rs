//! Over real sockets: the same cable and the same webhooks, the control routes, stop and kill.

use std::time::Duration;

use agent_bridge_sim::{
    serve::{self, Serving},
    speakeasy::{Fate, HookFault, Options},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Client, OFFER, Receiver, Stage, identifier};

/// A test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(30);

async fn dial(stage: &Stage, serving: &Serving) -> Client {
    let socket = TcpStream::connect(serving.addr()).await.unwrap();
    Client::over(socket, &serving.addr().to_string(), &stage.token, Some(OFFER)).await.unwrap()
}

/// One plain request; the status and the JSON of the answer.
async fn call(serving: &Serving, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut socket = TcpStream::connect(serving.addr()).await.unwrap();
    let body = body.to_string();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("within half a minute")
}

#[tokio::test]
async fn a_cable_over_a_socket_hears_events_and_ends_with_the_listener() {
    let stage = Stage::with(Options::default(), None);
    let serving = stage.sim.serve(0).await.unwrap();
    let mut line = dial(&stage, &serving).await;
    line.frame().await;
    line.subscribe(&identifier(None)).await;
    assert_eq!(patiently(line.frame()).await["type"], "confirm_subscription");
    let event = stage.say("hi");
    assert_eq!(patiently(line.events(1)).await, [event]);
    patiently(serving.stop()).await;
    assert!(matches!(patiently(line.text()).await, Some(Err(_))));
    assert!(stage.sim.cables().iter().all(|it| !it.open));
}

#[tokio::test]
async fn webhooks_go_over_sockets_to_loopback() {
    let receiver = Receiver::new(&[]);
    let agent = serve::serve(receiver.router(), 0).await.unwrap();
    let stage = Stage::with(Options::default(), Some(&format!("{}/hooks/speakeasy", agent.url())));
    stage.sim.set_push(|it| it.hook_retries = Vec::new());
    let serving = stage.sim.serve(0).await.unwrap();
    let events = ["one", "two", "three"].map(|it| stage.say(it));
    let letters = patiently(receiver.letters(3)).await;
    let mut heard: Vec<u64> = letters.iter().map(crate::support::Letter::event).collect();
    heard.sort_unstable();
    assert_eq!(heard, events);
    assert!(letters.iter().all(|it| it.signed_with(&stage.secret())));
    // Half a body reaches nobody as a letter; the attempt has no status.
    stage.sim.hook_fault(HookFault::HalfBody);
    let cut = stage.say("cut");
    patiently(stage.sim.wait_for(|world| world.deliveries().any(|it| it.fate == Fate::GivenUp))).await;
    let deliveries = stage.sim.deliveries();
    let cut = deliveries.iter().find(|it| it.event == cut).unwrap();
    assert!(cut.attempts[0].status.is_none() && cut.attempts[0].error.is_some(), "{cut:?}");
    assert_eq!(receiver.letters(3).await.len(), 3);
    // Nobody listens any more.
    patiently(agent.stop()).await;
    let unheard = stage.say("unheard");
    let given_up = |world: &agent_bridge_sim::speakeasy::World| {
        world.deliveries().any(|it| it.event == unheard && it.fate == Fate::GivenUp)
    };
    patiently(stage.sim.wait_for(given_up)).await;
    patiently(serving.stop()).await;
}

#[tokio::test]
async fn webhooks_go_nowhere_else() {
    for url in ["https://127.0.0.1/", "http://192.0.2.1/", "http://agent.example.com/", "nonsense"] {
        let stage = Stage::with(Options::default(), Some(url));
        stage.sim.set_push(|it| it.hook_retries = Vec::new());
        let serving = stage.sim.serve(0).await.unwrap();
        stage.say("to nobody");
        patiently(stage.sim.wait_for(|world| world.deliveries().any(|it| it.fate == Fate::GivenUp))).await;
        assert!(stage.sim.deliveries()[0].attempts[0].status.is_none(), "{url}");
        serving.kill().await;
    }
}

#[tokio::test]
async fn another_process_scripts_it_over_http() {
    let stage = Stage::with(Options::default(), None);
    let serving = stage.sim.serve(0).await.unwrap();
    let gap = json!({"count": null, "fault": {"kind": "cursor_gap"}});
    assert_eq!(call(&serving, "POST", "/_sim/cable_fault", &gap).await, (200, json!({"ok": true})));
    let hook = json!({"after": 1, "fault": {"kind": "signature", "is": "upper_case"}});
    assert_eq!(call(&serving, "POST", "/_sim/hook_fault", &hook).await, (200, json!({"ok": true})));
    assert_eq!(call(&serving, "POST", "/_sim/hook_replay", &json!({"event": 1})).await, (200, json!({"ok": false})));
    let switches = json!({"ping": 50, "hook_retries": [10, 20], "confirm": "last"});
    assert_eq!(call(&serving, "POST", "/_sim/push_options", &switches).await, (200, json!({"ok": true})));
    let mut line = dial(&stage, &serving).await;
    line.frame().await;
    line.subscribe(&identifier(None)).await;
    assert_eq!(patiently(line.frame()).await["message"]["error"]["code"], "cursor_gap");
    assert_eq!(patiently(line.frame()).await["type"], "reject_subscription");
    let (_, push) = call(&serving, "GET", "/_sim/push", &Value::Null).await;
    assert_eq!(
        (&push["dials"], &push["cables"][0]["open"], &push["faults_left"]),
        (&json!(1), &json!(true), &json!(2))
    );
    assert_eq!(call(&serving, "POST", "/_sim/heal_push", &Value::Null).await.0, 200);
    // The switches that came over HTTP are in force: this confirmation comes after its replay.
    let cursor = stage.cursor();
    let missed = stage.say("missed");
    line.subscribe(&identifier(Some(&cursor))).await;
    assert_eq!(patiently(line.events(1)).await, [missed]);
    assert_eq!(patiently(line.frame()).await["type"], "confirm_subscription");
    let drop = json!({"fault": {"kind": "disconnect", "reason": "server_restart", "reconnect": true}});
    call(&serving, "POST", "/_sim/cable_fault", &drop).await;
    assert_eq!(patiently(line.disconnected()).await.0["reason"], "server_restart");
    let typo = json!({"fault": {"kind": "cursor_gab"}});
    assert_eq!(call(&serving, "POST", "/_sim/cable_fault", &typo).await.0, 422);
    // A plain request is no websocket's.
    assert_eq!(call(&serving, "GET", "/cable", &Value::Null).await.0, 404);
}
