//! A signed-in workspace on the simulated platform whose lists are read for a lost reply, and its outbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::action::{Action, ActionId, Request, State};
use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::outbox::{self, Courier, Limits, Receipt};
use agent_bridge::session::{LoginWaits, Means, Session};
use agent_bridge::store::{Batch, Change, Options as StoreOptions, Seat, Store, WorkspaceRecord};
use agent_bridge_sim::speakeasy::{Fault, GrantId, Options, Sim, TopicId, World};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::memory_network::MemoryNetwork;

const NOON: u64 = 1_774_180_800_000;
const ORIGIN: &str = "http://127.0.0.1:2";
/// Who let the agent in.
pub const OWNER: &str = "owner@example.com";

/// A workspace called `parlour` and its platform.
pub struct Parlour {
    pub sim: Sim,
    pub store: Store,
    pub topic: TopicId,
    /// The agent's handle.
    pub agent: String,
    grant: GrantId,
    session: Session,
    network: MemoryNetwork,
    clock: Clock,
    folder: tempfile::TempDir,
}

/// What the grant allows: everything that verbs and questions need, and keys or not.
fn capabilities(keys: bool) -> Value {
    let of_verbs = ["threaded_topic_create", "topic_hierarchy", "attachments", "typing_indicator", "profile_update"];
    let of_questions = ["topic_history", "topic_participants_read", "topic_files_read"];
    let mut all: serde_json::Map<_, _> =
        of_verbs.into_iter().chain(of_questions).map(|name| (name.to_owned(), true.into())).collect();
    all.insert("chat_idempotency".to_owned(), keys.into());
    all.into()
}

impl Parlour {
    /// On a platform that takes no keys.
    pub async fn new() -> Self {
        Self::with(Options::default(), false).await
    }

