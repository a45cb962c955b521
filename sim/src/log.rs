//! What every platform keeps of its requests: the faults that wait for them, their log, the lines they served.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::Debug,
    ops::Deref,
};

use serde::Serialize;

use crate::fault::Armed;

/// What one platform alone notes of a request, such as who asked.
pub trait Own: Clone + Debug + Default + Serialize + Send + Sync + 'static {}

impl<T: Clone + Debug + Default + Serialize + Send + Sync + 'static> Own for T {}

/// One request and its outcome; never a credential. What the platform alone notes is read as if it stood here.
#[derive(Clone, Debug, Serialize)]
pub struct Entry<F> {
    /// Its number, from 1.
    pub n: u64,
    /// When it was answered, in milliseconds since 1970.
    pub at: u64,
    /// The method.
    pub method: String,
    /// The path as asked, without its query; `…` stands for a credential.
    pub path: String,
    /// The query without the values of secrets.
    pub query: String,
    /// The route's template without `/api/v1`, such as `/channels/{id}/messages`, with `?view=…` where a view chooses what
    /// it does; empty where no route matched.
    pub route: String,
    /// The status that the handler (or a fault) decided on.
    pub status: u16,
    /// The error's text.
    pub error: Option<String>,
    /// The faults that struck, by kind.
    pub faults: Vec<&'static str>,
    /// The lines of the contract that the answer served, where it was the answer that served them.
    #[serde(skip)]
    pub lines: Vec<&'static str>,
    /// What the platform alone notes.
    #[serde(flatten)]
    pub facts: F,
}

impl<F> Deref for Entry<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.facts
    }
}

/// What a handler tells the log, as an extension of its response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted<F> {
    pub(crate) error: Option<String>,
    /// The contract's lines that the answer serves.
    pub(crate) lines: Vec<&'static str>,
    pub(crate) facts: F,
}

impl<F: Default> Noted<F> {
    /// Nothing but a line of the contract.
    pub(crate) fn line(line: &'static str) -> Self {
        Self { lines: vec![line], ..Self::default() }
    }
}

/// Faults to come, and what was.
#[derive(Debug)]
pub struct Ledger<F> {
    pub(crate) faults: Vec<Armed>,
    pub(crate) served: BTreeSet<&'static str>,
    entries: VecDeque<Entry<F>>,
    logged: u64,
    keep: usize,
}

impl<F> Ledger<F> {
    /// Keeps the newest `keep` entries.
    pub(crate) fn new(keep: usize) -> Self {
        Self { faults: Vec::new(), served: BTreeSet::new(), entries: VecDeque::new(), logged: 0, keep }
    }

    /// The newest entry, which gets its number here, and the lines that it served; the oldest goes where there are too many.
    pub(crate) fn push(&mut self, entry: Entry<F>) {
        self.logged += 1;
        self.served.extend(&entry.lines);
        self.entries.push_back(Entry { n: self.logged, ..entry });
        while self.entries.len() > self.keep {
            self.entries.pop_front();
        }
    }

    /// Oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<F>> {
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
