//! A workspace of an invented platform that answers as a story tells it, and notes every byte that it is sent.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_bridge::action::{Action, ActionId, Request};
use agent_bridge::adapter::{Manifest, parse};
use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::http::{Failure, Network, Request as Asked, Reqwest, Response, Stream};
use agent_bridge::outbox::{self, Courier, Limits, Receipt, Refusal};
use agent_bridge::session::{LoginWaits, Means, Session};
use agent_bridge::store::{Batch, Change, Options, Seat, Store, WorkspaceRecord};
use agent_bridge_sim::serve::ReplyLost;
use axum::Router;
use axum::extract::Request as Sent;
use axum::response::{IntoResponse, Response as Answered};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::memory_network::MemoryNetwork;

/// When the stories begin.
pub const NOON: u64 = 1_774_180_800_000;
/// The workspace's secret.
pub const TWIG: &str = "CANARY-twig-of-the-keeper";

/// What the platform was sent.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and path, as in `POST /sticks`.
    pub what: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Seen {
    /// One header, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the platform does with a request.
pub enum Says {
    /// A status and a body.
    Answer(u16, Value),
    /// It has the request; its answer is lost.
    Lost,
    /// It has the request and never answers.
    Nothing,
}

/// Answers the `n`th request of its kind, from 1.
type Script = dyn Fn(&Seen, usize) -> Says + Send + Sync;

/// The platform, and what it was sent.
#[derive(Clone)]
pub struct Tree {
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Script>,
}

impl Tree {
    /// A platform that answers like this.
    pub fn new(script: impl Fn(&Seen, usize) -> Says + Send + Sync + 'static) -> Self {
        Self { seen: Arc::default(), script: Arc::new(script) }
    }

    /// Everything whose method and path begin like this, in order.
    pub fn seen(&self, start: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.what.starts_with(start)).cloned().collect()
    }

    fn router(&self) -> Router {
        let tree = self.clone();
        Router::new().fallback(move |sent: Sent| {
            let tree = tree.clone();
            async move { tree.answer(sent).await }
        })
    }

    async fn answer(&self, sent: Sent) -> Answered {
        let (parts, body) = sent.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
        let what = format!("{} {}", parts.method, parts.uri.path());
        let seen = Seen { what: what.clone(), headers: parts.headers, body };
        self.seen.lock().unwrap().push(seen.clone());
        match (self.script)(&seen, self.seen(&what).len()) {
            Says::Answer(status, body) => (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response(),
            Says::Lost => {
                let mut lost = ().into_response();
                lost.extensions_mut().insert(ReplyLost);
                lost
            }
            Says::Nothing => std::future::pending().await,
        }
    }
}

/// The platform itself is in memory; whatever else is asked goes over the real network.
struct Beside {
    tree: MemoryNetwork,
    origin: String,
    world: Reqwest,
}

impl Beside {
    fn of(&self, request: &Asked) -> &dyn Network {
        let own = request.url.expose().origin().ascii_serialization() == self.origin;
        if own { &self.tree } else { &self.world }
    }
}

impl Network for Beside {
    fn call(&self, request: Asked) -> BoxFuture<'_, Result<Response, Failure>> {
        self.of(&request).call(request)
    }

    fn open(&self, request: Asked) -> BoxFuture<'_, Result<Stream, Failure>> {
        self.of(&request).open(request)
    }
}

/// A signed-in workspace called `nest`.
pub struct Magpie {
    /// The bridge's store.
    pub store: Store,
    /// Its session.
    pub session: Session,
    network: Arc<dyn Network>,
    clock: Clock,
    folder: tempfile::TempDir,
}

/// The manifest.
pub fn manifest() -> Arc<Manifest> {
    Arc::new(parse("magpie.yaml", include_str!("../fixtures/adapters/magpie.yaml")).unwrap())
}

