//! Follows every conversation's history by anchors, so that a stream may forget, repeat or omit what it likes (P1, P9).
//!
//! Reading ([`Reader`]) runs beside the stream, bounded; what it brings is compared ([`walk::decide`]) and committed
//! here, one conversation at a time, oldest first, the anchor with the last commit of the range.

mod absorb;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered};
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::read::{Gathered, ReadError, Reader};
use super::report::Report;
use super::schedule::Schedule;
use super::timing::Backfill;
use super::walk;
use crate::adapter;
use crate::clock::millis;
use crate::event::WorkspaceName;
use crate::normalise::{Mapping, Room};
use crate::session;
use crate::store::{Anchor, Batch, Change, Store, StoreError};

/// The line under whose cursor it is remembered that the conversations of the join have their anchors.
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
    /// The list of conversations.
    Rooms(Result<Vec<(String, Room)>, ReadError>),
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

/// The histories of one workspace.
pub struct History {
    reader: Arc<Reader>,
    spec: Arc<adapter::History>,
    store: Store,
    report: Report,
    workspace: WorkspaceName,
    backfill: Backfill,
    joined_at: u64,
    begun: bool,
    /// The conversations that have an anchor; the anchors themselves stay in the store.
    anchored: HashSet<String>,
    schedule: Schedule,
    running: FuturesUnordered<BoxFuture<'static, Read>>,
    /// The conversations being read, each with the connect behind which its read began.
    reading: HashMap<String, u64>,
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
}

impl History {
    /// What the store remembers of this workspace's histories. `None` where the platform has none.
    pub fn load(reader: Reader, store: &Store, report: Report, backfill: Backfill) -> Result<Option<Self>, StoreError> {
        let Some(spec) = reader.session.manifest().receive.history.clone() else { return Ok(None) };
        let record = reader.session.record();
        Ok(Some(Self {
            begun: store.cursor(&record.name, BEGUN)?.is_some(),
            anchored: store.anchors(&record.name)?.into_iter().map(|(room, _)| room).collect(),
            joined_at: record.joined_at,
            workspace: record.name,
            schedule: Schedule::new(reader.timing.pace_of(&spec), Instant::now()),
            reader: Arc::new(reader),
            spec: Arc::new(spec),
            store: store.clone(),
            report,
            backfill,
            running: FuturesUnordered::new(),
            reading: HashMap::new(),
            listing: None,
            connects: 0,
            hurried: false,
            listed: false,
            expected: HashSet::new(),
            unlisted: HashSet::new(),
            relisted: HashMap::new(),
            unreadable: BTreeMap::new(),
        }))
    }

    /// Commits an anchor at the newest message of each existing conversation, once in a workspace's life and before
    /// its first stream opens. With a backfill there is nothing to do: the first walk tells what is older.
    pub async fn begin(&mut self, mapping: &Mapping) -> Result<(), Lost> {
        if self.begun || self.backfill != Backfill::None {
            return Ok(());
        }
        let (reader, spec) = (Arc::clone(&self.reader), Arc::clone(&self.spec));
        let found = all_newest(&reader, &spec, mapping).await?;
        let anchors: Vec<_> = found
            .into_iter()
            .map(|gathered| {
                let seen: Vec<_> = gathered.found.into_iter().map(|(seen, _)| seen).collect();
                (gathered.room, walk::anchor_at(&seen))
            })
            .collect();
        let changes = anchors.iter().map(|(room, anchor)| self.anchor(room, anchor.clone()));
        let batch = changes.chain([self.begun_mark()]).fold(Batch::intake(), Batch::with);
        let store = self.store.clone();
        store.commit(batch).await?;
        self.anchored.extend(anchors.into_iter().map(|(room, _)| room));
        self.begun = true;
        Ok(())
    }

    /// A stream was opened: everything is read once more. Reads that run go on (a long walk would never end on a
    /// platform that cuts every stream), and what they read is read again behind this connect.
    pub fn connected(&mut self) {
        self.connects += 1;
        self.schedule.all_due(Instant::now());
    }

