//! A list of what waits for the agent, as a manifest tells it.

use serde::Deserialize;

use super::plain::{OneOrMany, Span};
use super::pointer::{Pointer, Pointers};

/// A list of what waits for the agent: it is read again and again, and what was handled leaves it.
#[derive(Clone, Debug)]
pub struct Inbox {
    /// The list in an answer; `null` counts as empty.
    pub items: Pointer,
    /// What an item is in `events`.
    pub event: String,
    /// Which items are told; none: all.
    pub waiting: Option<Waiting>,
    /// The verb that marks an item as handled, done once every action of its ack is confirmed; none: nobody is told.
    pub done: Option<String>,
    /// How the platform is shown what the agent does about an item; none: it is not.
    pub shown: Option<Shown>,
    /// How often it is read while something happens. Default 5 s.
    pub every: Option<Span>,
    /// The same once nothing has happened for ten minutes. Default 30 s.
    pub quiet: Option<Span>,
}

/// How a platform is shown what the agent does about an item, by a verb that is never stored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The verb; it takes `conversation` and `state`.
    pub verb: String,
    /// The platform forgets it unless it is said again in this time.
    pub every: Span,
    /// Its word from when an event was handed to the agent.
    pub handed: String,
    /// Its word from when the agent says that it is still at it.
    pub extended: String,
    /// Its word from the agent's first action on.
    pub acting: String,
    /// Its word once the event is acked and its actions are settled.
    pub acked: String,
}

/// Which items of a list are told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Where the platform's word stands.
    pub at: Pointers,
    /// The words that count.
    pub is: OneOrMany<String>,
}

impl Waiting {
    /// Whether an item is one of them.
    pub fn fits(&self, item: &serde_json::Value) -> bool {
        self.at.text(item).is_some_and(|word| self.is.all().contains(&word))
    }
}
