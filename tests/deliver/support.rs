//! A bridge with a store and consumers, and short words for what happens to it.

use std::sync::Arc;
use std::time::Duration;

use agent_bridge::action::{Action, Request};
use agent_bridge::clock::Clock;
use agent_bridge::consumer::{Consumer, From};
use agent_bridge::deliver::{
    Acceptable, Bounds, ConsumerHandle, Consumers, Delivery, Ground, Letter, Refused, Settle, Status, Subscribe,
    Subscription, Times, Which,
};
use agent_bridge::event::{Conversation, Data, Draft, Identity, Message, Type, WorkspaceName};
use agent_bridge::store::{Batch, Options, Store};
use serde_json::json;

/// 2026-01-01.
pub const NOW: u64 = 1_767_225_600_000;
/// Longer than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Workspace `acme` can `send` and `mark_read`.
struct Acme;

impl Acceptable for Acme {
    fn accept(
        &self,
        workspace: &WorkspaceName,
        request: Request,
        answers: Option<u64>,
        now: u64,
    ) -> Result<Vec<Action>, Refused> {
        let refused = |kind, message: &str| Err(Refused { kind, message: message.to_owned() });
        match (workspace.as_str(), request.verb.as_str()) {
            ("acme", "send") if !request.args.contains_key("text") => refused("bad_args", "`send` needs `text`"),
            ("acme", "send" | "mark_read") => Ok(vec![Action::accept(workspace.clone(), request, answers, now)]),
            ("acme", _) => refused("no_such_verb", "acme cannot do that"),
            _ => refused("no_such_workspace", "there is no such workspace"),
        }
    }
}

/// A directory with a store in it, and consumers while it runs.
pub struct Bridge {
    directory: tempfile::TempDir,
    pub clock: Clock,
    pub store: Store,
    pub consumers: Consumers,
    settings: Settings,
}

/// What it is started with, again and again.
#[derive(Clone, Copy)]
struct Settings {
    bounds: Bounds,
    disk_budget: u64,
    times: Times,
}

impl Bridge {
    pub fn new() -> Self {
        Self::with(Bounds::default())
    }

    pub fn with(bounds: Bounds) -> Self {
        Self::set(Settings { bounds, disk_budget: Options::default().disk_budget, times: Times::default() })
    }

    /// With a disk budget, in bytes, and what happens there.
    pub fn within(disk_budget: u64, times: Times) -> Self {
        Self::set(Settings { bounds: Bounds::default(), disk_budget, times })
    }

    fn set(settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::paced(NOW);
        let (store, consumers) = start(&directory, &clock, settings);
        Self { directory, clock, store, consumers, settings }
    }

    /// Stops cleanly and starts on the same store.
    pub async fn restart(self) -> Self {
        let Self { directory, clock, store, consumers, settings } = self;
        consumers.stop().await;
        drop(consumers);
        store.close().await.unwrap();
        drop(store);
        let (store, consumers) = start(&directory, &clock, settings);
        Self { directory, clock, store, consumers, settings }
    }

    /// Somebody writes; the event's place in the feed.
    pub async fn says(&self, conversation: &str, text: &str) -> u64 {
        self.says_all(conversation, &[text]).await
    }

    /// Several in one commit; the last one's place.
    pub async fn says_all(&self, conversation: &str, texts: &[&str]) -> u64 {
        let batch = texts.iter().fold(Batch::intake(), |batch, text| batch.event(message(conversation, text)));
        self.store.commit(batch).await.unwrap().events.last().copied().flatten().unwrap()
    }

    /// Makes a consumer that begins at the start.
    pub async fn consumer(&self, consumer: Consumer) -> ConsumerHandle {
        let name = consumer.name.clone();
        self.consumers.put(Consumer { from: From::Start, ..consumer }).await.unwrap();
        self.consumers.get(&name).unwrap()
    }

    /// A plain one called `main`, and its reader.
    pub async fn main(&self) -> (ConsumerHandle, Subscription) {
        let main = self.consumer(named("main")).await;
        let reader = main.subscribe(Subscribe::default()).await.unwrap();
        (main, reader)
    }

    /// Waits until so many dead letters are on file.
    pub async fn letters(&self, name: &str, count: usize) -> Vec<Letter> {
        soon(async {
            loop {
                let letters = self.consumers.dead(name, 100).unwrap();
                if letters.len() >= count {
                    return letters;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Waits until a consumer stands as wanted.
    pub async fn until(&self, name: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let handle = self.consumers.get(name).unwrap();
        soon(async {
            loop {
                let status = handle.status().await.unwrap();
                if wanted(&status) {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

fn start(directory: &tempfile::TempDir, clock: &Clock, settings: Settings) -> (Store, Consumers) {
    let Settings { bounds, disk_budget, times } = settings;
    let options = Options { ballast: 0, cache: 8 << 20, disk_budget, clock: clock.clone(), ..Options::default() };
    let store = Store::open(&directory.path().join("state/store.redb"), options).unwrap();
    let ground = Ground { store: store.clone(), clock: clock.clone(), accept: Arc::new(Acme), bounds };
    let consumers = Consumers::start(ground, times).unwrap();
    (store, consumers)
}

pub fn named(name: &str) -> Consumer {
    Consumer { name: name.to_owned(), ..Consumer::default() }
}

pub fn message(conversation: &str, text: &str) -> agent_bridge::event::NewEvent {
    let data = Data {
        conversation: Some(Conversation { id: conversation.to_owned(), ..Conversation::default() }),
        message: Some(Message { id: "m".to_owned(), text: Some(text.to_owned()), ..Message::default() }),
        ..Data::default()
    };
    Draft {
        workspace: WorkspaceName::new("acme").unwrap(),
        platform: Some("sim".into()),
        kind: Type::MessageCreated,
        identity: Identity::Sequence,
        time: "2026-01-01T00:00:00Z".to_owned(),
        data,
    }
    .seal()
}

/// A `send` of this text.
pub fn send(text: &str) -> Request {
    serde_json::from_value(json!({ "verb": "send", "args": { "text": text } })).unwrap()
}

pub fn ack(seq: u64) -> Settle {
    ack_with(seq, Vec::new())
}

pub fn ack_with(seq: u64, actions: Vec<Request>) -> Settle {
    Settle::Ack { which: Which::Seqs(vec![seq]), actions }
}

pub fn up_to(seq: u64) -> Settle {
    Settle::Ack { which: Which::UpTo(seq), actions: Vec::new() }
}

pub fn nack_now(seq: u64) -> Settle {
    Settle::Nack { seq, delay: Some(Duration::ZERO), reason: None }
}

pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this should not take so long")
}

/// The next delivery: (seq, attempt).
pub async fn next(reader: &mut Subscription) -> (u64, u32) {
    let delivery = take(reader).await;
    (delivery.seq, delivery.attempt)
}

pub async fn take(reader: &mut Subscription) -> Delivery {
    soon(reader.next()).await.expect("a delivery")
}
