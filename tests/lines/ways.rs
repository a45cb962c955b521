//! When the ways of many workspaces are dialled for the first time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::line::timing::Timing;
use agent_bridge::session::{LoginWaits, Means};
use agent_bridge::store::{Batch, Change, Options, Seat, Store, WorkspaceRecord};
use agent_bridge::workspace::{Context, Roster};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bench::{NOW, ORIGIN};
use crate::memory_network::MemoryNetwork;

const MANY: usize = 40;
const SPREAD: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(250);

type Times = Arc<Mutex<Vec<Instant>>>;

/// A platform that has neither events nor a cable, and notes when it is asked for either.
fn platform() -> (MemoryNetwork, [Times; 2]) {
    let (network, [log, cable]) = (MemoryNetwork::default(), [Times::default(), Times::default()]);
    let (polled, dialled) = (log.clone(), cable.clone());
    let events = async move || {
        polled.lock().unwrap().push(Instant::now());
        Json(json!({ "events": [], "next_cursor": null }))
    };
    let refuses = async move || {
        dialled.lock().unwrap().push(Instant::now());
        StatusCode::NOT_FOUND
    };
    network.serve(ORIGIN, Router::new().route("/events", get(events)).route("/cable", get(refuses)));
    (network, [log, cable])
}

fn record(number: usize) -> WorkspaceRecord {
    WorkspaceRecord {
        name: WorkspaceName::new(&format!("w{number}")).unwrap(),
        platform: "ledger".into(),
        settings: BTreeMap::from([("url".into(), ORIGIN.into())]),
        facts: BTreeMap::from([("handle".into(), "me@x.example".into()), ("may".into(), json!({}))]),
        session: "key".into(),
        seat: Seat::SignedIn,
        joined_at: NOW,
    }
}

#[tokio::test(start_paused = true)]
async fn row_41_many_workspaces_that_start_together_dial_their_cables_one_after_the_other() {
    let (network, ways) = platform();
    let dir = tempfile::tempdir().unwrap();
    let manifest = include_str!("log/ledger.yaml");
    let cable = "push: [ { flavour: action_cable, get: /cable, identifier: { channel: Events }, error: /error/code }, ";
    assert!(manifest.contains("push: [ "));
    std::fs::write(dir.path().join("ledger.yaml"), manifest.replace("push: [ ", cable)).unwrap();
    let clock = Clock::paced(NOW);
    let options = Options { clock: clock.clone(), ballast: 0, ..Options::default() };
    let store = Store::open(&dir.path().join("store.redb"), options).unwrap();
    for number in 0..MANY {
        let secret = Change::Secret {
            owner: format!("w{number}"),
            field: "api_key".into(),
            value: Some("key-1".to_owned().into()),
        };
        store.commit(Batch::new().with(Change::Workspace(Box::new(record(number)))).with(secret)).await.unwrap();
    }
    let (_still, stop) = std::sync::mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || stop.recv());
    let means = Means {
        store: store.clone(),
        network: Arc::new(network),
        clock,
        tasks: TaskTracker::new(),
        waits: LoginWaits::default(),
    };
    let context = Context {
        outbox: agent_bridge::outbox::Limits::default(),
        means,
        manifests: Arc::new(Manifests::load(Some(dir.path())).unwrap()),
        timing: Timing { spread: SPREAD, ..Timing::default() },
        backfill: Arc::default(),
        policy: Arc::default(),
        rules: Arc::default(),
        strict: Arc::default(),
        hooks: agent_bridge::ingress::Hooks::default(),
    };
    let (roster, task) = Roster::new(context, CancellationToken::new());
    let task = tokio::spawn(task.run());
    let begun = Instant::now();
    roster.start_all().await.unwrap();
    while begun.elapsed() < SPREAD + STEP * 4 {
        tokio::time::advance(STEP).await;
        for _ in 0..40 {
            tokio::task::yield_now().await;
        }
        store.probe().await.unwrap();
    }
    for (way, times) in ["log", "cable"].into_iter().zip(ways) {
        let times: Vec<Duration> = times.lock().unwrap().iter().map(|at| at.duration_since(begun)).collect();
        assert!(times.len() >= MANY, "{way}: {}", times.len());
        // Evenly spread it would be four in any tenth of the time.
        let first = times.iter().filter(|at| **at < SPREAD / 10).count();
        assert!(first <= MANY * 4 / 10, "{way}: {first} of {MANY} at once: {times:?}");
    }
    task.abort();
}
