//! The same cable in memory, under paused time, with the waits that a bridge really has.

use std::sync::Arc;
use std::time::Duration;

use agent_bridge::line::timing::Timing;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::bench::{Ear, Peer};
use crate::memory_network::MemoryNetwork;

const ORIGIN: &str = "https://rails.test";

/// A server whose cables are handed out as they are opened.
struct Rails(mpsc::UnboundedReceiver<Peer>);

impl Rails {
    async fn heard_by() -> (Self, Ear) {
        let (opened, peers) = mpsc::unbounded_channel();
        let network = MemoryNetwork::default();
        network.serve(
            ORIGIN,
            Router::new().route("/cable", get(async move |request: Request| open(request, opened.clone()))),
        );
        (Self(peers), Ear::through(Arc::new(network), ORIGIN, Timing::default()).await)
    }

    /// The next cable, subscribed and confirmed.
    async fn live(&mut self) -> (Peer, String) {
        let mut peer = self.0.recv().await.unwrap();
        peer.say(&json!({ "type": "welcome" })).await;
        let identifier = peer.subscribe().await;
        peer.kind("confirm_subscription", &identifier).await;
        (peer, identifier)
    }
}

fn open(request: Request, opened: mpsc::UnboundedSender<Peer>) -> Response {
    let accept = derive_accept_key(request.headers()["sec-websocket-key"].as_bytes());
    tokio::spawn(async move {
        let pipe = hyper::upgrade::on(request).await.unwrap();
        let _ = opened.send(Peer::over(Box::new(TokioIo::new(pipe))).await);
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", accept)
        .header("sec-websocket-protocol", "actioncable-v1-json")
        .body(axum::body::Body::empty())
        .unwrap()
}

/// Pings, more often than Rails does, for so long.
async fn pings(peer: &mut Peer, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        peer.say(&json!({ "type": "ping", "message": 1 })).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn f26_a_stopped_peer_is_dialled_again_within_twelve_seconds_and_a_quiet_channel_never() {
    let (mut rails, mut ear) = Rails::heard_by().await;
    let (mut peer, _) = rails.live().await;
    ear.is_welcomed().await;
    pings(&mut peer, Duration::from_mins(5)).await;
    assert!(rails.0.try_recv().is_err(), "five minutes without an event are no reason");
    let stopped = Instant::now();
    let (_again, _) = rails.live().await;
    let took = stopped.elapsed();
    assert!(took >= Duration::from_secs(5) && took <= Duration::from_secs(12), "{took:?}");
    assert!(ear.down().await.0.contains("silent"));
    ear.is_welcomed().await;
}

#[tokio::test(start_paused = true)]
async fn f23_ten_seconds_go_by_before_it_subscribes_again_on_this_connection_and_on_the_next() {
    for on_the_next in [false, true] {
        let (mut rails, mut ear) = Rails::heard_by().await;
        let (mut peer, identifier) = rails.live().await;
        ear.is_welcomed().await;
        peer.tell(&identifier, json!({ "error": { "code": "cursor_gap" } })).await;
        peer.kind("reject_subscription", &identifier).await;
        ear.gap().await;
        let told = Instant::now();
        if on_the_next {
            peer.disconnect("remote", true).await;
            peer = rails.0.recv().await.unwrap();
            peer.say(&json!({ "type": "welcome" })).await;
        }
        pings(&mut peer, Duration::from_secs(9).saturating_sub(told.elapsed())).await;
        peer.subscribe().await;
        let took = told.elapsed();
        assert!(took >= Duration::from_millis(9_990) && took <= Duration::from_secs(11), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_confirms_and_goes_away_again_and_again_is_dialled_ever_more_seldom() {
    let (mut rails, mut ear) = Rails::heard_by().await;
    let mut waits = Vec::new();
    for _ in 0..8 {
        let (mut peer, _) = rails.live().await;
        ear.is_welcomed().await;
        peer.disconnect("server_restart", true).await;
        waits.push(ear.down().await.1);
    }
    assert!(waits[0] <= Duration::from_secs(4) && waits[7] >= Duration::from_secs(29), "{waits:?}");
    let (mut peer, _) = rails.live().await;
    ear.is_welcomed().await;
    pings(&mut peer, Duration::from_secs(61)).await;
    peer.disconnect("server_restart", true).await;
    let wait = ear.down().await.1;
    assert!(wait <= Duration::from_secs(4), "a minute of health is forgiven: {wait:?}");
}

#[tokio::test(start_paused = true)]
async fn row_35_who_asks_all_to_wait_as_long_sees_them_come_back_one_after_the_other() {
    let network = MemoryNetwork::default();
    let busy = |after| get(async move || (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", after)]));
    network.serve(ORIGIN, Router::new().route("/cable", busy("99999999")));
    let mut ear = Ear::through(Arc::new(network.clone()), ORIGIN, Timing::default()).await;
    let absurd = ear.down().await.1;
    assert!(absurd <= Duration::from_hours(1) && absurd >= Duration::from_mins(59), "{absurd:?}");
    network.serve(ORIGIN, Router::new().route("/cable", busy("30")));
    let mut waits = Vec::new();
    for _ in 0..8 {
        waits.push(Ear::through(Arc::new(network.clone()), ORIGIN, Timing::default()).await.down().await.1);
    }
    waits.sort_unstable();
    assert!(waits[0] >= Duration::from_secs(30) && waits[7] <= Duration::from_secs(33), "{waits:?}");
    assert!(waits[7].saturating_sub(waits[0]) > Duration::from_millis(100), "{waits:?}");
}
