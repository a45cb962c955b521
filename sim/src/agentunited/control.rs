//! The script over HTTP, for other processes: `/_sim/…`, JSON in and out. See `sim/README.md`.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Burst, Sim, StreamFault};
use crate::control::{Reply, done, happens, not_found, ok, takes};

pub(super) fn router(sim: &Sim) -> Router {
    Router::new()
        .route("/_sim/invite", post(invite))
        .route("/_sim/central_jwt", post(central_jwt))
        .route("/_sim/api_key", post(api_key))
        .route("/_sim/channel", post(channel))
        .route("/_sim/say", post(say))
        .route("/_sim/edit", post(edit))
        .route("/_sim/delete", post(delete))
        .route("/_sim/stream_fault", takes(|sim: &Sim, fault: StreamFault| sim.stream_fault(&fault)))
        .route("/_sim/expire_token", post(expire_token))
        .route("/_sim/offline", post(offline))
        .route("/_sim/restart", happens(Sim::restart))
        .route("/_sim/cut_streams", happens(Sim::cut_streams))
        .route("/_sim/burst", post(burst))
        .route("/_sim/state", get(state))
        .with_state(sim.clone())
        .merge(crate::control::router(sim))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invite {
    email: Option<String>,
}

async fn invite(State(sim): State<Sim>, Json(body): Json<Invite>) -> Json<Value> {
    Json(json!({"link": sim.invite(body.email.as_deref())}))
}

async fn central_jwt(State(sim): State<Sim>) -> Json<Value> {
    Json(json!({"central_jwt": sim.central_jwt()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByAccount {
    account: Option<String>,
}

async fn api_key(State(sim): State<Sim>, Json(body): Json<ByAccount>) -> Json<Value> {
    let account = body.account.unwrap_or_else(|| sim.primary());
    Json(json!({"api_key": sim.api_key(&account), "account": account}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

async fn channel(State(sim): State<Sim>, Json(body): Json<Named>) -> Json<Value> {
    Json(json!({"channel": sim.channel(&body.name)}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    /// A person's name, or `primary` for the primary agent.
    person: String,
    /// A room's id or a channel's name; absent: the person's DM with each member that joined.
    channel: Option<String>,
    text: String,
}

async fn say(State(sim): State<Sim>, Json(body): Json<Say>) -> Reply {
    let primary = body.person == "primary";
    let person = if primary { sim.primary() } else { sim.person(&body.person) };
    let rooms: Vec<String> = match body.channel {
        Some(room) => vec![resolve(&sim, &room)],
        None => sim.members().iter().map(|member| sim.dm(&person, member)).collect(),
    };
    let said: Vec<Value> =
        rooms.iter().map(|room| json!({"message_id": sim.say(&person, room, &body.text), "channel": room})).collect();
    let Some(first) = said.first() else {
        return Err(not_found("agent to talk to"));
    };
    Ok(Json(json!({"message_id": first["message_id"], "channel": first["channel"], "said": said})))
}

/// A room by id, else the channel of that name.
fn resolve(sim: &Sim, room: &str) -> String {
    if sim.look(|world| world.rooms.contains_key(room)) { room.into() } else { sim.channel(room) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    message_id: String,
    text: String,
}

async fn edit(State(sim): State<Sim>, Json(body): Json<Edit>) -> Reply {
    done(sim.edit(&body.message_id, &body.text), "message")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    message_id: String,
}

async fn delete(State(sim): State<Sim>, Json(body): Json<Delete>) -> Reply {
    done(sim.delete(&body.message_id), "message")
}

async fn expire_token(State(sim): State<Sim>, Json(body): Json<ByAccount>) -> Json<Value> {
    for account in body.account.map_or_else(|| sim.members(), |account| vec![account]) {
        sim.expire_token(&account);
    }
    ok()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offline {
    offline: bool,
}

async fn offline(State(sim): State<Sim>, Json(body): Json<Offline>) -> Json<Value> {
    sim.set_offline(body.offline);
    ok()
}

async fn burst(State(sim): State<Sim>, Json(mut body): Json<Burst>) -> Json<Value> {
    body.channel = resolve(&sim, &body.channel);
    let done = sim.burst(&body).await;
    Json(json!({"ok": done, "channel": body.channel}))
}

async fn state(State(sim): State<Sim>) -> Json<Value> {
    sim.look(|world| {
        let accounts: Vec<Value> = world
            .accounts()
            .map(|it| json!({"id": it.id, "name": it.name, "email": it.email, "kind": it.kind, "owner": it.owner}))
            .collect();
        let rooms: Vec<Value> = world
            .rooms()
            .map(|it| json!({"id": it.id, "name": it.name, "dm": it.dm, "members": it.members, "messages": world.history(&it.id)}))
            .collect();
        Json(json!({
            "accounts": accounts, "rooms": rooms, "streams": world.stream_count(),
            "streams_opened": world.streams_opened(), "crashes": world.crashes(),
            "faults_left": world.faults_left(), "served": world.ledger.served,
            "messages_by_agent": world.messages_by_agent(),
        }))
    })
}
