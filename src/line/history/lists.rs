//! The lists of conversations: those that are read again and again, those that are read by a clock of their own, because
//! reading them changes something there, and those that are kept here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{History, Read};
use crate::adapter::{self, Remembered, Source, kept};
use crate::line::read::{Listed, ReadError, Reader};
use crate::line::schedule::jittered;
use crate::normalise::{Mapping, Room};
use crate::store::{Batch, Change, StoreError};

/// After a failure a list with a clock of its own is read again no sooner.
const AGAIN: Duration = Duration::from_mins(1);

/// What one list has told.
#[derive(Debug)]
pub struct Told {
    /// Which, by its place in the manifest.
    of: usize,
    rooms: Result<Vec<Listed>, ReadError>,
}

/// A list with a clock of its own.
#[derive(Debug)]
struct Turn {
    every: Duration,
    due: Instant,
    reading: bool,
}

/// All lists of a workspace.
#[derive(Debug)]
pub(super) struct Lists {
    /// By the list's place in the manifest: what it has told last.
    told: BTreeMap<usize, Vec<(String, Room)>>,
    seldom: BTreeMap<usize, Turn>,
    remembered: Remembered,
    /// The list that a conversation is of.
    of: HashMap<String, usize>,
    /// What changes with every message, where a list tells it.
    moved: HashMap<String, String>,
    /// Lists that cannot be read, and why.
    pub unread: BTreeMap<usize, String>,
}

impl Lists {
    /// With what is remembered of lists that are read seldom: they keep their clock across restarts. `wall` is `now`
    /// in milliseconds since 1970.
    pub fn new(spec: &adapter::History, remembered: Remembered, wall: u64, now: Instant) -> Self {
        let (mut told, mut seldom) = (BTreeMap::new(), BTreeMap::new());
        for (of, rooms) in spec.rooms.iter().enumerate() {
            let (Some(every), Some(call)) = (rooms.every, rooms.call()) else { continue };
            let mut due = now;
            if let Some(last) = remembered.told(call) {
                // A clock that was set back since must not put it off for long.
                let age = Duration::from_millis(wall.saturating_sub(last.at));
                due = now + every.0.saturating_sub(age);
                let kind = rooms.held(&serde_json::Value::Null);
                let room = |(id, title): &(String, Option<String>)| (id.clone(), Room { kind, title: title.clone() });
                told.insert(of, last.rooms.iter().map(room).collect());
            }
            seldom.insert(of, Turn { every: every.0, due, reading: false });
        }
        Self { told, seldom, remembered, of: HashMap::new(), moved: HashMap::new(), unread: BTreeMap::new() }
    }

    /// The list that a conversation is of.
    pub fn of(&self, room: &str) -> usize {
        self.of.get(room).copied().unwrap_or(0)
    }

    /// When the next list with a clock of its own is due.
    pub fn due(&self) -> Option<Instant> {
        self.seldom.values().filter(|turn| !turn.reading).map(|turn| turn.due).min()
    }

    /// A list has told these; answers where something was said since it was read before.
    fn note(&mut self, of: usize, listed: Vec<Listed>) -> Vec<String> {
        let mut moved = Vec::new();
        let mut rooms = Vec::with_capacity(listed.len());
        for Listed { id, room, moved: mark } in listed {
            if let Some(mark) = mark
                && self.moved.insert(id.clone(), mark.clone()).is_some_and(|before| before != mark)
            {
                moved.push(id.clone());
            }
            rooms.push((id, room));
        }
        self.unread.remove(&of);
        self.told.insert(of, rooms);
        moved
    }

    /// Every conversation that any list has, once, in the order of the manifest.
    fn all(&mut self, spec: &adapter::History, facts: &BTreeMap<String, serde_json::Value>) -> Vec<(String, Room)> {
        for (of, rooms) in spec.rooms.iter().enumerate() {
            if let Source::Kept(names) = &rooms.from {
                let room = |id| (id, Room { kind: rooms.held(&serde_json::Value::Null), title: None });
                self.told.insert(of, kept(names, facts).map(room).collect());
            }
        }
        let mut all: Vec<(String, Room)> = Vec::new();
        self.of.clear();
        for (of, rooms) in &self.told {
            for (id, room) in rooms {
                if !self.of.contains_key(id) {
                    self.of.insert(id.clone(), *of);
                    all.push((id.clone(), room.clone()));
                }
            }
        }
        let of = &self.of;
        self.moved.retain(|id, _| of.contains_key(id));
        all
    }
}

/// Reads the lists that have no clock of their own, one behind the other.
pub(super) async fn often(reader: &Reader, spec: &adapter::History, mapping: &Mapping) -> Result<Vec<Told>, ReadError> {
    let mut told = Vec::new();
    for (of, rooms) in spec.rooms.iter().enumerate().filter(|(_, rooms)| rooms.every.is_none()) {
        let rooms = match reader.listed(spec, rooms, mapping).await {
            // One that is refused, or cannot be read, is its own affair.
            Err(error @ (ReadError::Refused { .. } | ReadError::Unfound { .. })) => Err(error),
            rooms => Ok(rooms?),
        };
        told.push(Told { of, rooms });
    }
    Ok(told)
}

