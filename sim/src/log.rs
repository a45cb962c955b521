//! What every platform keeps of its requests: the faults that wait for them, their log, the lines they served.

use std::collections::{BTreeSet, VecDeque};

use crate::fault::Armed;

/// Faults to come, and what was.
#[derive(Debug)]
pub struct Ledger<E> {
    pub(crate) faults: Vec<Armed>,
    pub(crate) served: BTreeSet<&'static str>,
    entries: VecDeque<E>,
    logged: u64,
    keep: usize,
}

impl<E> Ledger<E> {
    /// Keeps the newest `keep` entries.
    pub(crate) fn new(keep: usize) -> Self {
        Self { faults: Vec::new(), served: BTreeSet::new(), entries: VecDeque::new(), logged: 0, keep }
    }

    /// The number of the next entry, from 1.
    pub(crate) fn next(&self) -> u64 {
        self.logged + 1
    }

    /// The newest entry; the oldest goes where there are too many.
    pub(crate) fn push(&mut self, entry: E) {
        self.logged += 1;
        self.entries.push_back(entry);
        while self.entries.len() > self.keep {
            self.entries.pop_front();
        }
    }

    /// Oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &E> {
        self.entries.iter()
    }
}

/// A query without the values of `secrets`.
pub(crate) fn redact(query: &str, secrets: &[&str]) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if secrets.contains(&name) => format!("{name}=…"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}
