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
    /// How often it is read while something happens. Default 5 s.
    pub every: Option<Span>,
    /// The same once nothing has happened for ten minutes. Default 30 s.
    pub quiet: Option<Span>,
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
