//! From where on a workspace's conversations are told: the anchors of the join, and its time by the platform's clock.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use super::{BEGUN, History, Lost};
use crate::clock::millis;
use crate::line::read::{Gathered, Place, ReadError, Reader};
use crate::line::timing::Backfill;
use crate::line::walk;
use crate::normalise::Mapping;
use crate::session;
use crate::store::{Anchor, Batch, Change};

impl History {
    /// Commits an anchor at the newest message of each existing conversation, once in a workspace's life and before
    /// its first stream opens. With a backfill there is nothing to do: the first walk tells what is older.
    pub async fn begin(&mut self, mapping: &Mapping) -> Result<(), Lost> {
        if self.begun || self.backfill != Backfill::None {
            return Ok(());
        }
        let (reader, spec) = (Arc::clone(&self.reader), Arc::clone(&self.spec));
        let rooms = match self.list_all(mapping).await {
            // Nothing is missed: what is said from the join on is told whenever it can be read.
            Err(error @ Lost::Read(ReadError::NotReady(_))) => {
                self.begin_bare().await?;
                return Err(error);
            }
            rooms => rooms?,
        };
        let places = rooms.iter().map(|(room, _)| {
            let of = &spec.rooms[self.lists.of(room)];
            Place { history: &spec, of, room, mapping, anchor: None }
        });
        let found = all_newest(&reader, places.collect()).await?;
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
        self.has_begun_now();
        Ok(())
    }

    /// Begins without an anchor: there is nothing to read yet, and what is said from the join on will be told.
    pub async fn begin_bare(&mut self) -> Result<(), Lost> {
        if !self.begun {
            self.store.commit(Batch::intake().with(self.begun_mark())).await?;
            self.has_begun_now();
        }
        Ok(())
    }

    /// It is known from where on things are told: reading may begin.
    pub fn has_begun(&self) -> bool {
        self.begun || self.backfill != Backfill::None
    }

    /// Messages from before this time (milliseconds since 1970) are not told. A conversation that was empty when the
    /// feed began holds none, whatever the platform's clock says: it may be behind ours.
    pub(super) fn floor(&self, anchor: Option<&Anchor>) -> Option<u64> {
        if anchor.is_some_and(|anchor| anchor.tail.is_empty()) {
            return None;
        }
        let first = if self.begun { Backfill::None } else { self.backfill };
        match first {
            Backfill::None => Some(self.joined_at()),
            Backfill::Last(time) => Some(self.joined_at().saturating_sub(millis(time))),
            Backfill::All => None,
        }
    }

    pub(super) fn begun_mark(&self) -> Change {
        let (workspace, line) = (self.workspace.clone(), BEGUN.to_owned());
        Change::Cursor { workspace, line, value: Some(self.joined_at().to_string()) }
    }

    /// The mark is committed.
    pub(super) fn has_begun_now(&mut self) {
        (self.began_at, self.begun) = (Some(self.joined_at()), true);
    }

    /// When the workspace was joined, by the platform's clock, which stamps its messages: in milliseconds since 1970.
    pub(super) fn joined_at(&self) -> u64 {
        self.began_at.unwrap_or_else(|| self.reader.by_their_clock(self.joined_at))
    }
}

/// The newest page of every conversation that may be read.
async fn all_newest(reader: &Reader, places: Vec<Place<'_>>) -> Result<Vec<Gathered>, Lost> {
    let reads: Vec<_> = places.iter().map(|place| reader.newest(place)).collect();
    let mut reads = stream::iter(reads).buffer_unordered(reader.timing.reads.max(1));
    let mut found = Vec::new();
    while let Some(read) = reads.next().await {
        match read {
            Ok(gathered) => found.push(gathered),
            // One that is broken there must not keep the others from being followed: it is told from the join on, once
            // it can be read.
            Err(error) if error.is_too_large() => {}
            Err(
                ReadError::Refused { .. }
                | ReadError::Failing { .. }
                | ReadError::Misshapen(_)
                | ReadError::Unfound { .. }
                // A name that no path can carry, as `..`: nobody who names a room so may stop the others.
                | ReadError::Session(session::Error::Call(_)),
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}