impl History {
    /// Starts what is due of the lists that have a clock of their own.
    pub(super) fn start_seldom(&mut self, mapping: &Arc<Mapping>, now: Instant) {
        for (of, turn) in &mut self.lists.seldom {
            if turn.reading || turn.due > now {
                continue;
            }
            turn.reading = true;
            let (of, mapping) = (*of, Arc::clone(mapping));
            let (reader, spec) = (Arc::clone(&self.reader), Arc::clone(&self.spec));
            let read = async move { Told { of, rooms: reader.listed(&spec, &spec.rooms[of], &mapping).await } };
            self.running.push(async move { Read::Seldom(read.await) }.boxed());
        }
    }

    /// A list with a clock of its own was read: what it told is kept, for it is not asked again soon.
    pub(super) async fn seldom(&mut self, told: Told, now: Instant) -> Result<Option<ReadError>, StoreError> {
        let Told { of, rooms } = told;
        let Some(turn) = self.lists.seldom.get_mut(&of) else { return Ok(None) };
        turn.reading = false;
        match rooms {
            Ok(listed) => {
                turn.due = now + jittered(turn.every, 0.5);
                self.keep_list(of, listed).await?;
                Ok(None)
            }
            Err(error) => {
                turn.due = now + turn.every.min(AGAIN);
                self.unread_list(of, &error);
                Ok(Some(error))
            }
        }
    }

    async fn keep_list(&mut self, of: usize, listed: Vec<Listed>) -> Result<(), StoreError> {
        let Some(call) = self.spec.rooms[of].call() else { return Ok(()) };
        if let (Some(fact), Some(first)) = (&self.spec.rooms[of].main, listed.first()) {
            self.reader.session.keep_main(fact, &first.id).await?;
        }
        let rooms = listed.iter().map(|it| (it.id.clone(), it.room.title.clone())).collect();
        self.lists.remembered.note(call, adapter::Told { at: self.reader.clock.now(), rooms });
        self.lists.note(of, listed);
        let value = Some(self.lists.remembered.row());
        let (workspace, line) = (self.workspace.clone(), Remembered::ROW.to_owned());
        self.store.commit(Batch::intake().with(Change::Cursor { workspace, line, value })).await.map(drop)
    }

    /// A list cannot be read: that is said once, and what it told last still counts.
    pub(super) fn unread_list(&mut self, of: usize, error: &ReadError) {
        let why = error.to_string();
        if self.lists.unread.get(&of) != Some(&why) {
            tracing::warn!(workspace = %self.workspace, list = of, %why, "a list of conversations cannot be read");
            self.lists.unread.insert(of, why);
        }
    }

    /// Takes what the lists told into account; answers all conversations there are, and where something was said.
    pub(super) fn told(&mut self, told: Vec<Told>) -> (Vec<(String, Room)>, Vec<String>) {
        let mut moved = Vec::new();
        for Told { of, rooms } in told {
            match rooms {
                Ok(listed) => moved.extend(self.lists.note(of, listed)),
                Err(error) => self.unread_list(of, &error),
            }
        }
        let facts = self.reader.session.record().facts;
        (self.lists.all(&self.spec, &facts), moved)
    }

    /// The lists are read soon, but not within `apart` of the last time.
    pub fn list_soon(&mut self, apart: Duration) {
        self.schedule.list_soon(apart, Instant::now());
    }

    /// Every list is due, those with a clock of their own among them: something begins that all of them are about.
    pub fn list_at_once(&mut self) {
        let now = Instant::now();
        self.schedule.list_soon(Duration::ZERO, now);
        self.lists.seldom.values_mut().for_each(|turn| turn.due = turn.due.min(now));
    }

    /// Whether the platform lists any conversation of the agent's own.
    pub fn is_listed(&self) -> bool {
        let asked = |of: &usize| self.spec.rooms[*of].call().is_some();
        self.lists.told.iter().any(|(of, rooms)| asked(of) && !rooms.is_empty())
    }

    /// Every conversation was looked at since the line was opened.
    pub fn is_current(&self) -> bool {
        self.listed && self.schedule.all(|id| self.walked.get(id) == Some(&self.connects))
    }

    /// Reads every list once, those with a clock of their own among them, where that is due.
    pub async fn list_all(&mut self, mapping: &Mapping) -> Result<Vec<(String, Room)>, super::Lost> {
        let (reader, spec) = (Arc::clone(&self.reader), Arc::clone(&self.spec));
        let told = often(&reader, &spec, mapping).await?;
        let now = Instant::now();
        let due: Vec<usize> = self.lists.seldom.iter().filter(|(_, turn)| turn.due <= now).map(|(of, _)| *of).collect();
        for of in due {
            let rooms = reader.listed(&spec, &spec.rooms[of], mapping).await;
            match self.seldom(Told { of, rooms }, now).await? {
                Some(error) if super::ends_all(&error) => return Err(error.into()),
                _ => {}
            }
        }
        Ok(self.told(told).0)
    }
}
