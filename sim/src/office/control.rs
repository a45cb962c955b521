//! The script over HTTP, for other processes: `/_sim/…`, JSON in and out. See `sim/README.md`.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BotStatus, Sim, record::USER};
use crate::control::{Reply, done, happens, not_found, ok, takes};

pub(super) fn router(sim: &Sim) -> Router {
    Router::new()
        .route("/_sim/invite", post(invite))
        .route("/_sim/person", post(person))
        .route("/_sim/colleague", post(colleague))
        .route("/_sim/leaves", post(leaves))
        .route("/_sim/say", post(say))
        .route("/_sim/bot", post(bot))
        .route("/_sim/register_chat", post(register_chat))
        .route("/_sim/lose_chat", post(lose_chat))
        .route("/_sim/revoke_key", post(revoke_key))
        .route("/_sim/fail_joins", post(fail_joins))
        .route("/_sim/shape", takes(Sim::set_shape))
        .route("/_sim/stream_fault", takes(Sim::arm_stream))
        .route("/_sim/cut_streams", happens(Sim::cut_streams))
        .route("/_sim/clear_faults", happens(Sim::clear_faults))
        .route("/_sim/state", get(state))
        .with_state(sim.clone())
        .merge(crate::control::router(sim))
}

/// What a code is good for.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Agent,
    Human,
    NoOffice,
    Expired,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invite {
    #[serde(default)]
    kind: Kind,
}

async fn invite(State(sim): State<Sim>, Json(body): Json<Invite>) -> Json<Value> {
    let code = match body.kind {
        Kind::Agent | Kind::Expired => sim.invite(),
        Kind::Human => sim.human_invite(),
        Kind::NoOffice => sim.invite_without_office(),
    };
    if matches!(body.kind, Kind::Expired) {
        sim.expire_invite(&code);
    }
    Json(json!({"code": code}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

async fn person(State(sim): State<Sim>, Json(body): Json<Named>) -> Json<Value> {
    Json(json!({"name": sim.person(&body.name)}))
}

async fn colleague(State(sim): State<Sim>, Json(body): Json<Named>) -> Json<Value> {
    Json(json!({"name": sim.colleague(&body.name)}))
}

async fn leaves(State(sim): State<Sim>, Json(body): Json<Named>) -> Reply {
    done(sim.leaves(&body.name), "employee")
}

async fn register_chat(State(sim): State<Sim>, Json(body): Json<Named>) -> Reply {
    done(sim.register_chat(&body.name), "employee")
}

async fn lose_chat(State(sim): State<Sim>, Json(body): Json<Named>) -> Reply {
    done(sim.lose_chat(&body.name), "employee")
}

async fn revoke_key(State(sim): State<Sim>, Json(body): Json<Named>) -> Reply {
    done(sim.revoke_key(&body.name), "key")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    /// A name; absent: the office's own person.
    from: Option<String>,
    /// A name or a group's id; absent: the newest agent that joined.
    to: Option<String>,
    body: String,
}

async fn say(State(sim): State<Sim>, Json(said): Json<Say>) -> Reply {
    let newest = || sim.agents().pop().map(|it| it.name);
    let to = said.to.or_else(newest).ok_or_else(|| not_found("agent to talk to"))?;
    let id = sim.say(said.from.as_deref().unwrap_or(USER), &to, &said.body);
    Ok(Json(json!({"message_id": id, "to": to})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BotIs {
    name: String,
    status: BotStatus,
}

async fn bot(State(sim): State<Sim>, Json(body): Json<BotIs>) -> Reply {
    done(sim.bot(&body.name, body.status), "bot")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joins {
    joins: u32,
}

async fn fail_joins(State(sim): State<Sim>, Json(body): Json<Joins>) -> Json<Value> {
    sim.fail_joins(body.joins);
    ok()
}

async fn state(State(sim): State<Sim>) -> Json<Value> {
    sim.look(|world| {
        Json(json!({
            "offices": world.offices,
            "messages": world.messages,
            "sent": world.sent().collect::<Vec<_>>(),
            "books": world.books,
            "streams": world.stream_count(),
            "streams_opened": world.streams_opened(),
            "faults_left": world.faults_left(),
            "served": world.ledger.served,
        }))
    })
}
