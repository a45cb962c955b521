//! Who the agent is, whom it sees, and the topics that it is in.

use crate::support::{ANNA, Caller, PIERRE, Served, close, error, house};
use agent_bridge_sim::speakeasy::{Fault, Options};
use serde_json::{Value, json};

fn one(body: &Value, kind: &str) -> Value {
    let data = body["records"][kind]["data"].as_object().expect("records");
    assert_eq!(data.len(), 1, "{body}");
    data.values().next().cloned().unwrap_or_default()
}

pub async fn me(served: &mut Served) {
    let house = house(Options::default());
    let agent = &house.agent;
    let (status, me) = agent.patch("/agent/me", json!({"display_name": "Echo the Second"})).await;
    assert_eq!(
        (status, &me["display_name"], &me["agent_handle"]),
        (200, &json!("Echo the Second"), &json!(house.handle))
    );
    assert_eq!(agent.patch("/agent/me", json!({"display_name": " \t"})).await.0, 400);
    assert_eq!(agent.get("/agent/me").await.1["display_name"], "Echo the Second");
    let stranger = house.sim.stranger("zoe@people.test", "Zoé");
    let (status, body) = agent.get("/agent/people").await;
    let seen: Vec<&Value> = body["people"].as_array().expect("people").iter().map(|it| &it["handle"]).collect();
    assert_eq!((status, seen), (200, vec![&json!(ANNA), &json!(PIERRE)]));
    house.sim.add_participant(PIERRE, house.topic, &stranger);
    assert_eq!(agent.get("/agent/people").await.1["people"].as_array().map(Vec::len), Some(3));
    house.sim.fault("GET /agent/me", Fault::Status { status: 404 });
    house.sim.fault("GET /agent/me", Fault::TooMany { retry_after: "Wed, 08 Apr 2026 12:00:00 GMT".into() });
    let statuses = [agent.get("/agent/me").await.0, agent.get("/agent/me").await.0, agent.get("/agent/me").await.0];
    assert_eq!(statuses, [404, 429, 200]);
    for retry_after in ["7", "Wed, 08 Apr 2026 12:00:00 GMT"] {
        house.sim.fault("GET /agent/topics", Fault::TooMany { retry_after: retry_after.into() });
        assert_eq!(agent.get("/agent/topics").await.0, 429);
    }
    close(&house.sim, served);
}

pub async fn topics(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent) = (&house.sim, &house.agent);
    let theirs = sim.topic("Without the agent", &[PIERRE, ANNA]);
    let (status, body) = agent.get("/agent/topics").await;
    let listed = one(&body, "topics");
    let top = (&listed["id"], &listed["parent_topic_id"], &listed["root_topic_id"], &listed["spawned_from_chat_id"]);
    assert_eq!((status, top), (200, (&json!(house.topic), &Value::Null, &json!(house.topic), &Value::Null)));
    assert_eq!(agent.get(&house.at("")).await.0, 200);
    assert_eq!(agent.get(&format!("/agent/topics/{theirs}")).await.0, 403);
    assert_eq!(agent.get("/agent/topics/999999").await.0, 404);
    for stray in ["/agent/rooms", "/files"] {
        assert_eq!(error(&agent.get(stray).await), (404, "not found"));
        assert!(sim.log().last().is_some_and(|it| it.path.ends_with(stray) && it.status == 404), "it is logged");
    }
    let made = async |body: Value| agent.post("/agent/topics", body).await;
    assert_eq!(made(json!({"topic": {"subject": " "}})).await.0, 400);
    sim.stranger("zoe@people.test", "Zoé");
    let hidden = json!({"topic": {"subject": "x"}, "handles_to_add": ["zoe@people.test"]});
    assert_eq!(made(hidden).await.0, 403);
    let (status, body) = made(json!({"topic": {"subject": "Mine"}, "handles_to_add": [ANNA]})).await;
    let topic = one(&body, "topics");
    assert_eq!((status, &topic["subject"], &body["topic"]), (201, &json!("Mine"), &topic));
    assert_eq!(body["records"]["participants"]["data"].as_object().map(serde_json::Map::len), Some(2));
    close(sim, served);
}