/// The workspace as it was joined at `origin`, with these capabilities.
pub fn record(origin: &str, may: &Value) -> WorkspaceRecord {
    WorkspaceRecord {
        name: WorkspaceName::new("nest").unwrap(),
        platform: "magpie".into(),
        settings: [("url".to_owned(), origin.to_owned())].into(),
        facts: BTreeMap::from([("bird".to_owned(), json!("me")), ("grants".to_owned(), may.clone())]),
        session: "twig".into(),
        seat: Seat::SignedIn,
        joined_at: NOON,
    }
}

impl Magpie {
    /// On a public platform that grants everything, under paused time.
    pub async fn new(tree: &Tree) -> Self {
        let all = json!({ "keys": true, "nesting": true, "flutter": true });
        Self::at("https://tree.example", tree, &all, Clock::paced(NOON)).await
    }

    /// On a platform at `origin`.
    pub async fn at(origin: &str, tree: &Tree, may: &Value, clock: Clock) -> Self {
        let memory = MemoryNetwork::default();
        memory.serve(origin, tree.router());
        let network = Arc::new(Beside { tree: memory, origin: origin.to_owned(), world: Reqwest::new().unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder, &clock);
        let record = record(origin, may);
        let twig = Change::Secret { owner: "nest".into(), field: "twig".into(), value: Some(SecretString::from(TWIG)) };
        store.commit(Batch::new().with(Change::Workspace(Box::new(record.clone()))).with(twig)).await.unwrap();
        let session = session(network.clone(), &store, &clock, record);
        Self { store, session, network, clock, folder }
    }

    /// Closes the store and opens it again, as a restart of the bridge does.
    pub async fn restart(self) -> Self {
        self.store.close().await.unwrap();
        let Self { store, session: old, network, clock, folder } = self;
        let record = old.record();
        drop((old, store));
        let store = open(&folder, &clock);
        let session = session(network.clone(), &store, &clock, record);
        Self { store, session, network, clock, folder }
    }

    /// What the outbox says of a wish.
    pub fn wish(&self, verb: &str, args: &Value) -> Result<Action, Refusal> {
        let args = args.as_object().cloned().unwrap();
        let request = Request { workspace: None, verb: verb.into(), args, key: None };
        outbox::accept(self.session.manifest(), &self.session.record(), request, None, self.clock.now())
    }

    /// Accepts it, durably.
    pub async fn accept(&self, verb: &str, args: Value) -> ActionId {
        let action = self.wish(verb, &args).unwrap();
        let committed = self.store.commit(Batch::new().with(Change::Accept(Box::new(action)))).await.unwrap();
        committed.actions[0].clone()
    }

    /// One row of the outbox.
    pub fn row(&self, id: &ActionId) -> Action {
        self.store.action(id).unwrap().unwrap()
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
        tokio::select! {
            ended = run => panic!("the outbox ended: {ended:?}"),
            answer = watch(&self.store, done) => answer,
        }
    }
}

fn watch<'a, T: 'a>(store: &Store, done: impl Fn() -> Option<T> + 'a) -> impl Future<Output = T> + 'a {
    let mut changed = store.outbox_changed(&WorkspaceName::new("nest").unwrap());
    async move {
        loop {
            if let Some(answer) = done() {
                return answer;
            }
            // The store's thread does not count for paused time: look again when it has moved, or in a moment.
            drop(tokio::time::timeout(Duration::from_millis(500), changed.changed()).await);
        }
    }
    .boxed_local()
}

fn open(folder: &tempfile::TempDir, clock: &Clock) -> Store {
    let options = Options { clock: clock.clone(), ..Options::default() };
    Store::open(&folder.path().join("store.redb"), options).unwrap()
}

fn session(network: Arc<dyn Network>, store: &Store, clock: &Clock, record: WorkspaceRecord) -> Session {
    let tasks = TaskTracker::new();
    let means = Means { store: store.clone(), network, clock: clock.clone(), tasks, waits: LoginWaits::default() };
    Session::open(means, manifest(), record).unwrap()
}
