//! What a story of lines stands on: one workspace in memory and under paused time, and what its feed says.
//!
//! The store commits on a thread of its own, for which paused time would not wait. So time stands still here until
//! [`Stage::pass`] moves it, in small steps, each with the store's work done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::line::policy::Policy;
use agent_bridge::line::report::LineStatus;
use agent_bridge::line::timing::{Backfill, Timing};
use agent_bridge::session::{LoginWaits, Means};
use agent_bridge::store::{Options, Store};
use agent_bridge::workspace::{Context, Fatal, Roster, Status};
use axum::Router;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::memory_network::MemoryNetwork;

pub const ORIGIN: &str = "https://workspace.test";
/// 22 March 2026, 18:00 UTC.
pub const NOW: u64 = 1_774_202_400_000;

pub struct Stage {
    pub store: Store,
    pub manifests: Arc<Manifests>,
    pub timing: Timing,
    pub backfill: Backfill,
    pub policy: Policy,
    pub budget: u64,
    pub clock: Clock,
    pub dir: TempDir,
    /// One step of time.
    step: Duration,
    /// Nothing is waited for longer.
    most: Duration,
    platform: Router,
    network: MemoryNetwork,
    running: Option<Running>,
    /// While a blocking task runs, paused time moves only when told to.
    _still: std::sync::mpsc::Sender<()>,
}

struct Running {
    roster: Roster,
    token: CancellationToken,
    task: JoinHandle<Result<(), Fatal>>,
}

impl Stage {
    /// A platform that can be reached, and nobody who has joined it.
    pub fn new(platform: Router, step: Duration, most: Duration) -> Self {
        let (clock, network, dir) = (Clock::paced(NOW), MemoryNetwork::default(), tempfile::tempdir().unwrap());
        network.serve(ORIGIN, platform.clone());
        let store = open(&dir, &clock, u64::MAX);
        let (still, end) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || end.recv());
        Self {
            store,
            manifests: Arc::new(Manifests::load(None).unwrap()),
            timing: Timing { spread: Duration::ZERO, ..Timing::default() },
            backfill: Backfill::None,
            policy: Policy::default(),
            budget: u64::MAX,
            clock,
            dir,
            step,
            most,
            platform,
            network,
            running: None,
            _still: still,
        }
    }

    /// Nothing of the platform can be reached, or all of it again.
    pub fn reachable(&self, reachable: bool) {
        if reachable {
            self.network.serve(ORIGIN, self.platform.clone());
        } else {
            self.network.unplug(ORIGIN);
        }
    }

    pub fn means(&self) -> Means {
        Means {
            store: self.store.clone(),
            network: Arc::new(self.network.clone()),
            clock: self.clock.clone(),
            tasks: TaskTracker::new(),
            waits: LoginWaits::default(),
        }
    }

    pub fn context(&self) -> Context {
        Context {
            outbox: agent_bridge::outbox::Limits::default(),
            means: self.means(),
            manifests: self.manifests.clone(),
            timing: self.timing.clone(),
            backfill: Arc::new(BTreeMap::from([("acme".to_owned(), self.backfill)])),
            hooks: agent_bridge::ingress::Hooks::default(),
            policy: Arc::new(BTreeMap::from([("acme".to_owned(), self.policy.clone())])),
            rules: Arc::default(),
            strict: Arc::default(),
        }
    }

    pub async fn start(&mut self) {
        let token = CancellationToken::new();
        let (roster, task) = Roster::new(self.context(), token.clone());
        let task = tokio::spawn(task.run());
        roster.start_all().await.unwrap();
        self.running = Some(Running { roster, token, task });
    }

    pub fn roster(&self) -> &Roster {
        &self.running.as_ref().expect("it runs").roster
    }

    /// Stops in good order.
    pub async fn stop(&mut self) {
        let running = self.running.take().expect("it runs");
        running.token.cancel();
        running.task.await.unwrap().unwrap();
    }

    /// The process dies; only what was committed remains.
    pub async fn crash(&mut self) {
        let running = self.running.take().expect("it runs");
        running.task.abort();
        drop(running);
        self.settle().await;
        self.reopen().await;
    }

    /// Opens the store anew.
    pub async fn reopen(&mut self) {
        self.store.close().await.unwrap();
        self.store = open(&self.dir, &self.clock, self.budget);
    }

    /// Time passes.
    pub async fn pass(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(self.step);
            self.leap(step).await;
            left -= step;
        }
    }

    pub async fn pass_secs(&self, secs: u64) {
        self.pass(Duration::from_secs(secs)).await;
    }

    /// Time passes in one step, in which less is done than would be.
    pub async fn leap(&self, time: Duration) {
        tokio::time::advance(time).await;
        self.settle().await;
    }

    /// Lets everything run that needs no time.
    pub async fn settle(&self) {
        for _ in 0..3 {
            for _ in 0..40 {
                tokio::task::yield_now().await;
            }
            // It returns behind everything that was sent to the store before.
            self.store.probe().await.unwrap();
        }
    }

    /// Lets time pass until it is so. How long it took.
    pub async fn until(&self, what: &str, mut so: impl FnMut() -> bool) -> Duration {
        let mut passed = Duration::ZERO;
        while passed < self.most {
            if so() {
                return passed;
            }
            self.pass(self.step).await;
            passed += self.step;
        }
        panic!("not within {:?}: {what}; {:#?}; {:#?}", self.most, self.roster().statuses(), self.feed());
    }

    pub async fn until_live(&self) {
        self.until("live", || self.status().live).await;
    }

    pub fn status(&self) -> Status {
        self.roster().status(&name()).expect("it runs")
    }

    pub fn phase(&self) -> &'static str {
        self.status().lines[0].phase
    }

    pub fn line(&self, line: &str) -> LineStatus {
        self.status().lines.into_iter().find(|it| it.line == line).unwrap_or_default()
    }

    /// The whole feed.
    pub fn feed(&self) -> Vec<Value> {
        let events = self.store.read(0, 100_000, 1 << 30).unwrap();
        events.iter().map(|event| serde_json::from_slice(&event.bytes).unwrap()).collect()
    }

    pub fn of(&self, kind: &str) -> Vec<Value> {
        self.feed().into_iter().filter(|event| event["type"] == kind).collect()
    }

    pub fn types(&self) -> Vec<String> {
        self.feed().iter().map(|event| text(&event["type"])).collect()
    }

    /// What was said, in the order of the feed.
    pub fn texts(&self) -> Vec<String> {
        self.of("message.created").iter().map(|event| text(&event["data"]["message"]["text"])).collect()
    }

    /// Ids of created messages of a conversation, in the order of the feed.
    pub fn created(&self, room: &str) -> Vec<String> {
        self.of("message.created").iter().filter(|event| event["subject"] == room).map(message).collect()
    }
}

pub fn name() -> WorkspaceName {
    WorkspaceName::new("acme").unwrap()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn message(event: &Value) -> String {
    text(&event["data"]["message"]["id"])
}

fn open(dir: &TempDir, clock: &Clock, disk_budget: u64) -> Store {
    let options = Options { clock: clock.clone(), ballast: 0, disk_budget, ..Options::default() };
    Store::open(&dir.path().join("store.redb"), options).unwrap()
}
