//! Over real sockets: lost replies, faults by view, the control routes, the auto person.

use std::time::Duration;

use agent_bridge_sim::{
    office::{Armed, Fault, Options, Receiver, World},
    run_office,
};
use serde_json::{Value, json};

use crate::{
    socket::{control, parts, raw},
    support::{ADDRESS, House, KEY},
};

const JOIN: &str = "/api/agents/join";

fn wish(code: &str) -> String {
    json!({"code": code, "agent_name": "jared", "xmtp_address": ADDRESS, "public_key": KEY}).to_string()
}

#[tokio::test]
async fn a_lost_join_has_burnt_its_code() {
    let (sim, serving) = run_office(Options::default(), 0).await.expect("a port");
    let code = sim.invite();
    sim.fault("POST /api/agents/join", Fault::RequestLost);
    assert_eq!(raw(&serving.url(), "POST", JOIN, "-", &wish(&code)).await, "");
    assert!(sim.agents().is_empty());
    sim.fault("POST /api/agents/join", Fault::ReplyLost);
    assert_eq!(raw(&serving.url(), "POST", JOIN, "-", &wish(&code)).await, "");
    assert_eq!(sim.agents().len(), 1, "it took effect");
    let (status, body) = parts(&raw(&serving.url(), "POST", JOIN, "-", &wish(&code)).await);
    assert_eq!((status, &body["error"]), (410, &json!("code_used")));
    serving.stop().await;
}

#[tokio::test]
async fn a_fault_strikes_one_view_or_all() {
    let house = House::new(Options::default()).await;
    let route = "GET /api/offices/{colonyId}/xmtp";
    house.sim.fault(&format!("{route}?view=groups"), Fault::TooMany { retry_after: "3".into() });
    assert_eq!(house.view("conversations").await.0, 200);
    assert_eq!(house.view("groups").await.0, 429);
    assert_eq!(house.view("groups").await.0, 200);
    house.sim.arm(Armed { route: route.into(), after: 1, count: 1, fault: Fault::Status { status: 503 } });
    assert_eq!((house.view("groups").await.0, house.view("conversations").await.0), (200, 503));
    assert_eq!(house.sim.look(|world| world.books().requests("groups")), 3, "those that were struck count, too");
    house.sim.fault("POST /api/offices/{colonyId}/xmtp", Fault::StoredThen500);
    assert_eq!((house.send("user", "kept").await.0, house.sim.sent().len()), (500, 1));
}

#[tokio::test]
async fn another_process_scripts_it_over_http() {
    let (sim, serving) = run_office(Options::default(), 0).await.expect("a port");
    let url = serving.url();
    for kind in ["human", "no_office", "expired"] {
        let code = control(&url, "invite", json!({"kind": kind})).await["code"].clone();
        let status = parts(&raw(&url, "POST", JOIN, "-", &wish(code.as_str().expect("a code"))).await).0;
        assert_eq!(status, if kind == "expired" { 410 } else { 400 });
    }
    control(&url, "fail_joins", json!({"joins": 1})).await;
    let code = control(&url, "invite", json!({})).await["code"].clone();
    let wish = wish(code.as_str().expect("a code"));
    assert_eq!(parts(&raw(&url, "POST", JOIN, "-", &wish).await).0, 500);
    let (_, joined) = parts(&raw(&url, "POST", JOIN, "-", &wish).await);
    let key = joined["api_key"].as_str().expect("a key");

    let said = control(&url, "say", json!({"body": "hi"})).await;
    assert_eq!(said["to"], "jared");
    control(&url, "person", json!({"name": "anna"})).await;
    control(&url, "colleague", json!({"name": "robo"})).await;
    control(&url, "say", json!({"from": "anna", "to": sim.group(), "body": "all"})).await;
    control(&url, "bot", json!({"name": "robo", "status": "error"})).await;
    control(&url, "shape", json!({"envelope": "bare", "clock": "millis", "body": "text"})).await;
    let path = format!("/api/offices/{}/xmtp", sim.office());
    let query = format!("{path}?view=messages&agent=jared&peer=user");
    let (_, page) = parts(&raw(&url, "GET", &query, key, "").await);
    assert_eq!((&page[0]["text"], &page[0]["id"]), (&json!("hi"), &said["message_id"]));
    control(&url, "lose_chat", json!({"name": "jared"})).await;
    control(&url, "register_chat", json!({"name": "jared"})).await;
    let send = json!({"action": "send", "from": "jared", "to": "user", "body": "hello"}).to_string();
    assert_eq!(parts(&raw(&url, "POST", &path, key, &send).await).0, 200);

    let (_, shown) = parts(&raw(&url, "GET", "/_sim/state", "-", "").await);
    assert_eq!((&shown["sent"][0]["body"], &shown["books"]["rewrites"]), (&json!("hello"), &json!(0)));
    assert_eq!(shown["offices"][0]["employees"][3]["bot"]["status"], "error");
    let log = raw(&url, "GET", "/_sim/log", "-", "").await;
    assert!(!log.contains(key) && !log.contains(code.as_str().expect("a code")));
    let last: Value = parts(&log).1["log"].as_array().and_then(|it| it.last()).expect("an entry").clone();
    assert_eq!((&last["kind"], &last["agent"], &last["text"]), (&json!("send"), &json!("jared"), &json!("hello")));

    let fault = json!({"fault": {"kind": "drop_after"}, "count": 2});
    control(&url, "stream_fault", fault).await;
    assert_eq!(sim.look(World::faults_left), 1);
    control(&url, "clear_faults", json!({})).await;
    control(&url, "cut_streams", json!({})).await;
    assert_eq!(sim.look(World::faults_left), 0);
    control(&url, "leaves", json!({"name": "anna"})).await;
    control(&url, "revoke_key", json!({"name": "jared"})).await;
    assert_eq!(parts(&raw(&url, "GET", &query, key, "").await).0, 401);
    assert_eq!(parts(&raw(&url, "POST", "/_sim/leaves", "-", r#"{"name":"nobody"}"#).await).0, 404);
    serving.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_auto_person_talks_and_answers() {
    let options = Options { auto: Some(Duration::from_secs(5)), ..Options::default() };
    let (sim, serving) = run_office(options, 0).await.expect("a port");
    let body = wish(&sim.invite());
    let key = parts(&raw(&serving.url(), "POST", JOIN, "-", &body).await).1["api_key"].clone();
    let to_jared = |text: &str| {
        let text = text.to_owned();
        move |world: &World| {
            world.messages().any(|it| it.to == Receiver::Direct("jared".into()) && it.body.starts_with(&text))
        }
    };
    sim.wait_for(to_jared("Hello!")).await;
    let path = format!("/api/offices/{}/xmtp", sim.office());
    let send = json!({"action": "send", "from": "jared", "to": "user", "body": "hi"}).to_string();
    raw(&serving.url(), "POST", &path, key.as_str().expect("a key"), &send).await;
    sim.wait_for(to_jared("Understood")).await;
    serving.stop().await;
}
