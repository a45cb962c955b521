//! How the reads of the chat look: the document does not show them, the notes assume several forms.

use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{Message, Receiver};

/// What is around a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// `{"messages": […]}`.
    #[default]
    Named,
    /// The list alone.
    Bare,
    /// Rows without names, under a name that nobody expects: no message can be found in it.
    Strange,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// ISO 8601, UTC, with milliseconds.
    #[default]
    Iso,
    /// Milliseconds since 1970, a number.
    Millis,
    /// Nanoseconds since 1970, a number.
    Nanos,
    /// Nanoseconds since 1970, digits in a string: JavaScript has no number for them.
    NanosText,
}

/// Which message of a page is first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The newest.
    #[default]
    NewestFirst,
    /// The oldest.
    OldestFirst,
}

/// How the reads look.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shape {
    /// What is around a list.
    pub envelope: Envelope,
    /// The field of an id: `id` or `messageId`.
    pub id: String,
    /// The field of who wrote: `from` or `sender`.
    pub from: String,
    /// The field of the text: `body`, `content` or `text`.
    pub body: String,
    /// The field of the time: `sentAt`, `createdAt` or `timestamp`.
    pub time: String,
    /// How the time is written.
    pub clock: Clock,
    /// Which message of a page is first.
    pub order: Order,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            envelope: Envelope::Named,
            id: "id".into(),
            from: "from".into(),
            body: "body".into(),
            time: "sentAt".into(),
            clock: Clock::Iso,
            order: Order::NewestFirst,
        }
    }
}

/// The contract's lines for the names that the notes assume.
const NAMES: [(&str, &str); 10] = [
    ("id", "shape.id"),
    ("messageId", "shape.message_id"),
    ("from", "shape.from"),
    ("sender", "shape.sender"),
    ("body", "shape.body"),
    ("content", "shape.content"),
    ("text", "shape.text"),
    ("sentAt", "shape.sent_at"),
    ("createdAt", "shape.created_at"),
    ("timestamp", "shape.timestamp"),
];

impl Shape {
    /// A shape in which nobody can find a message.
    pub fn unreadable() -> Self {
        Self { envelope: Envelope::Strange, ..Self::default() }
    }

    /// A list as it goes out.
    pub(crate) fn list(&self, noun: &str, items: Vec<Value>) -> Value {
        match self.envelope {
            Envelope::Named => json!({noun: items}),
            Envelope::Bare => Value::Array(items),
            Envelope::Strange => {
                let rows = items.into_iter().map(|item| match item {
                    Value::Object(fields) => fields.into_iter().map(|(_, value)| value).collect(),
                    other => other,
                });
                json!({"v": 3, "rowset": {"rows": rows.collect::<Vec<_>>()}})
            }
        }
    }

    /// A message as it goes out.
    pub(crate) fn message(&self, message: &Message) -> Value {
        let mut shown = json!({});
        shown[&self.id] = json!(message.id);
        shown[&self.from] = json!(message.from);
        match &message.to {
            Receiver::Direct(name) => shown["to"] = json!(name),
            Receiver::Group(id) => shown["groupId"] = json!(id),
        }
        shown[&self.body] = json!(message.body);
        shown[&self.time] = self.time(message.sent);
        shown
    }

    /// A time, given in milliseconds since 1970.
    pub(crate) fn time(&self, millis: u64) -> Value {
        match self.clock {
            Clock::Iso => json!(iso(millis)),
            Clock::Millis => json!(millis),
            Clock::Nanos => json!(millis * 1_000_000),
            Clock::NanosText => json!((millis * 1_000_000).to_string()),
        }
    }

    /// The contract's lines that a page of messages in this shape serves.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'static str> {
        let envelope = match self.envelope {
            Envelope::Named => "shape.named",
            Envelope::Bare => "shape.bare",
            Envelope::Strange => "shape.unreadable",
        };
        let clock = match self.clock {
            Clock::Iso => "shape.iso",
            Clock::Millis => "shape.millis",
            Clock::Nanos | Clock::NanosText => "shape.nanos",
        };
        let order = match self.order {
            Order::NewestFirst => "shape.newest_first",
            Order::OldestFirst => "shape.oldest_first",
        };
        let own = [&self.id, &self.from, &self.body, &self.time];
        let names = NAMES.iter().filter(move |(name, _)| own.iter().any(|it| it == name)).map(|(_, line)| *line);
        [envelope, clock, order].into_iter().chain(names)
    }
}

/// ISO 8601, UTC, with milliseconds: as JavaScript writes it.
fn iso(millis: u64) -> String {
    let at = i64::try_from(millis).ok().and_then(|it| jiff::Timestamp::from_millisecond(it).ok()).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
