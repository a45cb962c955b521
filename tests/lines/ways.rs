//! When platforms are asked: many workspaces that start together, and a platform that is slower than its pace.

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
use axum::routing::{MethodRouter, get};
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

const BOX: &str = r#"
platform: ledger
title: Box
ask:
  settings: { url: { kind: https-origin } }
  secrets: { api_key: { optional: true } }
http: { base: "{settings.url}" }
sessions: { key: { flavour: api_key, header: { x-key: "{secrets.api_key}" } } }
join: { ways: { key: { needs: [api_key], session: key } } }
receive: { flavour: inbox, get: /waiting, items: /items, event: mention.created, every: 5s, quiet: 5s }
events: { mention.created: { object: /id } }
"#;

type Times = Arc<Mutex<Vec<Instant>>>;

/// Answers like this after so long, and notes when it is asked.
fn noted(times: &Times, status: StatusCode, after: Duration) -> MethodRouter {
    let times = times.clone();
    get(async move || {
        times.lock().unwrap().push(Instant::now());
        tokio::time::sleep(after).await;
        (status, Json(json!({ "events": [], "items": [], "next_cursor": null })))
    })
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

/// So many workspaces start together on a platform of this manifest, and so much time goes by.
async fn runs(many: usize, manifest: &str, platform: Router, time: Duration) {
    let (network, dir, clock) = (MemoryNetwork::default(), tempfile::tempdir().unwrap(), Clock::paced(NOW));
    network.serve(ORIGIN, platform);
    std::fs::write(dir.path().join("ledger.yaml"), manifest).unwrap();
    let options = Options { clock: clock.clone(), ballast: 0, ..Options::default() };
    let store = Store::open(&dir.path().join("store.redb"), options).unwrap();
    for number in 0..many {
        let (owner, field, value) = (format!("w{number}"), "api_key".to_owned(), Some("key-1".to_owned().into()));
        let secret = Change::Secret { owner, field, value };
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
    while begun.elapsed() < time {
        tokio::time::advance(STEP).await;
        for _ in 0..40 {
            tokio::task::yield_now().await;
        }
        store.probe().await.unwrap();
    }
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn row_41_many_workspaces_that_start_together_dial_their_cables_one_after_the_other() {
    let [log, cable] = [Times::default(), Times::default()];
    let platform = Router::new()
        .route("/events", noted(&log, StatusCode::OK, Duration::ZERO))
        .route("/cable", noted(&cable, StatusCode::NOT_FOUND, Duration::ZERO));
    let manifest = include_str!("log/ledger.yaml");
    assert!(manifest.contains("push: [ "));
    let push = "push: [ { flavour: action_cable, get: /cable, identifier: { channel: Events }, error: /error/code }, ";
    let begun = Instant::now();
    runs(MANY, &manifest.replace("push: [ ", push), platform, SPREAD + STEP * 4).await;
    for (way, times) in [("log", log), ("cable", cable)] {
        let times: Vec<Duration> = times.lock().unwrap().iter().map(|at| at.duration_since(begun)).collect();
        assert!(times.len() >= MANY, "{way}: {}", times.len());
        // Evenly spread it would be four in any tenth of the time.
        let first = times.iter().filter(|at| **at < SPREAD / 10).count();
        assert!(first <= MANY * 4 / 10, "{way}: {first} of {MANY} at once: {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn p10_a_list_that_is_slower_than_its_pace_is_not_read_without_a_pause() {
    let slow = Times::default();
    let platform = Router::new().route("/waiting", noted(&slow, StatusCode::OK, Duration::from_secs(8)));
    runs(1, BOX, platform, Duration::from_secs(130)).await;
    let times = slow.lock().unwrap().clone();
    assert!(times.len() >= 8, "{}", times.len());
    let apart = times.windows(2).map(|two| two[1].duration_since(two[0])).min().unwrap();
    assert!(apart >= Duration::from_secs(11), "8 s for the answer, and a pause: {apart:?}");
}
