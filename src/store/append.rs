//! What touches feed and ids: an event gets its place, or was known already (P2).

use std::borrow::Cow;
use std::sync::Arc;

use redb::{ReadableTable, Table};

use super::fault::Fault;
use super::tables::{self, IdRow, Tally, cost, feed_row, id_key};
use crate::event::{Identity, Lines, NewEvent, Stored, Type, Via, segment};
use crate::failpoint::{Defence, stands};

/// A listed id is written again only when its row is older than this: a poll every minute must not rewrite
/// everything it lists. Milliseconds.
pub const REFRESH: u64 = 24 * 60 * 60 * 1000;

/// Feed and ids within one transaction.
pub struct Feed<'t> {
    events: Table<'t, u64, &'static [u8]>,
    ids: Table<'t, &'static str, &'static [u8]>,
    /// Where the feed stands.
    pub tally: Tally,
    fresh: Vec<Arc<Stored>>,
    trimmed: u64,
    row: Vec<u8>,
}

/// What one transaction did to the feed.
pub struct Appended {
    /// Where the feed stands.
    pub tally: Tally,
    /// What was appended, for memory.
    pub fresh: Vec<Arc<Stored>>,
    /// Events up to here have left.
    pub trimmed: u64,
}

impl<'t> Feed<'t> {
    /// Opens both tables; `now` is the time of everything in this transaction (the feed's time never runs back).
    pub fn open(tx: &'t redb::WriteTransaction, tally: Tally, now: u64) -> Result<Self, Fault> {
        let tally = Tally { at: tally.at.max(now), ..tally };
        let (events, ids) = (tx.open_table(tables::FEED)?, tx.open_table(tables::IDS)?);
        Ok(Self { events, ids, tally, fresh: Vec::new(), trimmed: 0, row: Vec::new() })
    }

    /// Appends an event and remembers its id, unless it is remembered already.
    pub fn append(&mut self, mut event: NewEvent) -> Result<Option<u64>, Fault> {
        let seq = self.tally.head + 1;
        if event.identity != Identity::Sequence {
            let id = id_of(&event.bytes)?.into_owned();
            if !self.remember(&id, seq, &event)? && stands(Defence::Once) {
                return Ok(None);
            }
            self.revise(&id, &event)?;
        }
        event.fill(seq);
        feed_row(self.tally.at, &event, &mut self.row);
        self.events.insert(seq, &self.row[..])?;
        self.tally.head = seq;
        self.tally.bytes += cost(8, self.row.len());
        let at = self.tally.at;
        self.fresh.push(Arc::new(Stored { seq, at, head: event.head, bytes: event.bytes.into() }));
        Ok(Some(seq))
    }

    /// Remembers an event that the feed is not told of; whether it is new. Its place is behind what the feed tells now,
    /// which orders it for those who look for the newest of a conversation.
    pub fn hold_back(&mut self, event: &NewEvent) -> Result<bool, Fault> {
        let id = id_of(&event.bytes)?.into_owned();
        let new = self.remember(&id, self.tally.head, event)?;
        if new {
            self.revise(&id, event)?;
        }
        Ok(new)
    }

    /// Whether the id is new; then it is remembered. One that is known notes a line that saw it for the first time.
    fn remember(&mut self, id: &str, seq: u64, event: &NewEvent) -> Result<bool, Fault> {
        let key = id_key(id);
        let known = self.ids.get(&*key)?.map(|row| IdRow::decode(row.value()).map(|row| row.lines)).transpose()?;
        if let Some(lines) = known.filter(|_| stands(Defence::Once)) {
            if let Some(arrival) = event.arrival.filter(|arrival| !lines.has(arrival.via)) {
                self.sighted(id, arrival.via)?;
            }
            return Ok(false);
        }
        let revision = match &event.identity {
            Identity::Object { revision, .. } => revision.as_str(),
            Identity::Native(_) | Identity::Sequence => "",
        };
        // The key of an object says its conversation (and has three slashes), a native or hashed one does not.
        let conversation = if key.matches('/').count() > 2 { "" } else { &event.head.conversation };
        let deleted = event.head.kind == Type::MessageDeleted;
        let at = self.tally.at;
        let lines = event.arrival.map_or(Lines::default(), |arrival| Lines::default().with(arrival.via));
        let (conversation, revision) = (conversation.into(), revision.into());
        self.put(&key, &IdRow { seq, at, deleted, lines, conversation, revision })?;
        Ok(true)
    }

