//! What the handle reads of feed and ids: each call one short transaction, or none where memory has it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use redb::{ReadableTable, ReadableTableMetadata};

use super::Store;
use super::append::{object_id, since};
use super::fault::{Fault, StoreError};
use super::record::{Known, Snapshot};
use super::shared::reading;
use super::tables::{self, IdRow, feed_at, feed_event, id_key};
use crate::event::{Stored, Type, WorkspaceName};
use crate::failpoint::{Defence, stands};

/// The newest message of a conversation, as far as one looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Newest {
    /// This one.
    Is(String),
    /// None was told there.
    None,
    /// It may lie further back.
    Beyond,
}

/// The object of a message's event, unless it came late: then it is older than its place says.
fn timely_message(event: &[u8]) -> Option<String> {
    let event: serde_json::Value = serde_json::from_slice(event).ok()?;
    let data = &event["data"];
    if data["late"] == true {
        return None;
    }
    data["message"]["id"].as_str().map(str::to_owned)
}

impl Store {
    /// Events behind `after`, in order, at most `count` and about `bytes` (one event at least). Fed from memory where
    /// recent enough.
    pub fn read(&self, after: u64, count: usize, bytes: usize) -> Result<Vec<Arc<Stored>>, StoreError> {
        if after >= *self.shared.head.borrow() {
            return Ok(Vec::new());
        }
        if let Some(recent) = reading(&self.shared.ring).read(after, count, bytes) {
            return Ok(recent);
        }
        self.shared.look(|tx| {
            let feed = tx.open_table(tables::FEED)?;
            let mut read = Vec::new();
            let mut left = bytes;
            for entry in feed.range(after + 1..)?.take(count) {
                let (seq, row) = entry?;
                let event = feed_event(seq.value(), row.value())?;
                if !read.is_empty() && event.bytes.len() > left {
                    break;
                }
                left = left.saturating_sub(event.bytes.len());
                read.push(Arc::new(event));
            }
            Ok(read)
        })
    }

    /// One event.
    pub fn event(&self, seq: u64) -> Result<Option<Arc<Stored>>, StoreError> {
        let before = seq.checked_sub(1);
        let recent = before.and_then(|before| reading(&self.shared.ring).read(before, 1, 0));
        if let Some(recent) = recent {
            return Ok(recent.into_iter().next());
        }
        self.shared.look(|tx| {
            let feed = tx.open_table(tables::FEED)?;
            let row = feed.get(seq)?;
            row.map(|row| feed_event(seq, row.value()).map(Arc::new)).transpose()
        })
    }

    /// These events, in the order asked; `None` for what is not in the feed.
    pub fn events(&self, seqs: &[u64]) -> Result<Vec<Option<Arc<Stored>>>, StoreError> {
        self.shared.look(|tx| {
            let feed = tx.open_table(tables::FEED)?;
            let read = |seq: &u64| {
                let row = feed.get(*seq)?;
                row.map(|row| feed_event(*seq, row.value()).map(Arc::new)).transpose()
            };
            seqs.iter().map(read).collect()
        })
    }

    /// Up to which sequence the oldest events must go so that at least `bytes` are freed, as [`Store::size`] counts
    /// them, and what that frees; looks at `count` events behind `after` at most.
    pub fn weigh(&self, after: u64, count: usize, bytes: u64) -> Result<(u64, u64), StoreError> {
        self.shared.look(|tx| {
            let (mut upto, mut freed) = (after, 0);
            for entry in tx.open_table(tables::FEED)?.range(after.saturating_add(1)..)?.take(count) {
                let (seq, row) = entry?;
                (upto, freed) = (seq.value(), freed + tables::cost(8, row.value().len()));
                if freed >= bytes {
                    break;
                }
            }
            Ok((upto, freed))
        })
    }

