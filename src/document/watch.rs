//! What a document said before others changed it: read in the moment before they do, so that nobody has to keep a second
//! copy of a document in which nothing happens.

use std::ops::Range;

use yrs::{ClientID, ReadTxn};

use super::{Document, DocumentError};

/// Whether somebody wants to know.
#[derive(Debug, Default)]
pub(super) struct Watch {
    on: bool,
    before: Option<String>,
    /// How often the document was read from end to end.
    pub(super) readings: u64,
}

impl Document {
    /// From here on what it says is kept when something from outside is about to change it.
    pub fn watch(&mut self) {
        (self.watch.on, self.watch.before) = (true, None);
    }

    /// What it said before the first change from outside since it is watched; `None` where nothing came. The watch ends.
    pub fn unwatch(&mut self) -> Option<String> {
        self.watch.on = false;
        self.watch.before.take()
    }

    /// How often it was read from end to end: what an edit costs in a long document.
    pub const fn readings(&self) -> u64 {
        self.watch.readings
    }

    pub(super) fn about_to_change(&mut self) -> Result<(), DocumentError> {
        if self.watch.on && self.watch.before.is_none() {
            self.watch.before = Some(self.read()?.text());
        }
        Ok(())
    }

    /// Whether all of this was deleted before: each answer of a server holds every deletion that there ever was.
    pub(super) fn are_gone(&mut self, deletes: &[(u64, Range<u32>)]) -> Result<bool, DocumentError> {
        if deletes.is_empty() {
            return Ok(true);
        }
        self.look(|txn| {
            let gone = txn.snapshot().delete_set;
            let mut of = (None, Vec::new());
            deletes.iter().all(|(client, range)| {
                // They come client by client.
                if of.0 != Some(*client) {
                    let id = ClientID::new(*client);
                    let ranges = gone.iter().find(|(gone, _)| **gone == id).map(|(_, ranges)| ranges);
                    of = (Some(*client), ranges.into_iter().flatten().cloned().collect::<Vec<_>>());
                }
                covered(&of.1, range)
            })
        })
    }
}

/// Whether a range lies within one of these, which ascend and do not touch each other.
fn covered(ranges: &[Range<u32>], range: &Range<u32>) -> bool {
    let after = ranges.partition_point(|it| it.start <= range.start);
    after.checked_sub(1).is_some_and(|at| ranges[at].end >= range.end)
}