    /// An edit or a deletion is noted at the object's creation.
    fn revise(&mut self, id: &str, event: &NewEvent) -> Result<(), Fault> {
        let Identity::Object { revision, .. } = &event.identity else { return Ok(()) };
        let creation = event.head.kind.creation();
        if creation == event.head.kind {
            return Ok(());
        }
        let mut parts = id.split('/');
        let (Some(workspace), Some(_), Some(conversation), Some(object)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(());
        };
        let told = format!("{workspace}/{}/{conversation}/{object}", creation.as_str());
        let deleted = event.head.kind == Type::MessageDeleted;
        self.change(&told, |row| {
            row.deleted |= deleted;
            if !deleted {
                row.revision = revision.clone().into();
            }
            true
        })
    }

    /// Another kind of line has seen an event that is known.
    pub fn sighted(&mut self, id: &str, via: Via) -> Result<(), Fault> {
        self.change(id, |row| {
            let new = !row.lines.has(via);
            row.lines = row.lines.with(via);
            new
        })
    }

    /// An object is still listed: its id lives on.
    pub fn listed(&mut self, id: &str) -> Result<(), Fault> {
        let now = self.tally.at;
        self.change(id, |row| {
            let stale = row.at.saturating_add(REFRESH) <= now;
            if stale {
                row.at = now;
            }
            stale
        })
    }

    /// Drops events up to and with `seq`.
    pub fn trim(&mut self, seq: u64) -> Result<(), Fault> {
        let seq = seq.min(self.tally.head);
        loop {
            let due = self.events.first()?.is_some_and(|(oldest, _)| oldest.value() <= seq);
            let Some((_, row)) = due.then(|| self.events.pop_first()).transpose()?.flatten() else { break };
            self.tally.bytes = self.tally.bytes.saturating_sub(cost(8, row.value().len()));
        }
        self.trimmed = self.trimmed.max(seq);
        Ok(())
    }

    /// The oldest sequence still kept; the next one when none is.
    pub fn oldest(&self) -> Result<u64, Fault> {
        Ok(self.events.first()?.map_or(self.tally.head + 1, |(seq, _)| seq.value()))
    }

    /// The first sequence committed at or after `at`; the next one when none is.
    pub fn since(&self, at: u64) -> Result<u64, Fault> {
        since(&self.events, self.tally.head, at)
    }

    /// Forgets an id.
    pub fn forget(&mut self, key: &str) -> Result<(), Fault> {
        if let Some(row) = self.ids.remove(key)? {
            self.tally.bytes = self.tally.bytes.saturating_sub(cost(key.len(), row.value().len()));
        }
        Ok(())
    }

    /// Lets go of both tables, for the commit.
    pub fn finish(self) -> Appended {
        Appended { tally: self.tally, fresh: self.fresh, trimmed: self.trimmed }
    }

    fn change(&mut self, id: &str, alter: impl FnOnce(&mut IdRow<'_>) -> bool) -> Result<(), Fault> {
        let key = id_key(id);
        let Some(old) = self.ids.get(&*key)?.map(|row| row.value().to_vec()) else { return Ok(()) };
        let mut row = IdRow::decode(&old)?;
        if alter(&mut row) { self.put(&key, &row) } else { Ok(()) }
    }

    fn put(&mut self, key: &str, row: &IdRow<'_>) -> Result<(), Fault> {
        let row = row.encode();
        let old = self.ids.insert(key, &row[..])?.map_or(0, |old| cost(key.len(), old.value().len()));
        self.tally.bytes = (self.tally.bytes + cost(key.len(), row.len())).saturating_sub(old);
        Ok(())
    }
}

/// The id of the event by which an object was told.
pub fn object_id(workspace: &str, kind: Type, conversation: &str, object: &str) -> String {
    format!("{workspace}/{}/{}/{}", kind.as_str(), segment(conversation), segment(object))
}

/// Binary search over the feed, which has no holes and whose time never runs back.
pub fn since(feed: &impl ReadableTable<u64, &'static [u8]>, head: u64, at: u64) -> Result<u64, Fault> {
    let (mut low, mut high) = (feed.first()?.map_or(head + 1, |(seq, _)| seq.value()), head + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = feed.get(middle)?.ok_or(Fault::Row("the feed's order"))?;
        if tables::feed_at(row.value())? < at {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The id at the front of a serialised event, mostly without a copy.
fn id_of(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    const FRONT: &[u8] = br#"{"specversion":"1.0","id":"#;
    let wrong = || Fault::Row("an event that was handed in");
    let rest = bytes.strip_prefix(FRONT).ok_or_else(wrong)?;
    let plain = rest.strip_prefix(b"\"").and_then(|text| {
        let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        (text[end] == b'"').then_some(&text[..end])
    });
    if let Some(plain) = plain {
        return std::str::from_utf8(plain).map(Cow::Borrowed).map_err(|_| wrong());
    }
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
    values.next().and_then(Result::ok).map(Cow::Owned).ok_or_else(wrong)
}
