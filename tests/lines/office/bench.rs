//! One agent in a simulated office, in memory and under paused time, and what its feed says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::action::{Action, Request, State};
use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::join::{self, JoinRequest};
use agent_bridge::line::report::LineStatus;
use agent_bridge::line::timing::{Backfill, Timing};
use agent_bridge::session::{LoginWaits, Means};
use agent_bridge::store::{Batch, Change, Options as StoreOptions, Store, WorkspaceRecord};
use agent_bridge::workspace::{Context, Fatal, Roster, Status};
use agent_bridge_sim::office::{ChatStart, Options, Sim};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bench::{NOW, ORIGIN, message, name, text};
use crate::memory_network::MemoryNetwork;

pub const STEP: Duration = Duration::from_millis(100);
/// What the agent is called there.
pub const ME: &str = "jared";
/// The person whom every office has.
pub const USER: &str = "user";

pub struct Story {
    pub sim: Sim,
    pub store: Store,
    pub timing: Timing,
    pub backfill: Backfill,
    manifests: Arc<Manifests>,
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
    /// An office, and nobody has joined.
    pub fn begun(options: Options) -> Self {
        let (clock, platform_clock, network) = (Clock::paced(NOW), Clock::paced(NOW), MemoryNetwork::default());
        let (wall, chat) = (Arc::new(move || platform_clock.now()), ChatStart::Later);
        let sim = Sim::new(Options { wall, chat, ..options });
        network.serve(ORIGIN, sim.router());
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir, &clock);
        let (still, stop) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || stop.recv());
        let timing = Timing { spread: Duration::ZERO, ..Timing::default() };
        let manifests = Arc::new(Manifests::load(None).unwrap());
        let (backfill, running) = (Backfill::None, None);
        Self { sim, store, timing, backfill, manifests, network, clock, dir, running, _still: still }
    }

    /// With this in the manifest in place of that.
    pub fn mended(mut self, that: &str, this: &str) -> Self {
        let manifest = include_str!("../../../adapters/office.yaml");
        assert!(manifest.contains(that), "{that}");
        let folder = self.dir.path().join("adapters");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("office.yaml"), manifest.replace(that, this)).unwrap();
        self.manifests = Arc::new(Manifests::load(Some(&folder)).unwrap());
        self
    }

    /// The agent joins, without chat as yet.
    pub async fn join(&self) {
        let request = JoinRequest {
            manifest: self.manifests.get("office").unwrap(),
            name: name(),
            target: None,
            instance: None,
            settings: BTreeMap::from([("url".into(), ORIGIN.into()), ("agent_name".into(), ME.into())]),
            secrets: BTreeMap::from([("code".into(), self.sim.invite().into())]),
            public_url: None,
        };
        join::join(request, &self.means(), &mut |_| {}).await.unwrap();
    }

    /// As the join of an agent with a wallet leaves it: in the chat, and in the office's group.
    pub async fn registered(&self) {
        self.sim.register_chat(ME);
        let group = self.sim.group();
        self.edit(|record| {
            record.facts.insert("registered".into(), true.into());
            record.facts.insert("office_group_id".into(), group.into());
        })
        .await;
    }

    pub async fn edit(&self, edit: impl FnOnce(&mut WorkspaceRecord)) {
        let mut record = self.record();
        edit(&mut record);
        self.store.commit(Batch::new().with(Change::Workspace(Box::new(record)))).await.unwrap();
    }

    pub fn record(&self) -> WorkspaceRecord {
        self.store.workspace(&name()).unwrap().expect("it was joined")
    }

    /// Joined, in the chat, running and live.
    pub async fn live(options: Options) -> Self {
        Self::begun(options).goes_live().await
    }

    pub async fn goes_live(mut self) -> Self {
        self.join().await;
        self.registered().await;
        self.start().await;
        self.until_live().await;
        self
    }

    fn means(&self) -> Means {
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
            manifests: Arc::clone(&self.manifests),
            timing: self.timing.clone(),
            backfill: Arc::new(BTreeMap::from([("acme".to_owned(), self.backfill)])),
            policy: Arc::default(),
            rules: Arc::default(),
            strict: Arc::default(),
            hooks: agent_bridge::ingress::Hooks::default(),
        }
    }

    pub async fn start(&mut self) {
        let token = CancellationToken::new();
        let (roster, task) = Roster::new(self.context(), token.clone());
        let task = tokio::spawn(task.run());
        roster.start_all().await.unwrap();
        self.running = Some(Running { roster, token, task });
    }

    /// The process dies; only what was committed remains.
    pub async fn crash(&mut self) {
        let Running { roster, token, task } = self.running.take().expect("it runs");
        task.abort();
        drop((roster, token));
        self.settle().await;
        self.store.close().await.unwrap();
        self.store = open(&self.dir, &self.clock);
    }

    /// Nothing of the platform can be reached, or all of it again.
    pub fn reachable(&self, reachable: bool) {
        if reachable {
            self.network.serve(ORIGIN, self.sim.router());
        } else {
            self.network.unplug(ORIGIN);
        }
    }

    pub fn roster(&self) -> &Roster {
        &self.running.as_ref().expect("it runs").roster
    }

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

    /// Time goes by in large steps, in which less is read than would be.
    pub async fn pass_mins(&self, mins: u64) {
        for _ in 0..mins * 6 {
            tokio::time::advance(Duration::from_secs(10)).await;
            self.settle().await;
        }
    }

    async fn settle(&self) {
        for _ in 0..2 {
            for _ in 0..40 {
                tokio::task::yield_now().await;
            }
            // It returns behind everything that was sent to the store before.
            self.store.probe().await.unwrap();
        }
    }

    /// Lets time pass until it is so; at most five minutes. How long it took.
    pub async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) -> Duration {
        for steps in 0..3_000 {
            if so(self) {
                return STEP * steps;
            }
            self.pass(STEP).await;
        }
        panic!("not within five minutes: {what}; {:#?}; {:#?}", self.status(), self.feed());
    }

    pub async fn until_live(&self) {
        self.until("live", |story| story.status().live).await;
    }

    pub async fn until_told(&self, said: &str) -> Duration {
        self.until(said, |story| story.texts().iter().any(|text| text == said)).await
    }

    pub fn status(&self) -> Status {
        self.roster().status(&name()).expect("it runs")
    }

    pub fn line(&self, line: &str) -> LineStatus {
        self.status().lines.into_iter().find(|it| it.line == line).unwrap_or_default()
    }

    pub fn feed(&self) -> Vec<Value> {
        let events = self.store.read(0, 100_000, 1 << 30).unwrap();
        events.iter().map(|event| serde_json::from_slice(&event.bytes).unwrap()).collect()
    }

    pub fn of(&self, kind: &str) -> Vec<Value> {
        self.feed().into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// What was said, in the order of the feed.
    pub fn texts(&self) -> Vec<String> {
        self.of("message.created").iter().map(|event| text(&event["data"]["message"]["text"])).collect()
    }

    /// Ids of created messages of a conversation, in the order of the feed.
    pub fn created(&self, room: &str) -> Vec<String> {
        self.of("message.created").iter().filter(|event| event["subject"] == room).map(message).collect()
    }

    /// The agent makes a group with the person of the office; its id.
    pub async fn makes_a_group(&self, title: &str) -> String {
        let args = json!({ "title": title, "people": [USER] }).as_object().cloned().unwrap();
        let request = Request { workspace: None, verb: "topic.create".into(), args, key: None };
        let action = Action::accept(name(), request, None, self.clock.now());
        let id = action.id.clone();
        self.store.commit(Batch::new().with(Change::Accept(Box::new(action)))).await.unwrap();
        let made = |story: &Self| match story.store.action(&id).unwrap().map(|action| action.state) {
            Some(State::Confirmed { remote_ids }) => remote_ids.first().cloned(),
            _ => None,
        };
        self.until("it is made", |story| made(story).is_some()).await;
        made(self).expect("it is made")
    }

    /// How often the platform was asked for this: a view, an action, `stream`.
    pub fn asked(&self, kind: &str) -> u64 {
        self.sim.look(|world| world.books().requests(kind))
    }

    /// How often it was asked for anything.
    pub fn requests(&self) -> u64 {
        let views = ["conversations", "groups", "messages", "group-messages", "stream", "other"];
        views.iter().map(|kind| self.asked(kind)).sum()
    }
}

fn open(dir: &TempDir, clock: &Clock) -> Store {
    let options = StoreOptions { clock: clock.clone(), ballast: 0, ..StoreOptions::default() };
    Store::open(&dir.path().join("store.redb"), options).unwrap()
}
