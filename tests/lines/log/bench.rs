//! One workspace on a platform that is an event log, in memory and under paused time, and what its feed says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::event::Via;
use agent_bridge::line::policy::Policy;
use agent_bridge::line::poll::feed::{Inlet, Live};
use agent_bridge::line::timing::{Backfill, Timing};
use agent_bridge::session::{LoginWaits, Means};
use agent_bridge::store::{Batch, Change, Options, Seat, Store, WorkspaceRecord};
use agent_bridge::workspace::{Context, Fatal, Roster, Status};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::platform::Ledger;
use crate::bench::{NOW, ORIGIN, message, name, text};
use crate::memory_network::MemoryNetwork;

/// The agent's handle.
pub const ME: &str = "me@x.example";

const STEP: Duration = Duration::from_millis(250);

pub struct Story {
    pub ledger: Ledger,
    pub store: Store,
    pub timing: Timing,
    pub backfill: Backfill,
    pub budget: u64,
    /// Whether the grant lets it ask who takes part in a topic.
    pub people: bool,
    pub policy: Policy,
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
    /// A seat that was taken just now, and does not run yet.
    pub async fn joined() -> Self {
        let (clock, ledger, network) = (Clock::paced(NOW), Ledger::default(), MemoryNetwork::default());
        network.serve(ORIGIN, ledger.router());
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ledger.yaml"), include_str!("ledger.yaml")).unwrap();
        let store = open(&dir, &clock, u64::MAX);
        let (still, stop) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || stop.recv());
        let joined = Self {
            ledger,
            store,
            timing: Timing { spread: Duration::ZERO, ..Timing::default() },
            backfill: Backfill::None,
            budget: u64::MAX,
            people: false,
            policy: Policy::default(),
            network,
            clock,
            dir,
            running: None,
            _still: still,
        };
        joined.seat("key-1", 1).await;
        joined
    }

    /// The same, running and live.
    pub async fn live() -> Self {
        let mut story = Self::joined().await;
        story.start().await;
        story.until_live().await;
        story
    }

    /// A seat that may ask who takes part in a topic, and does not run yet.
    pub async fn among_people() -> Self {
        let mut joined = Self::joined().await;
        joined.people = true;
        joined.seat("key-1", 1).await;
        joined
    }

    /// The workspace is joined, or joined anew.
    pub async fn seat(&self, key: &str, got_at: u64) {
        let record = WorkspaceRecord {
            name: name(),
            platform: "ledger".into(),
            settings: BTreeMap::from([("url".into(), ORIGIN.into())]),
            facts: BTreeMap::from([
                ("token_got_at".into(), got_at.into()),
                ("handle".into(), ME.into()),
                ("may".into(), json!({ "people": self.people })),
            ]),
            session: "key".into(),
            seat: Seat::SignedIn,
            joined_at: NOW,
        };
        let secret =
            Change::Secret { owner: "acme".into(), field: "api_key".into(), value: Some(key.to_owned().into()) };
        self.store.commit(Batch::new().with(Change::Workspace(Box::new(record))).with(secret)).await.unwrap();
    }

    /// Seals a secret of the workspace.
    pub async fn seal(&self, field: &str, value: &str) {
        let secret = Change::Secret { owner: "acme".into(), field: field.into(), value: Some(value.to_owned().into()) };
        self.store.commit(Batch::new().with(secret)).await.unwrap();
    }

    /// What is sealed of the workspace.
    pub fn sealed(&self) -> Vec<String> {
        self.store.secrets("acme").unwrap().into_iter().map(|(field, _)| field).collect()
    }

    /// The seat is stored like this, by no hand of ours.
    pub async fn seat_is(&self, seat: Seat) {
        let record = WorkspaceRecord { seat, ..self.store.workspace(&name()).unwrap().unwrap() };
        self.store.commit(Batch::new().with(Change::Workspace(Box::new(record)))).await.unwrap();
    }

    /// Hours pass while nothing is to be done.
    pub async fn pass_hours(&self, hours: u64) {
        for _ in 0..hours {
            tokio::time::advance(Duration::from_hours(1)).await;
            self.settle().await;
        }
    }

    pub async fn start(&mut self) {
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
            manifests: Arc::new(Manifests::load(Some(self.dir.path())).unwrap()),
            timing: self.timing.clone(),
            backfill: Arc::new(BTreeMap::from([("acme".to_owned(), self.backfill)])),
            policy: Arc::new(BTreeMap::from([("acme".to_owned(), self.policy.clone())])),
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
    pub async fn crash(&mut self) {
        let Running { roster, token, task } = self.running.take().expect("it runs");
        task.abort();
        drop((roster, token));
        self.settle().await;
        self.store.close().await.unwrap();
        self.store = open(&self.dir, &self.clock, self.budget);
    }

    pub fn roster(&self) -> &Roster {
        &self.running.as_ref().expect("it runs").roster
    }

    pub fn inlet(&self) -> Inlet {
        self.roster().inlet(&name()).expect("a log takes frames and hints")
    }

    /// A push source says this.
    pub async fn pushes(&self, live: Live) {
        assert!(self.inlet().push(live).await, "the line runs");
    }

    /// A cable brings this event.
    pub async fn brings(&self, event: &Value) {
        self.pushes(Live::Frame { via: Via::ActionCable, name: None, body: event.to_string() }).await;
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
    pub async fn settle(&self) {
        for _ in 0..3 {
            for _ in 0..40 {
                tokio::task::yield_now().await;
            }
            // It returns behind everything that was sent to the store before.
            self.store.probe().await.unwrap();
        }
    }

    /// Lets time pass until it is so; at most five minutes.
    pub async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        for _ in 0..1_200 {
            if so(self) {
                return;
            }
            self.pass(STEP).await;
        }
        panic!("not within five minutes: {what}; {:#?}; {:#?}", self.status(), self.types());
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

    /// RFC 3339, so many seconds from now.
    pub fn at(&self, secs: i64) -> String {
        let now = i64::try_from(self.clock.now()).unwrap() + secs * 1_000;
        jiff::Timestamp::from_millisecond(now).unwrap().to_string()
    }

    /// Ann says something in topic 1, now.
    pub fn says(&self, text: &str) -> Value {
        self.ledger.happens("chat.created", &json!(1), &self.at(0), chat(text))
    }

    /// The same in a topic and at a time of its own (in seconds from now).
    pub fn said(&self, topic: u64, secs: i64, text: &str) -> Value {
        self.ledger.happens("chat.created", &json!(topic), &self.at(secs), chat(text))
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
    pub fn told(&self) -> Vec<String> {
        self.of("message.created").iter().map(|event| text(&event["data"]["message"]["text"])).collect()
    }

    /// What turned up out of order.
    pub fn late(&self) -> Vec<String> {
        let late = |event: &Value| event["data"]["late"] == true;
        self.of("message.created")
            .iter()
            .filter(|event| late(event))
            .map(|event| text(&event["data"]["message"]["text"]))
            .collect()
    }

    pub async fn tells(&self, texts: &[&str]) {
        let what = format!("{texts:?} is told");
        self.until(&what, |story| story.told() == texts).await;
    }

    /// Ids are told once, and something new passes.
    pub async fn is_sound(&self) {
        self.says("something new");
        self.until("what is new passes", |story| story.told().contains(&"something new".to_owned())).await;
        let mut ids: Vec<_> = self.feed().iter().map(|event| text(&event["id"])).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "ids are told once: {:#?}", self.feed());
    }

    /// The cursor that is committed.
    pub fn cursor(&self) -> Option<String> {
        self.store.cursor(&name(), "poll").unwrap()
    }

    /// The cursor from which the log is read again, as it is committed.
    pub fn overlap(&self) -> Option<String> {
        let row = self.store.cursor(&name(), "poll.place").unwrap()?;
        let place: Value = serde_json::from_str(&row).unwrap();
        place["overlap"].as_str().map(str::to_owned)
    }

    pub fn asked(&self) -> usize {
        self.ledger.asked().len()
    }

    pub fn ids(&self) -> Vec<String> {
        self.of("message.created").iter().map(message).collect()
    }
}

/// The payload of a message whose id is its text.
pub fn chat(text: &str) -> Value {
    json!({ "chat": { "id": format!("m {text}"), "plain": text } })
}

fn open(dir: &TempDir, clock: &Clock, disk_budget: u64) -> Store {
    let options = Options { clock: clock.clone(), ballast: 0, disk_budget, ..Options::default() };
    Store::open(&dir.path().join("store.redb"), options).unwrap()
}
