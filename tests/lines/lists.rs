//! Lists beside the line: mail that came and appointments that are near, told once each, through crashes and troubles.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::line::policy::Policy;
use agent_bridge::line::report::LineStatus;
use agent_bridge::line::timing::{Backfill, Timing};
use agent_bridge::session::{LoginWaits, Means};
use agent_bridge::store::{Batch, Change, Options as StoreOptions, Seat, Store, WorkspaceRecord};
use agent_bridge::workspace::{Context, Fatal, Roster, Status};
use agent_bridge_sim::agentworkspace::{Options, Sim};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bench::{NOW, ORIGIN, name, text};
use crate::memory_network::MemoryNetwork;

#[path = "lists/calendar.rs"]
mod calendar;
#[path = "lists/mail.rs"]
mod mail;

const STEP: Duration = Duration::from_millis(500);

/// One agent's desk on the simulated platform, in memory and under paused time, and what its feed says.
struct Story {
    sim: Sim,
    agent: String,
    store: Store,
    timing: Timing,
    backfill: Backfill,
    network: MemoryNetwork,
    clock: Clock,
    dir: TempDir,
    running: Option<Running>,
    /// While a blocking task runs, paused time moves only when told to.
    _still: std::sync::mpsc::Sender<()>,
}

struct Running {
    roster: Roster,
    token: CancellationToken,
    task: JoinHandle<Result<(), Fatal>>,
}

impl Story {
    /// A workspace that was joined by its key just now, and does not run yet.
    async fn joined() -> Self {
        let (clock, platform_clock, network) = (Clock::paced(NOW), Clock::paced(NOW), MemoryNetwork::default());
        let wall = Arc::new(move || platform_clock.now());
        let sim = Sim::new(Options { url: ORIGIN.into(), wall, ..Options::default() });
        network.serve(ORIGIN, sim.router());
        let agent = sim.agent("Atlas");
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir, &clock);
        let (still, stop) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || stop.recv());
        let timing = Timing { spread: Duration::ZERO, ..Timing::default() };
        let backfill = Backfill::None;
        let joined = Self { sim, agent, store, timing, backfill, network, clock, dir, running: None, _still: still };
        let record = WorkspaceRecord {
            name: name(),
            platform: "agentworkspace".into(),
            settings: BTreeMap::from([("url".into(), ORIGIN.into()), ("display_name".into(), "Atlas".into())]),
            facts: BTreeMap::new(),
            session: "key".into(),
            seat: Seat::SignedIn,
            joined_at: NOW,
        };
        let key = joined.sim.api_key(&joined.agent);
        let secret = Change::Secret { owner: "acme".into(), field: "api_key".into(), value: Some(key.into()) };
        joined.store.commit(Batch::new().with(Change::Workspace(Box::new(record))).with(secret)).await.unwrap();
        joined
    }

    /// The same with e-mail, running.
    async fn with_mail() -> Self {
        let mut story = Self::joined().await;
        assert!(story.sim.enable_email(&story.agent, "atlas"));
        story.start().await;
        story.until("the mail is read", |story| story.line("threads").checked.is_some()).await;
        story
    }

    async fn start(&mut self) {
        let means = Means {
            store: self.store.clone(),
            network: Arc::new(self.network.clone()),
            clock: self.clock.clone(),
            tasks: TaskTracker::new(),
            waits: LoginWaits::default(),
        };
        let context = Context {
            outbox: agent_bridge::outbox::Limits::default(),
            means,
            manifests: Arc::new(Manifests::load(None).unwrap()),
            timing: self.timing.clone(),
            backfill: Arc::new(BTreeMap::from([("acme".to_owned(), self.backfill)])),
            policy: Arc::new(BTreeMap::from([("acme".to_owned(), Policy::default())])),
            rules: Arc::default(),
            strict: Arc::default(),
            hooks: agent_bridge::ingress::Hooks::default(),
        };
        let token = CancellationToken::new();
        let (roster, task) = Roster::new(context, token.clone());
        let task = tokio::spawn(task.run());
        roster.start_all().await.unwrap();
        self.running = Some(Running { roster, token, task });
    }

    /// The process dies; only what was committed remains.
    async fn crash(&mut self) {
        let Running { roster, token, task } = self.running.take().expect("it runs");
        task.abort();
        drop((roster, token));
        self.settle().await;
        self.store.close().await.unwrap();
        self.store = open(&self.dir, &self.clock);
    }

    /// Nothing of the platform can be reached, or all of it again.
    fn reachable(&self, reachable: bool) {
        if reachable {
            self.network.serve(ORIGIN, self.sim.router());
        } else {
            self.network.unplug(ORIGIN);
        }
    }

    async fn pass(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(STEP);
            tokio::time::advance(step).await;
            self.settle().await;
            left -= step;
        }
    }

    /// Time goes by in large steps.
    async fn pass_mins(&self, mins: u64) {
        for _ in 0..mins * 2 {
            tokio::time::advance(Duration::from_secs(30)).await;
            self.settle().await;
        }
    }

    async fn settle(&self) {
        for _ in 0..3 {
            for _ in 0..40 {
                tokio::task::yield_now().await;
            }
            // It returns behind everything that was sent to the store before.
            self.store.probe().await.unwrap();
        }
    }

    /// Lets time pass until it is so; at most ten minutes.
    async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        for _ in 0..1_200 {
            if so(self) {
                return;
            }
            self.pass(STEP).await;
        }
        panic!("not within ten minutes: {what}; {:#?}; {:#?}", self.status(), self.feed());
    }

    fn status(&self) -> Status {
        self.running.as_ref().expect("it runs").roster.status(&name()).expect("it runs")
    }

    fn line(&self, line: &str) -> LineStatus {
        self.status().lines.into_iter().find(|it| it.line == line).unwrap_or_default()
    }

    fn feed(&self) -> Vec<Value> {
        let events = self.store.read(0, 100_000, 1 << 30).unwrap();
        events.iter().map(|event| serde_json::from_slice(&event.bytes).unwrap()).collect()
    }

    fn of(&self, kind: &str) -> Vec<Value> {
        self.feed().into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// The texts of the mails that were told.
    fn mails(&self) -> Vec<String> {
        self.of("email.received").iter().map(|event| text(&event["data"]["message"]["text"])).collect()
    }

    /// How often the platform was asked so.
    fn asked(&self, route: &str) -> usize {
        let log = self.sim.log();
        log.iter().filter(|entry| format!("{} {}", entry.method, entry.route) == route).count()
    }
}

fn open(dir: &TempDir, clock: &Clock) -> Store {
    let options = StoreOptions { clock: clock.clone(), ballast: 0, ..StoreOptions::default() };
    Store::open(&dir.path().join("store.redb"), options).unwrap()
}
