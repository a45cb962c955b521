//! A caller in memory, and a wall clock that a test turns.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use agent_bridge_sim::{
    invites::{Dialect, Options, Sim},
    serve::ReplyLost,
};
use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A status and the body's JSON; a body that is none is a JSON string.
pub type Reply = (u16, Value);
/// Lines of the contract that a story served.
pub type Served = BTreeSet<&'static str>;

/// 2026-03-20T10:00:00.000Z.
pub const TEN: u64 = 1_774_000_800_000;
/// Milliseconds of a day.
pub const DAY: u64 = 24 * 3600 * 1000;

/// A wall clock that a test turns.
#[derive(Clone)]
pub struct Hands(Arc<AtomicU64>);

impl Hands {
    pub fn turn(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

/// A platform whose wall time stands still until it is turned.
pub fn clocked<D: Dialect>(options: Options<D>) -> (Sim<D>, Hands) {
    let hands = Hands(Arc::new(AtomicU64::new(TEN)));
    let clock = hands.clone();
    (Sim::new(Options { wall: Arc::new(move || clock.0.load(Ordering::SeqCst)), ..options }), hands)
}

/// One request; `None` is a reply that was lost.
pub async fn ask<D: Dialect>(sim: &Sim<D>, method: &str, path: &str, key: &str, body: Option<&str>) -> Option<Reply> {
    let mut request = Request::builder().method(method).uri(path);
    if !key.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(Body::from(body.unwrap_or_default().to_owned())).expect("a request");
    let Ok(response) = sim.router().oneshot(request).await;
    if response.extensions().get::<ReplyLost>().is_some() {
        return None;
    }
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
    let text = || json!(String::from_utf8_lossy(&bytes));
    Some((status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text())))
}

pub async fn get<D: Dialect>(sim: &Sim<D>, path: &str) -> Reply {
    ask(sim, "GET", path, "", None).await.expect("a reply")
}

pub async fn post<D: Dialect>(sim: &Sim<D>, path: &str, body: Value) -> Reply {
    ask(sim, "POST", path, "", Some(&body.to_string())).await.expect("a reply")
}

/// A refusal's status and text.
pub fn no((status, body): Reply) -> (u16, String) {
    let text = body["error"].as_str().unwrap_or_else(|| panic!("no error in {status} {body}"));
    (status, text.to_owned())
}

/// The refusal that is meant.
pub fn says(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

/// A text in a body.
pub fn text(body: &Value, pointer: &str) -> String {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {body}")).to_owned()
}