    /// Nothing is due and nothing is being read.
    pub fn is_caught_up(&self) -> bool {
        self.running.is_empty() && self.schedule.is_idle(Instant::now(), LONG_PAUSE)
    }

    /// When the next read is due, unless as many run as may.
    pub fn due(&self) -> Option<Instant> {
        (self.reading.len() < self.reader.timing.reads).then(|| self.schedule.next())
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

    /// It is known from where on things are told: reading may begin.
    pub fn has_begun(&self) -> bool {
        self.begun || self.backfill != Backfill::None
    }

    /// Starts what is due, as far as reads may run at once.
    pub fn start_due(&mut self, mapping: &Arc<Mapping>) -> Result<(), StoreError> {
        let now = Instant::now();
        if self.listing.is_none() && self.schedule.list_is_due(now) {
            self.listing = Some(self.connects);
            self.schedule.list_in(self.reader.timing.longest_wait, now, 0.5);
            let (reader, spec) = (Arc::clone(&self.reader), Arc::clone(&self.spec));
            self.running.push(async move { Read::Rooms(reader.rooms(&spec).await) }.boxed());
        }
        let free = self.reader.timing.reads.saturating_sub(self.reading.len());
        for id in self.schedule.take_due(free, now) {
            if !self.reading.contains_key(&id) {
                self.reading.insert(id.clone(), self.connects);
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
        let walk = async move {
            let read = reader.gather(&spec, id.clone(), &mapping, anchor.as_ref(), floor).await;
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

    /// Messages from before this time (milliseconds since 1970) are not told. A conversation that was empty when the
    /// feed began holds none, whatever the platform's clock says: it may be behind ours.
    fn floor(&self, anchor: Option<&Anchor>) -> Option<u64> {
        if anchor.is_some_and(|anchor| anchor.tail.is_empty()) {
            return None;
        }
        let first = if self.begun { Backfill::None } else { self.backfill };
        match first {
            Backfill::None => Some(self.joined_at),
            Backfill::Last(time) => Some(self.joined_at.saturating_sub(millis(time))),
            Backfill::All => None,
        }
    }

    fn anchor(&self, room: &str, anchor: Anchor) -> Change {
        Change::Anchor { workspace: self.workspace.clone(), conversation: room.to_owned(), anchor: Some(anchor) }
    }

    fn begun_mark(&self) -> Change {
        let (workspace, line) = (self.workspace.clone(), BEGUN.to_owned());
        Change::Cursor { workspace, line, value: Some("begun".to_owned()) }
    }
}

/// The newest page of every conversation that may be read.
async fn all_newest(reader: &Reader, spec: &adapter::History, mapping: &Mapping) -> Result<Vec<Gathered>, Lost> {
    let rooms = match reader.rooms(spec).await {
        Err(ReadError::Refused { .. }) => Vec::new(),
        rooms => rooms?,
    };
    let reads = rooms.into_iter().map(|(room, _)| reader.newest(spec, room, mapping));
    let mut reads = stream::iter(reads).buffer_unordered(reader.timing.reads.max(1));
    let mut found = Vec::new();
    while let Some(read) = reads.next().await {
        match read {
            Ok(gathered) => found.push(gathered),
            // One that is broken there must not keep the others from being followed: it is told from the join on, once
            // it can be read.
            Err(
                ReadError::Refused { .. }
                | ReadError::Failing { .. }
                | ReadError::Misshapen(_)
                // A name that no path can carry, as `..`: nobody who names a room so may stop the others.
                | ReadError::Session(session::Error::Call(_)),
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Whether an error ends the line, wherever it came up: no other conversation would fare better.
fn ends_all(error: &ReadError) -> bool {
    use session::Error as E;
    matches!(
        error,
        ReadError::Unauthorised
            | ReadError::Session(E::NeedsAction { .. } | E::Left(_) | E::Setup(_) | E::Store(_) | E::Foreign { .. })
    )
}
