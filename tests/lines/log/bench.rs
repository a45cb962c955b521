//! One workspace on a platform that is an event log.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::adapter::Manifests;
use agent_bridge::event::Via;
use agent_bridge::line::poll::feed::{Inlet, Live};
use agent_bridge::store::{Batch, Change, Seat, WorkspaceRecord};
use serde_json::{Value, json};

use super::platform::Ledger;
use crate::stage::{NOW, ORIGIN, Stage, message, name, text};

/// The agent's handle.
pub const ME: &str = "me@x.example";

const STEP: Duration = Duration::from_millis(250);
/// Nothing is waited for longer.
const MOST: Duration = Duration::from_mins(5);

pub struct Story {
    pub ledger: Ledger,
    /// Whether the grant lets it ask who takes part in a topic.
    pub people: bool,
    stage: Stage,
}

impl Deref for Story {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl DerefMut for Story {
    fn deref_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }
}

impl Story {
    /// A seat that was taken just now, and does not run yet.
    pub async fn joined() -> Self {
        let ledger = Ledger::default();
        let mut stage = Stage::new(ledger.router(), STEP, MOST);
        std::fs::write(stage.dir.path().join("ledger.yaml"), include_str!("ledger.yaml")).unwrap();
        stage.manifests = Arc::new(Manifests::load(Some(stage.dir.path())).unwrap());
        let joined = Self { ledger, people: false, stage };
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
            self.leap(Duration::from_hours(1)).await;
        }
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

    /// Lets time pass until it is so; at most five minutes.
    pub async fn until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        self.stage.until(what, || so(self)).await;
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

    /// What was said, in the order of the feed.
    pub fn told(&self) -> Vec<String> {
        self.texts()
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
