//! The script over HTTP as every platform has it: faults and the log under `/_sim/`, and how its answers look.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::{
    fault::Armed,
    platform::{Platform, Sim},
};

/// The answer of a route that may name what is not there.
pub(crate) type Reply = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// `{"ok":true}`, or 404 because there is no such thing.
pub(crate) fn done(done: bool, what: &str) -> Reply {
    done.then(|| Json(json!({"ok": true}))).ok_or_else(|| not_found(what))
}

/// 404.
pub(crate) fn not_found(what: &str) -> (StatusCode, Json<Value>) {
    (StatusCode::NOT_FOUND, Json(json!({"error": format!("no such {what}")})))
}

/// `POST /_sim/fault` and `GET /_sim/log`.
pub(crate) fn router<W: Platform>(sim: &Sim<W>) -> Router {
    Router::new().route("/_sim/fault", post(fault::<W>)).route("/_sim/log", get(log::<W>)).with_state(sim.clone())
}

async fn fault<W: Platform>(State(sim): State<Sim<W>>, Json(body): Json<Armed>) -> Json<Value> {
    sim.arm(body);
    Json(json!({"ok": true}))
}

async fn log<W: Platform>(State(sim): State<Sim<W>>) -> Json<Value> {
    Json(json!({"log": sim.log()}))
}
