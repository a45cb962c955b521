//! What the platform's owner sees in its books: who read what, rewritten memberships, requests a minute.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// Minutes that are kept: a day of them.
const MINUTES: usize = 1440;

/// One read of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Read {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The agent that read, by name.
    pub by: String,
    /// `messages` or `group-messages`.
    pub view: &'static str,
    /// The two of the conversation, or the group.
    pub of: Vec<String>,
    /// Whether the reader is in none of it: it read what others wrote to each other.
    pub others: bool,
}

/// The books.
#[derive(Clone, Debug, Serialize)]
pub struct Books {
    /// Reads of messages, oldest first.
    pub reads: VecDeque<Read>,
    /// Reads of what others wrote to each other, ever.
    pub reads_of_others: u64,
    /// How often `view=groups` set the canonical group's membership anew.
    pub rewrites: u64,
    /// How many of those changed it.
    pub membership_changes: u64,
    /// Minute since 1970 → kind of request → how many.
    pub minutes: BTreeMap<u64, BTreeMap<&'static str, u64>>,
    #[serde(skip)]
    keep: usize,
}

impl Books {
    /// Keeps the newest `keep` reads.
    pub(crate) fn new(keep: usize) -> Self {
        Self {
            reads: VecDeque::new(),
            reads_of_others: 0,
            rewrites: 0,
            membership_changes: 0,
            minutes: BTreeMap::new(),
            keep,
        }
    }

    pub(crate) fn read(&mut self, read: Read) {
        self.reads_of_others += u64::from(read.others);
        self.reads.push_back(read);
        while self.reads.len() > self.keep {
            self.reads.pop_front();
        }
    }

    pub(crate) fn rewrote(&mut self, changed: bool) {
        self.rewrites += 1;
        self.membership_changes += u64::from(changed);
    }

    pub(crate) fn request(&mut self, at: u64, kind: &'static str) {
        *self.minutes.entry(at / 60_000).or_default().entry(kind).or_default() += 1;
        while self.minutes.len() > MINUTES {
            self.minutes.pop_first();
        }
    }

    /// Requests of a kind over all minutes that are kept: `join`, a view, an action, `stream`, or `other`.
    pub fn requests(&self, kind: &str) -> u64 {
        self.minutes.values().filter_map(|it| it.get(kind)).sum()
    }

    /// The most requests of a kind in one minute.
    pub fn busiest(&self, kind: &str) -> u64 {
        self.minutes.values().filter_map(|it| it.get(kind)).copied().max().unwrap_or(0)
    }
}
