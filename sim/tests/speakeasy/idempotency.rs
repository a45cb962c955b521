//! `Idempotency-Key`: the first answer again, 409 for another body, per grant, method and path.

use crate::support::{Caller, PIERRE, Served, close, house};
use agent_bridge_sim::{
    serve::ReplyLost,
    speakeasy::{Fault, Options},
};
use axum::{body::Body, http::Request};
use serde_json::json;

const CREATE: &str = "POST /agent/topics/{topic_id}/chats";

pub async fn keys(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent, path) = (&house.sim, &house.agent, house.at("/chats"));
    let keyed = async |caller: &Caller, method: &str, path: &str, text: &str| {
        let body = json!({"chat": {"text": text}}).to_string();
        caller.ask(method, path, &[("idempotency-key", "k1")], body).await
    };
    let first = keyed(agent, "POST", &path, "once").await;
    assert_eq!((first.0, &keyed(agent, "POST", &path, "once").await), (201, &first));
    assert_eq!(keyed(agent, "POST", &path, "twice").await.0, 409);
    assert_eq!(sim.chats_by_agents().len(), 1);
    let one = format!("{path}/{}", sim.chats_by_agents()[0].id);
    let changed = keyed(agent, "PATCH", &one, "once").await;
    assert_eq!(changed.0, 200, "another method and path, another key");
    let deleted = keyed(agent, "DELETE", &one, "").await;
    assert_eq!((deleted.0, &keyed(agent, "DELETE", &one, "").await), (200, &deleted));
    assert_eq!(agent.delete(&one).await.0, 404, "without the header nothing is replayed");
    assert_eq!(keyed(agent, "PATCH", &one, "once").await, changed, "also after the chat is gone");

    let theirs = format!("{path}/{}", sim.say(PIERRE, house.topic, "mine"));
    let refused = keyed(agent, "PATCH", &theirs, "yours").await;
    assert_eq!((refused.0, &keyed(agent, "PATCH", &theirs, "yours").await), (403, &refused));
    assert_eq!(sim.log().iter().filter(|it| it.replayed).count(), 4);

    let other = sim.grant(PIERRE, "Other", None);
    sim.add_participant(PIERRE, house.topic, &sim.agent(other));
    let other = Caller { token: sim.access_token(other), ..agent.clone() };
    assert_eq!(keyed(&other, "POST", &path, "another grant's").await.0, 201);
    close(sim, served);
}

pub async fn lost_reply(served: &mut Served) {
    let house = house(Options::default());
    let (sim, agent, path) = (&house.sim, &house.agent, house.at("/chats"));
    let keyed = async |key: &str| {
        let body = json!({"chat": {"text": "kept"}}).to_string();
        agent.ask("POST", &path, &[("idempotency-key", key)], body).await
    };
    sim.fault(CREATE, Fault::StoredThen500);
    assert_eq!((keyed("a").await.0, keyed("a").await.0, sim.chats_by_agents().len()), (500, 201, 1));
    sim.fault(CREATE, Fault::Status { status: 409 });
    assert_eq!((keyed("b").await.0, sim.chats_by_agents().len()), (409, 1), "a fault has no effect");

    sim.fault(CREATE, Fault::ReplyLost);
    let request = Request::builder().method("POST").uri(format!("/api/v1{path}"));
    let request = request.header("x-auth-token", &agent.token).header("idempotency-key", "c");
    let request = request.header("content-type", "application/json");
    let request = request.body(Body::from(json!({"chat": {"text": "kept"}}).to_string())).expect("a request");
    assert!(agent.send(request).await.extensions().get::<ReplyLost>().is_some());
    assert_eq!((keyed("c").await.0, sim.chats_by_agents().len()), (201, 2));
    sim.set_capability(house.grant, "chat_idempotency", false);
    assert_eq!(
        (keyed("c").await.0, sim.chats_by_agents().len()),
        (201, 3),
        "without the capability the key is ignored"
    );
    close(sim, served);
}

#[tokio::test]
async fn a_key_replays_its_first_answer() {
    keys(&mut Served::new()).await;
}

#[tokio::test]
async fn a_lost_reply_is_had_again() {
    lost_reply(&mut Served::new()).await;
}
