//! What people do, over HTTP: come, open discovery, make topics, talk, come and go.

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Reply, done, ok};
use crate::speakeasy::{Sim, TopicId};

pub(super) fn router(sim: &Sim) -> Router {
    Router::new()
        .route("/_sim/person", post(person))
        .route("/_sim/discovery", post(discovery))
        .route("/_sim/topic", post(topic))
        .route("/_sim/say", post(say))
        .route("/_sim/edit", post(edit))
        .route("/_sim/delete", post(delete))
        .route("/_sim/add_participant", post(add_participant))
        .route("/_sim/remove_participant", post(remove_participant))
        .with_state(sim.clone())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    handle: String,
    name: Option<String>,
    #[serde(default)]
    unlisted: bool,
}

async fn person(State(sim): State<Sim>, Json(body): Json<Person>) -> Json<Value> {
    let name = body.name.as_deref().unwrap_or(&body.handle);
    let make = if body.unlisted { Sim::stranger } else { Sim::person };
    Json(json!({"handle": make(&sim, &body.handle, name)}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHandle {
    handle: String,
}

async fn discovery(State(sim): State<Sim>, Json(body): Json<ByHandle>) -> Json<Value> {
    sim.person(&body.handle, &body.handle);
    sim.enable_discovery(&body.handle);
    ok()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTopic {
    #[serde(default)]
    subject: String,
    /// Who is in it; the first made it. A direct one has two.
    #[serde(default)]
    handles: Vec<String>,
    #[serde(default)]
    direct: bool,
    /// Makes it a child topic, with the people of its parent.
    spawned_from_chat_id: Option<u64>,
}

async fn topic(State(sim): State<Sim>, Json(body): Json<NewTopic>) -> Reply {
    let handles: Vec<&str> = body.handles.iter().map(String::as_str).collect();
    let topic = match (body.spawned_from_chat_id, body.direct, handles.as_slice()) {
        (Some(chat), _, _) => sim.child_topic(chat, &body.subject),
        (None, true, [one, other]) => Some(sim.direct_topic(one, other)),
        (None, true, _) => None,
        (None, false, _) => Some(sim.topic(&body.subject, &handles)),
    };
    let missing = (StatusCode::NOT_FOUND, Json(json!({"error": "no such chat, or not two people"})));
    topic.map(|topic| Json(json!({"topic": topic}))).ok_or(missing)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    handle: String,
    /// Absent: the direct topic with the newest grant's agent.
    topic: Option<TopicId>,
    text: String,
    /// A chat to answer.
    reply_to: Option<u64>,
}

async fn say(State(sim): State<Sim>, Json(body): Json<Say>) -> Reply {
    let direct = || sim.newest_grant().map(|grant| sim.direct_topic(&body.handle, &sim.agent(grant)));
    let there = |topic: &TopicId| sim.look(|world| world.topics.contains_key(topic));
    let chat = match (body.reply_to, body.topic) {
        (Some(to), _) => sim.reply(&body.handle, to, &body.text),
        (None, Some(topic)) => there(&topic).then(|| sim.say(&body.handle, topic, &body.text)),
        (None, None) => direct().map(|topic| sim.say(&body.handle, topic, &body.text)),
    };
    let missing = (StatusCode::NOT_FOUND, Json(json!({"error": "no such topic, chat or agent"})));
    let said = chat.and_then(|chat| sim.look(|world| world.chat(chat).cloned())).ok_or(missing)?;
    Ok(Json(json!({"chat": said.id, "timeline": said.timeline, "topic": said.topic})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    chat: u64,
    text: String,
}

async fn edit(State(sim): State<Sim>, Json(body): Json<Edit>) -> Reply {
    done(sim.edit(body.chat, &body.text), "chat")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByChat {
    chat: u64,
}

async fn delete(State(sim): State<Sim>, Json(body): Json<ByChat>) -> Reply {
    done(sim.delete(body.chat), "chat")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    by: String,
    topic: TopicId,
    handle: String,
}

async fn add_participant(State(sim): State<Sim>, Json(body): Json<Member>) -> Reply {
    done(sim.add_participant(&body.by, body.topic, &body.handle), "topic, or there already")
}

async fn remove_participant(State(sim): State<Sim>, Json(body): Json<Member>) -> Reply {
    done(sim.remove_participant(&body.by, body.topic, &body.handle), "participant")
}
