//! One workspace on a simulated platform, in memory and under paused time, and what its feed says.
//!
//! The store commits on a thread of its own, for which paused time would not wait. So time stands still here until
//! [`Story::pass`] moves it, in small steps, each with the store's work done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::join::{self, JoinRequest};
use agent_bridge::line::policy::Policy;
use agent_bridge::line::timing::{Backfill, Timing};
use agent_bridge::session::Means;
use agent_bridge::store::{Batch, Options as StoreOptions, Store};
use agent_bridge::workspace::{Context, Fatal, Roster, Status};
use agent_bridge_sim::agentunited::{Armed, Fault, Options, Sim};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::memory_network::MemoryNetwork;

pub const ORIGIN: &str = "https://workspace.test";
/// 22 March 2026, 18:00 UTC.
pub const NOW: u64 = 1_774_202_400_000;
const STEP: Duration = Duration::from_millis(100);
pub const HISTORY: &str = "GET /channels/{id}/messages";

/// The document's stream, which lives for ever, has ids and replays.
pub fn documented() -> Options {
    Options::documented()
}

/// The field's stream: no ids, no replay, no direct messages, cut after 15 s.
pub fn observed() -> Options {
    Options::default()
}

pub struct Story {
    pub sim: Sim,
    pub store: Store,
    pub timing: Timing,
    pub backfill: Backfill,
    pub policy: Policy,
    pub budget: u64,
    pub ann: String,
    pub room: String,
    pub said: Vec<(String, String)>,
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
    /// A person and a room on the platform, and an agent that has joined and does not run yet.
    pub async fn joined(options: Options) -> Self {
        let mut story = Self::begun(options);
        story.join().await;
        story
    }

    /// The same, running and live.
    pub async fn live(options: Options) -> Self {
        let mut story = Self::joined(options).await;
        story.start().await;
        story.until_live().await;
        story
    }

    /// A person and a room, and nobody has joined yet.
    #[expect(clippy::needless_pass_by_value, reason = "options are made where the story begins")]
    pub fn begun(options: Options) -> Self {
        let (clock, platform_clock) = (Clock::paced(NOW), Clock::paced(NOW));
        let wall = Arc::new(move || platform_clock.now());
        let sim = Sim::new(Options { url: ORIGIN.into(), wall, ..options });
        let network = MemoryNetwork::default();
        network.serve(ORIGIN, sim.router());
        let (ann, room) = (sim.person("Ann"), sim.channel("general"));
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir, &clock, u64::MAX);
        let (still, stop) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || stop.recv());
        Self {
            sim,
            store,
            timing: Timing::default(),
            backfill: Backfill::None,
            policy: Policy::default(),
            budget: u64::MAX,
            ann,
            room,
            said: Vec::new(),
            network,
            clock,
            dir,
            running: None,
            _still: still,
        }
    }

    /// Nothing of the platform can be reached, or all of it again.
    pub fn reachable(&self, reachable: bool) {
        if reachable {
            self.network.serve(ORIGIN, self.sim.router());
        } else {
            self.network.unplug(ORIGIN);
        }
    }

    pub async fn join(&mut self) {
        let request = JoinRequest {
            manifest: Manifests::load(None).unwrap().get("agentunited").unwrap(),
            name: name(),
            target: Some(self.sim.invite(Some("agent@workspace.test"))),
            instance: None,
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            public_url: None,
        };
        join::join(request, &self.means(), &mut |_| {}).await.unwrap();
    }

    pub fn context(&self) -> Context {
        Context {
            outbox: agent_bridge::outbox::Limits::default(),
            means: self.means(),
            manifests: Arc::new(Manifests::load(None).unwrap()),
            timing: self.timing.clone(),
            backfill: Arc::new(BTreeMap::from([("acme".to_owned(), self.backfill)])),
            hooks: agent_bridge::ingress::Hooks::default(),
            policy: Arc::new(BTreeMap::from([("acme".to_owned(), self.policy.clone())])),
            rules: Arc::default(),
            strict: Arc::default(),
        }
    }

    fn means(&self) -> Means {
        Means {
            store: self.store.clone(),
            network: Arc::new(self.network.clone()),
            clock: self.clock.clone(),
            tasks: TaskTracker::new(),
            waits: agent_bridge::session::LoginWaits::default(),
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
            let step = left.min(STEP);
            tokio::time::advance(step).await;
            self.settle().await;
            left -= step;
        }
    }

    pub async fn pass_secs(&self, secs: u64) {
        self.pass(Duration::from_secs(secs)).await;
    }

    /// Lets everything run that needs no time.
    async fn settle(&self) {
        for _ in 0..60 {
            tokio::task::yield_now().await;
        }
        // It returns behind everything that was sent to the store before.
        self.store.commit(Batch::new()).await.unwrap();
        for _ in 0..60 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time pass until it is so; at most five minutes.
    pub async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        for _ in 0..3_000 {
            if so(self) {
                return;
            }
            self.pass(STEP).await;
        }
        panic!("not within five minutes: {what}; {:#?}; {:#?}", self.roster().statuses(), self.types());
    }

    pub async fn until_live(&self) {
        self.until("live", |story| story.status().live).await;
    }

    pub fn status(&self) -> Status {
        self.roster().status(&name()).expect("it runs")
    }

    pub fn phase(&self) -> &'static str {
        self.status().lines[0].phase
    }

    /// Ann says something that has to be told.
    pub fn say(&mut self, text: &str) -> String {
        let room = self.room.clone();
        self.say_in(&room, text)
    }

    pub fn say_in(&mut self, room: &str, text: &str) -> String {
        let id = self.sim.say(&self.ann, room, text);
        self.said.push((room.to_owned(), id.clone()));
        id
    }

    /// These were said in the room, and are to be told like the others.
    pub fn owes(&mut self, ids: &[String]) {
        self.said.extend(ids.iter().map(|id| (self.room.clone(), id.clone())));
    }

    /// The direct conversation of the agent and the platform's own, as the join made it.
    pub fn direct(&self) -> String {
        self.sim.dm(&self.sim.primary(), &self.sim.members()[0])
    }

    pub fn always(&self, route: &str, fault: Fault) {
        self.sim.arm(Armed { route: route.into(), after: 0, count: u32::MAX, fault });
    }

    pub fn seen(&self, route: &str) -> usize {
        self.sim.log().iter().filter(|entry| format!("{} {}", entry.method, entry.route) == route).count()
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

    /// Ids of created messages of a conversation, in the order of the feed.
    pub fn created(&self, room: &str) -> Vec<String> {
        self.of("message.created").iter().filter(|event| event["subject"] == room).map(message).collect()
    }

    pub fn late(&self) -> usize {
        self.of("message.created").iter().filter(|event| event["data"]["late"] == true).count()
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
    let options = StoreOptions { clock: clock.clone(), ballast: 0, disk_budget, ..StoreOptions::default() };
    Store::open(&dir.path().join("store.redb"), options).unwrap()
}