    /// On this platform, with keys or without.
    pub async fn with(options: Options, keys: bool) -> Self {
        let clock = Clock::paced(NOON);
        let wall = clock.clone();
        let sim = Sim::new(Options { wall: Arc::new(move || wall.now()), url: ORIGIN.into(), ..options });
        let grant = sim.grant(OWNER, "Agent", None);
        let agent = sim.agent(grant);
        sim.set_capability(grant, "chat_idempotency", keys);
        let topic = sim.topic("Planning", &[OWNER, &agent]);
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder, &clock);
        let record = WorkspaceRecord {
            name: name(),
            platform: "speakeasy".into(),
            settings: [("url".to_owned(), ORIGIN.to_owned())].into(),
            facts: BTreeMap::from([
                ("account_handle".to_owned(), json!(agent)),
                ("capabilities".to_owned(), capabilities(keys)),
            ]),
            session: "grant".into(),
            seat: Seat::SignedIn,
            joined_at: NOON,
        };
        let token = Some(SecretString::from(sim.refresh_token(grant)));
        let secret = Change::Secret { owner: "parlour".into(), field: "refresh_token".into(), value: token };
        store.commit(Batch::new().with(Change::Workspace(Box::new(record.clone()))).with(secret)).await.unwrap();
        let network = MemoryNetwork::default();
        network.serve(ORIGIN, sim.router());
        let session = session(&network, &store, &clock, record);
        Self { sim, store, topic, agent, grant, session, network, clock, folder }
    }

    /// The grant may, or may not.
    pub fn allow(&self, capability: &str, on: bool) {
        self.sim.set_capability(self.grant, capability, on);
    }

    /// Closes the store and opens it again, as a restart of the bridge does.
    pub async fn restart(self) -> Self {
        self.store.close().await.unwrap();
        let Self { sim, store, topic, agent, grant, session: old, network, clock, folder } = self;
        let record = old.record();
        drop((old, store));
        let store = open(&folder, &clock);
        let session = session(&network, &store, &clock, record);
        Self { sim, store, topic, agent, grant, session, network, clock, folder }
    }

    /// Accepts an action, durably.
    pub async fn accept(&self, verb: &str, args: Value) -> ActionId {
        let args = args.as_object().cloned().unwrap();
        let request = Request { workspace: None, verb: verb.into(), args, key: None };
        let record = self.session.record();
        let action = outbox::accept(self.session.manifest(), &record, request, None, self.clock.now()).unwrap();
        let committed = self.store.commit(Batch::new().with(Change::Accept(Box::new(action)))).await.unwrap();
        committed.actions[0].clone()
    }

    /// Accepts it and runs the outbox until it is settled.
    pub async fn act(&self, verb: &str, args: Value) -> Receipt {
        let id = self.accept(verb, args).await;
        self.settle(&id).await
    }

    /// A text into the topic.
    pub async fn send(&self, text: &str) -> Receipt {
        self.act("send", json!({ "conversation": self.topic.to_string(), "text": text })).await
    }

    /// Runs the outbox until this is settled.
    pub async fn settle(&self, id: &ActionId) -> Receipt {
        let settled = || outbox::receipt(&self.store, id).unwrap().filter(|receipt| receipt.state.settled());
        self.run_until(settled).await
    }

    /// Runs the outbox until `done` says so, and drops it there, in the middle of whatever it does.
    pub async fn run_until<T>(&self, done: impl Fn() -> Option<T>) -> T {
        let courier = Courier::new(self.store.clone(), self.session.clone(), self.clock.clone(), Limits::default());
        let run = outbox::run(Arc::new(courier), agent_bridge::pulse::pulse().1, CancellationToken::new());
        let mut changed = self.store.outbox_changed(&name());
        let watch = async {
            loop {
                if let Some(answer) = done() {
                    return answer;
                }
                // The store's thread does not count for paused time: look again when it has moved, or in a moment.
                drop(tokio::time::timeout(Duration::from_millis(50), changed.changed()).await);
            }
        };
        tokio::select! {
            ended = run => panic!("the outbox ended: {ended:?}"),
            answer = watch => answer,
            () = tokio::time::sleep(Duration::from_hours(48)) => panic!("never: {:?}", self.store.outbox(&name()).unwrap()),
        }
    }

    /// One row of the outbox.
    pub fn row(&self, id: &ActionId) -> Action {
        self.store.action(id).unwrap().unwrap()
    }

    /// How often this was asked of the platform, as in `POST /agent/topics`.
    pub fn asked(&self, route: &str) -> usize {
        self.sim.log().iter().filter(|entry| format!("{} {}", entry.method, entry.route) == route).count()
    }

    /// What the agent's chats say.
    pub fn said(&self) -> Vec<String> {
        self.sim.chats_by_agents().into_iter().map(|chat| chat.plain).collect()
    }

    /// The ids of topics with this subject.
    pub fn topics(&self, subject: &str) -> Vec<TopicId> {
        let named =
            |world: &World| world.topics().filter(|topic| topic.subject == subject).map(|topic| topic.id).collect();
        self.sim.look(named)
    }

    /// The next request of this route meets the fault.
    pub fn fault(&self, route: &str, fault: Fault) {
        self.sim.fault(route, fault);
    }
}

/// The ids that a receipt names; a receipt that is not confirmed fails.
pub fn confirmed(receipt: &Receipt) -> &[String] {
    match &receipt.state {
        State::Confirmed { remote_ids } => remote_ids,
        other => panic!("not confirmed: {other:?}"),
    }
}

/// Why it is not known.
pub fn unknown(receipt: &Receipt) -> &str {
    match &receipt.state {
        State::Unknown { message } => message,
        other => panic!("not unknown: {other:?}"),
    }
}

fn name() -> WorkspaceName {
    WorkspaceName::new("parlour").unwrap()
}

fn open(folder: &tempfile::TempDir, clock: &Clock) -> Store {
    let options = StoreOptions { clock: clock.clone(), ..StoreOptions::default() };
    Store::open(&folder.path().join("store.redb"), options).unwrap()
}

fn session(network: &MemoryNetwork, store: &Store, clock: &Clock, record: WorkspaceRecord) -> Session {
    let (network, tasks) = (Arc::new(network.clone()), TaskTracker::new());
    let means = Means { store: store.clone(), network, clock: clock.clone(), tasks, waits: LoginWaits::default() };
    Session::open(means, Manifests::load(None).unwrap().get("speakeasy").unwrap(), record).unwrap()
}
