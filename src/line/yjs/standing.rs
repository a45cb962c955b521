//! How each document stands, for `status`: one document's trouble beside the health of the others, and no token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::about::About;
use crate::clock::Clock;
use crate::session::Document;
use crate::store::WorkspaceRecord;

/// Documents that are refused and remembered as such; beyond them the oldest is forgotten.
const REFUSED: usize = 500;

/// How one document stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// Nobody needs it open.
    Closed,
    /// It is being opened.
    Opening,
    /// The agent is in it.
    Live,
    /// It is not connected, and is tried again by itself.
    Waiting {
        /// Why.
        why: String,
        /// When it is tried again: wall time, milliseconds since 1970.
        next_retry: u64,
    },
    /// It is closed to the agent, and not tried again before somebody asks something of it.
    Refused {
        /// Why, and what helps.
        why: String,
    },
}

/// One document as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentStatus {
    /// Which.
    #[serde(flatten)]
    pub document: Document,
    /// It is the agent's own, and was not given by a link.
    pub own: bool,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// Since when: wall time, milliseconds since 1970; `null` for one that is closed.
    pub since: Option<u64>,
}

#[derive(Clone, Debug)]
struct Seen {
    about: About,
    standing: Standing,
    since: u64,
}

/// Where the documents of one workspace say how they stand. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Board {
    clock: Clock,
    seen: Arc<Mutex<BTreeMap<String, Seen>>>,
}

impl Board {
    pub fn new(clock: Clock) -> Self {
        Self { clock, seen: Arc::default() }
    }

    /// A document stands so from now on.
    pub fn stands(&self, id: &str, about: &About, standing: Standing) {
        let since = self.clock.now();
        self.with(|seen| {
            if standing == Standing::Closed {
                seen.remove(id);
                return;
            }
            seen.insert(id.to_owned(), Seen { about: about.clone(), standing, since });
            let refused = seen.iter().filter(|(_, one)| matches!(one.standing, Standing::Refused { .. }));
            let oldest = refused.clone().min_by_key(|(_, one)| one.since).map(|(id, _)| id.clone());
            if refused.count() > REFUSED {
                oldest.map(|id| seen.remove(&id));
            }
        });
    }

    /// Whether somebody serves it, connected or not.
    pub fn is_open(&self, id: &str) -> bool {
        use Standing::{Live, Opening, Waiting};
        self.with(|seen| seen.get(id).is_some_and(|one| matches!(one.standing, Opening | Live | Waiting { .. })))
    }

    pub fn is_refused(&self, id: &str) -> bool {
        self.with(|seen| seen.get(id).is_some_and(|one| matches!(one.standing, Standing::Refused { .. })))
    }

    /// What the workspace was given, and behind it those of the agent's own that are open or refused.
    pub fn all(&self, record: &WorkspaceRecord) -> Vec<DocumentStatus> {
        let seen = self.with(|seen| seen.clone());
        let given = Document::all(record);
        let own = seen.iter().filter(|(id, _)| given.iter().all(|document| document.id != **id)).map(|(id, one)| {
            let About { title, kind, .. } = one.about.clone();
            Document { id: id.clone(), title, kind }
        });
        let own: Vec<Document> = own.collect();
        let status = |(document, own): (Document, bool)| {
            let now = seen.get(&document.id);
            let standing = now.map_or(Standing::Closed, |one| one.standing.clone());
            DocumentStatus { own, standing, since: now.map(|one| one.since), document }
        };
        let given = given.into_iter().map(|document| (document, false));
        given.chain(own.into_iter().map(|document| (document, true))).map(status).collect()
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Seen>) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
