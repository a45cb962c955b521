//! The script over HTTP, for other processes: `/_sim/…`, JSON in and out. See `sim/README.md`.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Dialect, NewInvite, RequestId, Sim};
use crate::control::{Reply, done, happens, not_found};

pub(super) fn router<D: Dialect>(sim: &Sim<D>) -> Router {
    Router::new()
        .route("/_sim/invite", post(invite::<D>))
        .route("/_sim/withdraw", post(withdraw::<D>))
        .route("/_sim/expire", post(expire::<D>))
        .route("/_sim/approve", post(approve::<D>))
        .route("/_sim/reject", post(reject::<D>))
        .route("/_sim/expire_claim", post(expire_claim::<D>))
        .route("/_sim/forget", post(forget::<D>))
        .route("/_sim/make_key", post(make_key::<D>))
        .route("/_sim/revoke", post(revoke::<D>))
        .route("/_sim/clear_faults", happens(Sim::<D>::clear_faults))
        .route("/_sim/state", get(state::<D>))
        .with_state(sim.clone())
        .merge(crate::control::router(sim))
}

async fn invite<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<NewInvite>) -> Json<Value> {
    let made = sim.invite_with(&body);
    Json(json!({"invite": made.id, "token": made.token, "link": made.link}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByToken {
    token: String,
}

async fn withdraw<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<ByToken>) -> Reply {
    done(sim.withdraw(&body.token), "invite")
}

async fn expire<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<ByToken>) -> Reply {
    done(sim.expire(&body.token), "invite")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByRequest {
    /// Absent: the newest that the verb can be about.
    request: Option<RequestId>,
}

impl ByRequest {
    fn newest<D: Dialect>(self, sim: &Sim<D>) -> RequestId {
        let newest = || sim.look(|world| world.requests().last().map(|it| it.id.clone()));
        self.request.or_else(newest).unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// Absent: the newest that waits.
    request: Option<RequestId>,
    /// Whether an agent comes of it; it does where this is absent.
    agent: Option<bool>,
}

async fn approve<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<Approve>) -> Reply {
    let request = body.request.or_else(|| sim.waiting()).unwrap_or_default();
    let approved = if body.agent == Some(false) { sim.approve_without_agent(&request) } else { sim.approve(&request) };
    done(approved, "join request that waits")
}

async fn reject<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<ByRequest>) -> Reply {
    let request = body.request.or_else(|| sim.waiting()).unwrap_or_default();
    done(sim.reject(&request), "join request that waits")
}

async fn expire_claim<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<ByRequest>) -> Reply {
    done(sim.expire_claim(&body.newest(&sim)), "join request")
}

async fn forget<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<ByRequest>) -> Reply {
    done(sim.forget(&body.newest(&sim)), "join request")
}

async fn make_key<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<ByRequest>) -> Reply {
    let key = sim.make_key(&body.newest(&sim)).ok_or_else(|| not_found("agent"))?;
    Ok(Json(json!({"key": key})))
}

async fn revoke<D: Dialect>(State(sim): State<Sim<D>>, Json(body): Json<ByRequest>) -> Reply {
    done(sim.revoke(&body.newest(&sim)), "key that works")
}

async fn state<D: Dialect>(State(sim): State<Sim<D>>) -> Json<Value> {
    sim.look(|world| {
        Json(json!({
            "invites": world.invites,
            "requests": world.requests,
            "agents": world.agents,
            "keys": world.keys,
            "calls": world.books.counts(),
            "faults_left": world.faults_left(),
            "served": world.ledger.served,
        }))
    })
}
