//! Decides what a conversation's history means: how far to page back, and which events follow from what was found.
//!
//! Pure. A [`Walk`] gathers pages from the newest message back to the anchor; [`decide`] compares what it gathered
//! with the anchor's tail and with what the store knows. Order is the platform's order of the pages; times only bound
//! a walk, they never identify a message.

mod decide;

use std::collections::HashSet;

use crate::store::Anchor;

pub use decide::{Plan, Step, anchor_at, decide};

/// Messages an anchor remembers (P2: the newest 200 ids of a conversation are never forgotten).
pub const TAIL: usize = 200;

/// Before the hash that stands for the id of a message that cannot be read.
pub const UNREAD: char = '?';

/// What the history says of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The platform's id.
    pub id: String,
    /// Its version or edit time, else a hash of its content.
    pub revision: String,
    /// The hash of its content, which is the revision of a message that a stream told without one.
    pub digest: Option<String>,
    /// When it was written by the platform's clock, milliseconds since 1970, where it says so.
    pub at: Option<u64>,
    /// Its size in bytes, for the bound.
    pub size: usize,
}

/// How far a walk may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages gathered in one walk.
    pub messages: usize,
    /// Pages read in one walk.
    pub pages: usize,
    /// Bytes of messages gathered in one walk.
    pub bytes: usize,
}

impl Default for Bounds {
    /// 10,000 messages, 200 pages or 64 MiB: what an agent that was away can still be expected to read.
    fn default() -> Self {
        Self { messages: 10_000, pages: 200, bytes: 64 << 20 }
    }
}

/// Where a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At a message of the anchor's tail: the range is whole.
    Anchor,
    /// At a message from before the time that is told.
    Floor,
    /// At the conversation's first message.
    Start,
    /// At a bound: older messages were not read.
    Bound,
    /// The platform answered the same page again: older messages cannot be read.
    Repeats,
    /// A message is larger than any answer may be: it and older ones cannot be read.
    TooLarge,
}

impl End {
    /// Whether messages may lie between the anchor and the oldest message found.
    pub const fn leaves_a_hole(self) -> bool {
        matches!(self, Self::Bound | Self::Repeats | Self::TooLarge)
    }
}

/// What to do after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read the page of messages older than this one.
    Before(String),
    /// Enough.
    Done(End),
}

/// One walk through one conversation, newest to oldest.
#[derive(Debug)]
pub struct Walk {
    bounds: Bounds,
    tail: HashSet<String>,
    floor: Option<u64>,
    found: Vec<Seen>,
    ids: HashSet<String>,
    pages: usize,
    bytes: usize,
    promised: bool,
    retreats: usize,
}

/// Where the message that a page was asked before is deleted meanwhile, some platforms answer with nothing: the page is
/// asked again before the one that was next to it, at most so often.
const RETREATS: usize = 3;

impl Walk {
    /// A walk down to `anchor`, and in no case past `floor` (milliseconds since 1970).
    pub fn new(anchor: Option<&Anchor>, floor: Option<u64>, bounds: Bounds) -> Self {
        let tail = anchor.map(|anchor| anchor.tail.iter().map(|(id, _)| id.clone()).collect()).unwrap_or_default();
        Self {
            bounds,
            tail,
            floor: floor_of(anchor, floor),
            found: Vec::new(),
            ids: HashSet::new(),
            pages: 0,
            bytes: 0,
            promised: false,
            retreats: 0,
        }
    }

    /// Takes a page, newest message first. `more` is what the platform says about older ones; `None` if it says nothing.
    /// Answers which of the page's messages were new to this walk, by position, and what to do.
    pub fn take(&mut self, page: Vec<Seen>, more: Option<bool>) -> (Vec<bool>, Next) {
        self.pages += 1;
        let empty = page.is_empty();
        if empty && std::mem::take(&mut self.promised) {
            return (Vec::new(), self.retreat());
        }
        self.promised = more == Some(true);
        let (mut fresh, mut end) = (Vec::with_capacity(page.len()), None);
        for seen in page {
            let new = self.ids.insert(seen.id.clone());
            fresh.push(new);
            if new {
                end = end.or_else(|| self.end_at(&seen));
                self.bytes += seen.size;
                self.found.push(seen);
            }
        }
        let next = end.or_else(|| self.end_after(empty, fresh.contains(&true), more));
        let oldest = self.found.last().map(|seen| seen.id.clone());
        (fresh, next.map_or_else(|| oldest.map_or(Next::Done(End::Start), Next::Before), Next::Done))
    }

    fn retreat(&mut self) -> Next {
        self.retreats += 1;
        self.promised = self.retreats < RETREATS;
        let next = self.found.iter().rev().nth(self.retreats);
        next.map_or(Next::Done(End::Repeats), |seen| Next::Before(seen.id.clone()))
    }

    /// What was found, oldest first.
    pub fn finish(mut self) -> Vec<Seen> {
        self.found.reverse();
        self.found
    }

    fn end_at(&self, seen: &Seen) -> Option<End> {
        if self.tail.contains(&seen.id) {
            return Some(End::Anchor);
        }
        is_below(seen.at, self.floor).then_some(End::Floor)
    }

    fn end_after(&self, empty: bool, fresh: bool, more: Option<bool>) -> Option<End> {
        if empty || more == Some(false) {
            return Some(End::Start);
        }
        if !fresh {
            return Some(End::Repeats);
        }
        let bound = self.found.len() >= self.bounds.messages
            || self.pages >= self.bounds.pages
            || self.bytes >= self.bounds.bytes;
        bound.then_some(End::Bound)
    }
}

/// In a conversation that was seen empty all that is found is newer, whatever the platform's clock says.
pub(super) fn floor_of(anchor: Option<&Anchor>, floor: Option<u64>) -> Option<u64> {
    floor.filter(|_| anchor.is_none_or(|anchor| !anchor.tail.is_empty()))
}

/// Whether a message is from before `floor`. Platforms that tell whole seconds are given the benefit of theirs.
pub(super) fn is_below(at: Option<u64>, floor: Option<u64>) -> bool {
    let (Some(at), Some(floor)) = (at, floor) else { return false };
    if at.is_multiple_of(1_000) { at < floor - floor % 1_000 } else { at < floor }
}

#[cfg(test)]
mod tests;
