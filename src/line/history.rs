//! Follows every conversation's history by anchors, so that a stream may forget, repeat or omit what it likes (P1, P9).
//!
//! Reading ([`Reader`]) runs beside the stream, bounded; what it brings is compared ([`walk::decide`]) and committed
//! here, one conversation at a time, oldest first, the anchor with the last commit of the range.

mod absorb;
mod begin;
mod head;
mod listed;
mod lists;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::hearing::Hearing;
use super::read::{Gathered, Place, ReadError, Reader};
use super::report::Report;
use super::schedule::Schedule;
use super::timing::Backfill;
use crate::adapter::{self, Remembered};
use crate::event::WorkspaceName;
use crate::normalise::Mapping;
use crate::session;
use crate::store::{Anchor, Change, Store, StoreError};
use lists::{Lists, Told};

/// The line under whose cursor it is remembered that the conversations of the join have their anchors, and when that was.
const BEGUN: &str = "history";
/// Conversations named in `status` as unreadable.
const NAMED: usize = 20;
/// A pause that the platform asks for, longer than this, does not keep the line from going live.
const LONG_PAUSE: Duration = Duration::from_secs(30);
/// Conversations that only a frame has named, until the list tells them.
const EXPECTED: usize = 1_000;

/// What was read.
#[derive(Debug)]
pub enum Read {
    /// The lists of conversations.
    Rooms(Result<Vec<Told>, ReadError>),
    /// A list that is read by its own clock.
    Seldom(Told),
    /// One conversation.
    Room(String, Result<Gathered, ReadError>),
}

/// Why history cannot be followed any further.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list of conversations, or the session.
    #[error("the conversations cannot be read: {0}")]
    Read(#[from] ReadError),
}

/// A read under way.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// The connect behind which it began.
    connects: u64,
    /// The stream has told something of the conversation meanwhile.
    heard: bool,
}

/// The histories of one workspace.
pub struct History {
    reader: Arc<Reader>,
    spec: Arc<adapter::History>,
    store: Store,
    report: Report,
    workspace: WorkspaceName,
    backfill: Backfill,
    /// By our clock.
    joined_at: u64,
    /// The same by the platform's clock, as it was when the feed began.
    began_at: Option<u64>,
    begun: bool,
    /// The conversations that have an anchor; the anchors themselves stay in the store.
    anchored: HashSet<String>,
    schedule: Schedule,
    running: FuturesUnordered<BoxFuture<'static, Read>>,
    reading: HashMap<String, Reading>,
    /// The connect behind which the last read of each conversation began.
    walked: HashMap<String, u64>,
    hearing: Hearing,
    lists: Lists,
    listing: Option<u64>,
    connects: u64,
    /// Too much waits: nothing has to, until the reads that run are done.
    hurried: bool,
    listed: bool,
    /// Named by a frame before the list named them, or left out by the list even so.
    expected: HashSet<String>,
    unlisted: HashSet<String>,
    relisted: HashMap<String, Instant>,
    unreadable: BTreeMap<String, String>,
    /// Of these: kept from the agent.
    refused: HashSet<String>,
}

impl History {
    /// What the store remembers of this workspace's histories. `None` where the platform has none.
    pub fn load(reader: Reader, store: &Store, report: Report, backfill: Backfill) -> Result<Option<Self>, StoreError> {
        let Some(spec) = reader.session.manifest().receive.history.clone() else { return Ok(None) };
        let record = reader.session.record();
        let begun = store.cursor(&record.name, BEGUN)?;
        let now = Instant::now();
        let remembered = Remembered::read(store.cursor(&record.name, Remembered::ROW)?.as_deref());
        Ok(Some(Self {
            lists: Lists::new(&spec, remembered, reader.clock.now(), now),
            begun: begun.is_some(),
            began_at: begun.and_then(|value| value.parse().ok()),
            anchored: store.anchors(&record.name)?.into_iter().map(|(room, _)| room).collect(),
            joined_at: record.joined_at,
            workspace: record.name,
            schedule: Schedule::new(reader.timing.pace_of(&spec), now).alone(spec.alone),
            reader: Arc::new(reader),
            spec: Arc::new(spec),
            store: store.clone(),
            report,
            backfill,
            running: FuturesUnordered::new(),
            reading: HashMap::new(),
            walked: HashMap::new(),
            hearing: Hearing::default(),
            listing: None,
            connects: 0,
            hurried: false,
            listed: false,
            expected: HashSet::new(),
            unlisted: HashSet::new(),
            relisted: HashMap::new(),
            unreadable: BTreeMap::new(),
            refused: HashSet::new(),
        }))
    }