pub async fn threads(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent, parent) = (&house.sim, &house.agent, house.topic);
    let source = sim.say(PIERRE, parent, "let us talk about this");
    let elsewhere = sim.say(PIERRE, sim.topic("Other", &[PIERRE, &house.handle]), "not here");
    let spawn = async |parent: Value, chat: Value| {
        let body = json!({"topic": {"subject": "Follow-up"}, "parent_topic_id": parent, "spawned_from_chat_id": chat});
        agent.post("/agent/topics", body).await
    };
    for half in [spawn(json!(parent), Value::Null).await, spawn(Value::Null, json!(source)).await] {
        assert_eq!(error(&half), (400, "parent_topic_id and spawned_from_chat_id are required together"));
    }
    let outside = spawn(json!(parent), json!(elsewhere)).await;
    assert_eq!(error(&outside), (400, "spawned_from_chat_id is not in the parent topic"));
    // Ids may come as strings.
    let (status, body) = spawn(json!(parent.to_string()), json!(source)).await;
    let child = one(&body, "topics");
    assert_eq!((status, &child["parent_topic_id"], &child["root_topic_id"]), (201, &json!(parent), &json!(parent)));
    assert_eq!(body["records"]["participants"]["data"].as_object().map(serde_json::Map::len), Some(3));
    let again = spawn(json!(parent), json!(source)).await;
    assert_eq!(error(&again), (400, "the source chat already has a child topic"));
    let (_, page) = agent.get(&house.at("/chats")).await;
    assert_eq!(one(&page, "timelines")["thread_topic_id"], child["id"]);
    for capability in ["threaded_topic_create", "topic_hierarchy"] {
        sim.set_capability(house.grant, capability, false);
        assert_eq!(spawn(json!(parent), json!(source)).await.0, 403, "{capability}");
        sim.set_capability(house.grant, capability, true);
    }
    let spawned = sim.child_topic(elsewhere, "By a person").expect("a topic");
    assert_eq!(sim.look(|world| world.topic(spawned).and_then(|it| it.spawned_from)), Some(elsewhere));
    close(sim, served);
}

pub async fn people_come_and_go(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent) = (&house.sim, &house.agent);
    let path = house.at("/participants");
    assert_eq!(agent.get(&path).await.1["records"]["contacts"]["data"][ANNA]["name"], "Anna");
    sim.person("max@people.test", "Max");
    let add = async |handle: Value| agent.post(&path, json!({"handle": handle})).await.0;
    assert_eq!([add(json!("max@people.test")).await, add(json!("max@people.test")).await], [201, 200]);
    assert_eq!([add(Value::Null).await, add(json!("nobody@people.test")).await], [400, 403]);
    let typing = async |on: Value| agent.patch(&house.at("/typing"), json!({"typing": on})).await.0;
    assert_eq!(typing(json!("yes")).await, 400);
    assert_eq!((typing(json!(true)).await, sim.typing(house.topic)), (200, vec![house.handle.clone()]));
    assert_eq!((typing(json!(false)).await, sim.typing(house.topic).len()), (200, 0));

    let body = |handle: &str| json!({"handle": handle, "chat": {"text": "Hello from the agent."}});
    let (status, first) = agent.post("/agent/direct_chats", body(ANNA)).await;
    let (_, second) = agent.post("/agent/direct_chats", body(ANNA)).await;
    assert_eq!((status, &first["topic"]["id"]), (201, &second["topic"]["id"]));
    let direct = first["topic"]["id"].as_u64().expect("an id");
    assert_eq!(sim.direct_topic(ANNA, &house.handle), direct);
    let intruder = agent.post(&format!("/agent/topics/{direct}/participants"), json!({"handle": PIERRE})).await;
    assert_eq!(intruder.0, 403, "direct chats remain private");
    assert_eq!(agent.post("/agent/direct_chats", json!({"chat": {"text": "x"}})).await.0, 400);
    assert_eq!(agent.post("/agent/direct_chats", body("nobody@people.test")).await.0, 403);
    let other = Caller { sim: sim.clone(), token: sim.access_token(sim.grant(PIERRE, "Other", None)) };
    assert_eq!(other.get(&format!("/agent/topics/{direct}/chats")).await.0, 403);
    close(sim, served);
}

#[tokio::test]
async fn a_grant_knows_itself_and_whom_it_sees() {
    me(&mut Served::new()).await;
}

#[tokio::test]
async fn topics_are_those_that_the_agent_is_in() {
    topics(&mut Served::new()).await;
}

#[tokio::test]
async fn a_chat_grows_one_child_topic() {
    threads(&mut Served::new()).await;
}

#[tokio::test]
async fn people_are_added_and_direct_chats_stay_private() {
    people_come_and_go(&mut Served::new()).await;
}
