//! The script over HTTP, for other processes: `/_sim/…`, JSON in and out. See `sim/README.md`.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Sim, record::GrantId};
use crate::control::{Reply, done, ok, takes};

mod people;

pub(super) fn router(sim: &Sim) -> Router {
    Router::new()
        .route("/_sim/approve", post(approve))
        .route("/_sim/deny", post(deny))
        .route("/_sim/grant", post(grant))
        .route("/_sim/capability", post(capability))
        .route("/_sim/revoke", post(revoke))
        .route("/_sim/expire_access", post(expire_access))
        .route("/_sim/expire_refresh", post(expire_refresh))
        .route("/_sim/poll_fault", takes(Sim::poll_fault))
        .route("/_sim/events", post(events))
        .route("/_sim/state", get(state))
        .with_state(sim.clone())
        .merge(crate::control::router(sim))
        .merge(people::router(sim))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByRequest {
    /// Absent: the newest that waits.
    request_id: Option<u64>,
}

async fn approve(State(sim): State<Sim>, Json(body): Json<ByRequest>) -> Reply {
    decide(&sim, &body, true)
}

async fn deny(State(sim): State<Sim>, Json(body): Json<ByRequest>) -> Reply {
    decide(&sim, &body, false)
}

fn decide(sim: &Sim, body: &ByRequest, yes: bool) -> Reply {
    let decided = sim.with(|world| {
        let request = body.request_id.or_else(|| world.pending().map(|it| it.id));
        request.is_some_and(|request| world.decide(request, yes))
    });
    done(decided, "request that waits")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGrant {
    owner: String,
    name: String,
    callback_url: Option<String>,
}

async fn grant(State(sim): State<Sim>, Json(body): Json<NewGrant>) -> Json<Value> {
    let grant = sim.grant(&body.owner, &body.name, body.callback_url.as_deref());
    Json(json!({
        "grant": grant,
        "agent_handle": sim.agent(grant),
        "access_token": sim.access_token(grant),
        "refresh_token": sim.refresh_token(grant),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Absent: the newest that stands.
    grant: Option<GrantId>,
    capability: String,
    on: bool,
}

async fn capability(State(sim): State<Sim>, Json(body): Json<Switch>) -> Reply {
    let grant = body.grant.or_else(|| sim.newest_grant());
    if let Some(grant) = grant {
        sim.set_capability(grant, &body.capability, body.on);
    }
    done(grant.is_some(), "grant")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByGrant {
    /// Absent: the newest that stands.
    grant: Option<GrantId>,
}

async fn revoke(State(sim): State<Sim>, Json(body): Json<ByGrant>) -> Reply {
    let grant = body.grant.or_else(|| sim.newest_grant());
    done(grant.is_some_and(|grant| sim.revoke(grant)), "grant")
}

async fn expire_access(State(sim): State<Sim>, Json(body): Json<ByGrant>) -> Reply {
    let grant = body.grant.or_else(|| sim.newest_grant());
    done(grant.map(|grant| sim.expire_access(grant)).is_some(), "grant")
}

async fn expire_refresh(State(sim): State<Sim>, Json(body): Json<ByGrant>) -> Reply {
    let grant = body.grant.or_else(|| sim.newest_grant());
    done(grant.map(|grant| sim.expire_refresh(grant)).is_some(), "grant")
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Log {
    Hold(u32),
    Show,
    InvalidateCursors,
    AgeCursors,
    AgeEvents,
}

async fn events(State(sim): State<Sim>, Json(body): Json<Log>) -> Json<Value> {
    match body {
        Log::Hold(count) => sim.hold_events(count),
        Log::Show => sim.show_events(),
        Log::InvalidateCursors => sim.invalidate_cursors(),
        Log::AgeCursors => sim.age_cursors(),
        Log::AgeEvents => sim.age_events(),
    }
    ok()
}

async fn state(State(sim): State<Sim>) -> Json<Value> {
    sim.look(|world| {
        let grants: Vec<Value> = world
            .grants()
            .map(|it| json!({"grant": it.id, "agent_handle": it.handle, "owner": it.owner, "revoked": it.revoked}))
            .collect();
        Json(json!({
            "accounts": world.accounts.values().collect::<Vec<_>>(),
            "pending": world.pending().map(|it| it.id),
            "grants": grants,
            "topics": world.topics.values().collect::<Vec<_>>(),
            "chats": world.chats().collect::<Vec<_>>(),
            "typing": world.typing,
            "events": world.events.values().map(|it| &it.body).collect::<Vec<_>>(),
            "leaks": world.leaks,
            "faults_left": world.faults_left(),
            "served": world.ledger.served,
        }))
    })
}
