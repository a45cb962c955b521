//! One signed-in workspace with its outbox, and the platform it acts on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::action::{Action, ActionId, Request, State};
use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::event::{Conversation, Data, Draft, Identity, Message, Type, WorkspaceName};
use agent_bridge::outbox::{self, Courier, Limits, Receipt};
use agent_bridge::session::{Means, Session};
use agent_bridge::store::{Anchor, Batch, Change, Options, Seat, Store, WorkspaceRecord};
use agent_bridge_sim::agentunited::{self, Sim};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::memory_network::MemoryNetwork;

/// Where the simulated platform's clock and ours begin.
const NOON: u64 = 1_774_180_800_000;

/// A workspace and its platform.
pub struct Desk {
    /// The platform.
    pub sim: Sim,
    /// The bridge's store.
    pub store: Store,
    /// A room in which the agent and a person are.
    pub room: String,
    /// The person.
    pub person: String,
    /// The agent's account there.
    pub agent: String,
    session: Session,
    network: MemoryNetwork,
    clock: Clock,
    folder: tempfile::TempDir,
}

/// Where the platform is.
const ORIGIN: &str = "http://127.0.0.1:1";

fn name() -> WorkspaceName {
    WorkspaceName::new("acme").unwrap()
}

impl Desk {
    /// A workspace that was joined with a key and knows its own id, with nothing under way.
    pub async fn new() -> Self {
        let desk = Self::stranger().await;
        desk.session.learn("user", desk.agent.clone()).await.unwrap();
        desk
    }

    /// What the workspace was taught.
    pub fn fact(&self, name: &str) -> Option<String> {
        self.session.record().facts.get(name)?.as_str().map(str::to_owned)
    }