    /// The sequence of an event id, while it is remembered; what the bridge itself observed, while it is in the feed.
    pub fn find(&self, id: &str) -> Result<Option<u64>, StoreError> {
        let told = self.shared.look(|tx| {
            let ids = tx.open_table(tables::IDS)?;
            let row = ids.get(&*id_key(id))?;
            row.map(|row| IdRow::decode(row.value()).map(|row| row.seq)).transpose()
        })?;
        if let Some(seq) = told {
            // Another event stands at the place of one that was held back.
            let other = self.event(seq)?.is_some_and(|event| event.id() != id);
            return Ok((!other && seq > 0).then_some(seq));
        }
        let Some(seq) = id.rsplit('/').next().and_then(|digits| digits.parse().ok()) else { return Ok(None) };
        Ok(self.event(seq)?.filter(|event| event.id() == id).map(|_| seq))
    }

    /// The oldest sequence still kept; `head + 1` when none is.
    pub fn oldest(&self) -> Result<u64, StoreError> {
        let head = *self.shared.head.borrow();
        self.shared.look(|tx| Ok(tx.open_table(tables::FEED)?.first()?.map_or(head + 1, |(seq, _)| seq.value())))
    }

    /// The first sequence committed at or after `at` (milliseconds since 1970); `head + 1` when none is.
    pub fn since(&self, at: u64) -> Result<u64, StoreError> {
        let head = *self.shared.head.borrow();
        self.shared.look(|tx| since(&tx.open_table(tables::FEED)?, head, at))
    }

    /// What is known of objects of one conversation, in the order asked. `creation` is the type they were told under.
    pub fn known(
        &self,
        workspace: &WorkspaceName,
        creation: Type,
        conversation: &str,
        objects: &[&str],
    ) -> Result<Vec<Option<Known>>, StoreError> {
        self.shared.look(|tx| {
            let ids = tx.open_table(tables::IDS)?;
            let mut known = Vec::with_capacity(objects.len());
            for object in objects {
                let id = object_id(workspace.as_str(), creation, conversation, object);
                let Some(row) = ids.get(&*id_key(&id))? else {
                    known.push(None);
                    continue;
                };
                let IdRow { seq, deleted, lines, revision, .. } = IdRow::decode(row.value())?;
                known.push(Some(Known { seq, revision: revision.into_owned(), deleted, lines }));
            }
            Ok(known)
        })
    }

    /// Which of these ids of events are known, in the order asked.
    pub fn knows(&self, ids: &[String]) -> Result<Vec<bool>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.shared.look(|tx| {
            let known = tx.open_table(tables::IDS)?;
            ids.iter().map(|id| Ok(known.get(&*id_key(id))?.is_some() && stands(Defence::Once))).collect()
        })
    }

    /// The newest message told of a conversation, among those behind `after`; looks at no more than `within` events,
    /// from the newest on.
    pub fn newest_message(
        &self,
        workspace: &WorkspaceName,
        conversation: &str,
        after: u64,
        within: usize,
    ) -> Result<Newest, StoreError> {
        self.shared.look(|tx| {
            let feed = tx.open_table(tables::FEED)?;
            for (looked, entry) in feed.range(after + 1..)?.rev().enumerate() {
                if looked == within {
                    return Ok(Newest::Beyond);
                }
                let (seq, row) = entry?;
                let event = feed_event(seq.value(), row.value())?;
                let there = event.head.workspace == *workspace && event.head.conversation == conversation;
                if there
                    && event.head.kind == Type::MessageCreated
                    && let Some(id) = timely_message(&event.bytes)
                {
                    return Ok(Newest::Is(id));
                }
            }
            Ok(Newest::None)
        })
    }

    /// What stands in the store, for status and metrics.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let head = *self.shared.head.borrow();
        self.shared.look(|tx| {
            let feed = tx.open_table(tables::FEED)?;
            let first = feed.first()?.map(|(seq, row)| Ok::<_, Fault>((seq.value(), feed_at(row.value())?)));
            let first = first.transpose()?;
            Ok(Snapshot {
                events: feed.len()?,
                oldest: first.map_or(head + 1, |(seq, _)| seq),
                oldest_at: first.map(|(_, at)| at),
                newest: head,
                ids: tx.open_table(tables::IDS)?.len()?,
                outbox: tx.open_table(tables::OUTBOX)?.len()?,
                dead: tx.open_table(tables::DEAD)?.len()?,
                bytes: self.shared.bytes.load(Ordering::Relaxed),
                budget: self.shared.budget,
            })
        })
    }
}
