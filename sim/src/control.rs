//! The script over HTTP as every platform has it: faults and the log under `/_sim/`, and how its answers look.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{MethodRouter, get, post},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::platform::{Platform, Sim};

/// The answer of a route that may name what is not there.
pub(crate) type Reply = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// `{"ok":true}`.
pub(crate) fn ok() -> Json<Value> {
    Json(json!({"ok": true}))
}

/// `{"ok":true}`, or 404 because there is no such thing.
pub(crate) fn done(done: bool, what: &str) -> Reply {
    done.then(ok).ok_or_else(|| not_found(what))
}

/// 404.
pub(crate) fn not_found(what: &str) -> (StatusCode, Json<Value>) {
    (StatusCode::NOT_FOUND, Json(json!({"error": format!("no such {what}")})))
}

/// A route by which something happens that always can.
pub(crate) fn happens<W: Send + 'static>(
    act: impl Fn(&Sim<W>) + Clone + Send + Sync + 'static,
) -> MethodRouter<Sim<W>> {
    post(move |State(sim): State<Sim<W>>| async move {
        act(&sim);
        ok()
    })
}

/// The same with a body that says what.
pub(crate) fn takes<W: Send + 'static, B: DeserializeOwned + Send + 'static>(
    act: impl Fn(&Sim<W>, B) + Clone + Send + Sync + 'static,
) -> MethodRouter<Sim<W>> {
    post(move |State(sim): State<Sim<W>>, Json(body): Json<B>| async move {
        act(&sim, body);
        ok()
    })
}

/// `POST /_sim/fault` and `GET /_sim/log`.
pub(crate) fn router<W: Platform>(sim: &Sim<W>) -> Router {
    Router::new().route("/_sim/fault", takes(Sim::<W>::arm)).route("/_sim/log", get(log::<W>)).with_state(sim.clone())
}

async fn log<W: Platform>(State(sim): State<Sim<W>>) -> Json<Value> {
    Json(json!({"log": sim.log()}))
}
