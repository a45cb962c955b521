//! The same verbs over HTTP under `/v1`: on `control.sock`, and on loopback TCP with a token.

mod feed;
mod guard;
mod listen;
mod metrics;
mod openapi;
mod verbs;

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{any, get};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use guard::{Guard, TokenError, read_token};
pub use listen::Control;

use super::bridge::Bridge;
use crate::config::sections::Http;
use crate::ingress::Tally;

/// What every request can reach.
#[derive(Clone)]
pub struct Doors {
    /// The verbs.
    pub bridge: Bridge,
    /// Whether store, sockets and workspaces stand.
    pub ready: watch::Receiver<bool>,
    /// Ends watchers and listeners.
    pub token: CancellationToken,
    /// Cancelled by a handler that panicked: the daemon ends then.
    pub panicked: CancellationToken,
    /// The longest request body, in bytes.
    pub body: usize,
    /// How long a request body may take to come.
    pub receive: Duration,
    /// How often a watcher hears something.
    pub keepalive: Duration,
    /// What became of the deliveries of platforms.
    pub deliveries: Tally,
}

impl Doors {
    /// With the bounds of the config.
    pub fn new(bridge: Bridge, ready: watch::Receiver<bool>, token: CancellationToken, config: &Http) -> Self {
        let panicked = CancellationToken::new();
        let (body, receive, keepalive) = (config.body.bytes(), config.receive.0, config.keepalive.0);
        Self { bridge, ready, token, panicked, body, receive, keepalive, deliveries: Tally::default() }
    }
}

/// Every route, behind the guard of one door.
pub fn router(doors: Doors, guard: Guard) -> Router {
    Router::new()
        .route("/v1/feed", get(feed::watch))
        .route("/v1/{verb}", any(verbs::call))
        .route("/metrics", get(metrics::scrape))
        .route("/openapi.json", get(openapi::document))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(verbs::nowhere)
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .layer(middleware::from_fn_with_state(doors.panicked.clone(), guard::notice_panics))
        .with_state(doors)
}

async fn ready(axum::extract::State(doors): axum::extract::State<Doors>) -> (StatusCode, &'static str) {
    if *doors.ready.borrow() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n")
    }
}