    /// A stream was opened: everything is read once more. Reads that run go on (a long walk would never end on a
    /// platform that cuts every stream), and what they read is read again behind this connect.
    pub fn connected(&mut self) {
        self.connects += 1;
        self.hearing.opened();
        self.schedule.all_due(Instant::now());
    }

    /// Nothing is due and nothing is being read.
    pub fn is_caught_up(&self) -> bool {
        self.running.is_empty() && self.schedule.is_idle(Instant::now(), LONG_PAUSE)
    }

    /// When the next read is due, unless as many run as may.
    pub fn due(&self) -> Option<Instant> {
        let lists = self.lists.due();
        if self.reading.len() >= self.reader.timing.reads {
            return lists;
        }
        let next = self.schedule.next();
        Some(lists.map_or(next, |due| next.min(due)))
    }

    /// Something hints at news there, or the agent acted there.
    pub fn soon(&mut self, conversation: &str) {
        let now = Instant::now();
        self.schedule.soon(conversation, now);
        self.schedule.lively(conversation, now);
    }

    /// No frame has to wait any more for the reads that run now.
    pub fn wait_no_more(&mut self) {
        self.hurried = true;
    }

    /// Whether a frame of this conversation has to wait: its history is being read, or was never read.
    pub fn must_wait(&mut self, conversation: &str) -> bool {
        if conversation.is_empty() || self.hurried || self.unreadable.contains_key(conversation) {
            return false;
        }
        if self.reading.contains_key(conversation) || self.expected.contains(conversation) {
            return true;
        }
        if self.anchored.contains(conversation) || self.unlisted.contains(conversation) {
            return false;
        }
        if !self.schedule.soon(conversation, Instant::now()) {
            if self.expected.len() >= EXPECTED {
                return false;
            }
            self.expected.insert(conversation.to_owned());
        }
        true
    }

    /// Starts what is due, as far as reads may run at once.
    pub fn start_due(&mut self, mapping: &Arc<Mapping>) -> Result<(), StoreError> {
        let now = Instant::now();
        if self.listing.is_none() && self.schedule.list_is_due(now) {
            self.listing = Some(self.connects);
            self.schedule.list_in(self.reader.timing.longest_wait, now, 0.5);
            let (reader, spec, mapping) = (Arc::clone(&self.reader), Arc::clone(&self.spec), Arc::clone(mapping));
            self.running.push(async move { Read::Rooms(lists::often(&reader, &spec, &mapping).await) }.boxed());
        }
        self.start_seldom(mapping, now);
        let free = self.reader.timing.reads.saturating_sub(self.reading.len());
        for id in self.schedule.take_due(free, now) {
            if !self.reading.contains_key(&id) {
                self.reading.insert(id.clone(), Reading { connects: self.connects, heard: false });
                let walk = self.walk(id, Arc::clone(mapping))?;
                self.running.push(walk);
            }
        }
        Ok(())
    }

    fn walk(&self, id: String, mapping: Arc<Mapping>) -> Result<BoxFuture<'static, Read>, StoreError> {
        let (reader, spec) = (Arc::clone(&self.reader), Arc::clone(&self.spec));
        let anchor = self.store.anchor(&self.workspace, &id)?;
        let floor = self.floor(anchor.as_ref());
        let of = self.lists.of(&id);
        let walk = async move {
            let of = &spec.rooms[of];
            let place = Place { history: &spec, of, room: &id, mapping: &mapping, anchor: anchor.as_ref() };
            let read = reader.gather(&place, floor).await;
            Read::Room(id, read)
        };
        Ok(walk.boxed())
    }

    /// Waits for a read; for ever where none runs. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Read {
        match self.running.next().await {
            Some(read) => read,
            None => std::future::pending().await,
        }
    }

    fn anchor(&self, room: &str, anchor: Anchor) -> Change {
        Change::Anchor { workspace: self.workspace.clone(), conversation: room.to_owned(), anchor: Some(anchor) }
    }
}

/// Whether an error ends the line, wherever it came up: no other conversation would fare better.
fn ends_all(error: &ReadError) -> bool {
    use session::Error as E;
    matches!(
        error,
        ReadError::Unauthorised
            | ReadError::NotReady(_)
            | ReadError::Session(E::NeedsAction { .. } | E::Left(_) | E::Setup(_) | E::Store(_) | E::Foreign { .. })
    )
}