    /// A workspace that was joined with a key, and does not know its own id.
    pub async fn stranger() -> Self {
        let clock = Clock::paced(NOON);
        let wall = clock.clone();
        let sim =
            Sim::new(agentunited::Options { wall: Arc::new(move || wall.now()), ..agentunited::Options::documented() });
        let person = sim.person("Pierre");
        let agent = sim.person("Agent");
        let room = sim.channel("general");
        sim.add_member(&agent, &room);
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder, &clock);
        let record = WorkspaceRecord {
            name: name(),
            platform: "agentunited".into(),
            settings: [("url".to_owned(), ORIGIN.to_owned())].into(),
            facts: BTreeMap::new(),
            session: "key".into(),
            seat: Seat::SignedIn,
            joined_at: NOON,
        };
        let key = Change::Secret {
            owner: "acme".into(),
            field: "api_key".into(),
            value: Some(SecretString::from(sim.api_key(&agent))),
        };
        store.commit(Batch::new().with(Change::Workspace(Box::new(record.clone()))).with(key)).await.unwrap();
        let network = MemoryNetwork::default();
        network.serve(ORIGIN, sim.router());
        let session = session(&network, &store, &clock, record);
        Self { sim, store, room, person, agent, session, network, clock, folder }
    }

    /// Nothing of the platform can be reached until it is plugged in again.
    pub fn unplug(&self) {
        self.network.unplug(ORIGIN);
    }

    /// The platform can be reached.
    pub fn plug(&self) {
        self.network.serve(ORIGIN, self.sim.router());
    }

    /// Another server answers in the platform's place.
    pub fn serve(&self, router: axum::Router) {
        self.network.serve(ORIGIN, router);
    }

    /// Every secret of the workspace.
    pub fn secrets(&self) -> Vec<SecretString> {
        self.session.secrets()
    }

    /// Closes the store and opens it again, as a restart of the bridge does.
    pub async fn restart(self) -> Self {
        self.store.close().await.unwrap();
        let Self { sim, room, person, agent, session: old, network, clock, folder, store } = self;
        let record = old.record();
        drop((old, store));
        let store = open(&folder, &clock);
        let session = session(&network, &store, &clock, record);
        Self { sim, store, room, person, agent, session, network, clock, folder }
    }

    /// The feed tells a message, as a stream does; the anchor stays where it was.
    pub async fn tell(&self, message: &str) {
        let data = Data {
            conversation: Some(Conversation { id: self.room.clone(), ..Conversation::default() }),
            message: Some(Message { id: message.to_owned(), ..Message::default() }),
            ..Data::default()
        };
        let identity = Identity::Object { object: message.to_owned(), revision: String::new() };
        let (kind, time) = (Type::MessageCreated, self.clock.stamp());
        let draft = Draft { workspace: name(), platform: None, kind, identity, time, data };
        self.store.commit(Batch::intake().event(draft.seal())).await.unwrap();
    }

    /// A walk through the room has ended at this message.
    pub async fn anchor(&self, message: &str) {
        let anchor = Anchor { newest: Some(message.to_owned()), tail: vec![(message.to_owned(), String::new())] };
        let conversation = self.room.clone();
        let moved = Change::Anchor { workspace: name(), conversation, anchor: Some(anchor) };
        self.store.commit(Batch::intake().with(moved)).await.unwrap();
    }

    /// So many minutes go by on the wall clock while no outbox runs.
    pub fn pass(&self, minutes: i64) {
        self.clock.jump(minutes * 60_000);
    }

    /// The seat changes.
    pub async fn sit(&self, seat: Seat) {
        self.session.sit(seat).await.unwrap();
    }

    /// Accepts an action, durably.
    pub async fn accept(&self, verb: &str, args: Value) -> ActionId {
        self.accept_with_key(verb, args, None).await
    }

    /// The same under a key.
    pub async fn accept_with_key(&self, verb: &str, args: Value, key: Option<&str>) -> ActionId {
        let args: Map<String, Value> = args.as_object().cloned().unwrap();
        let request = Request { workspace: None, verb: verb.into(), args, key: key.map(str::to_owned) };
        let record = self.session.record();
        let action = outbox::accept(self.session.manifest(), &record, request, None, self.clock.now()).unwrap();
        let committed = self.store.commit(Batch::new().with(Change::Accept(Box::new(action)))).await.unwrap();
        committed.actions[0].clone()
    }

    /// A text into the room.
    pub async fn send(&self, text: &str) -> ActionId {
        self.accept("send", json!({ "conversation": self.room, "text": text })).await
    }

    /// Runs the outbox until these are settled; their receipts.
    pub async fn settle(&self, ids: &[&ActionId]) -> Vec<Receipt> {
        let settled = || {
            let receipts = ids.iter().map(|id| outbox::receipt(&self.store, id).unwrap().unwrap());
            let receipts: Vec<_> = receipts.collect();
            receipts.iter().all(|receipt| receipt.state.settled()).then_some(receipts)
        };
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

    /// What the agent's messages on the platform say, in order.
    pub fn said(&self) -> Vec<String> {
        let said = self.sim.history(&self.room).into_iter().filter(|message| message.author_id == self.agent);
        said.map(|message| message.text).collect()
    }

    /// One row of the outbox.
    pub fn row(&self, id: &ActionId) -> Action {
        self.store.action(id).unwrap().unwrap()
    }

    /// How often the agent's text was posted, by the platform's own log.
    pub fn posts(&self) -> usize {
        self.sim.log().iter().filter(|entry| entry.method == "POST" && entry.route == "/channels/{id}/messages").count()
    }

    /// The `action.settled` events of the feed.
    pub fn told(&self) -> Vec<Value> {
        let events = self.store.read(0, 1_000, 1 << 24).unwrap();
        let told = events.iter().filter(|event| event.head.kind == Type::ActionSettled);
        told.map(|event| serde_json::from_slice::<Value>(&event.bytes).unwrap()["data"]["receipt"].clone()).collect()
    }
}

/// The ids that a receipt names.
pub fn remote_ids(receipt: &Receipt) -> &[String] {
    match &receipt.state {
        State::Confirmed { remote_ids } => remote_ids,
        other => panic!("not confirmed: {other:?}"),
    }
}

fn open(folder: &tempfile::TempDir, clock: &Clock) -> Store {
    let options = Options { clock: clock.clone(), ..Options::default() };
    Store::open(&folder.path().join("store.redb"), options).unwrap()
}

fn session(network: &MemoryNetwork, store: &Store, clock: &Clock, record: WorkspaceRecord) -> Session {
    let manifest = Manifests::load(None).unwrap().get("agentunited").unwrap();
    let means = Means {
        store: store.clone(),
        network: Arc::new(network.clone()),
        clock: clock.clone(),
        tasks: TaskTracker::new(),
        waits: agent_bridge::session::LoginWaits::default(),
    };
    Session::open(means, manifest, record).unwrap()
}
