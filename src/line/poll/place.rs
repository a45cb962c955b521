//! Where the line stands in its log, beside the cursor: what is read again, and what must not be told again. Pure.
//!
//! The place is one small row that is committed with the page that changes it, in the same transaction as the cursor.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::session::GOT_AT;
use crate::store::WorkspaceRecord;

/// Pages that are read again at most: an entry that becomes visible late stands among the newest.
pub(super) const PAGES: usize = 10;

/// Which part of the log is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Era {
    /// What was there when the workspace was joined, up to its first end.
    #[default]
    First,
    /// The cursor was refused; nothing of the log has been read since.
    Refused,
    /// The log is read again from its beginning, up to its next end.
    Rescan,
    /// What is new.
    Onward,
}

/// An event that took the seat away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Farewell {
    /// Its id, so that it ends no later seat: a log that is read again still has it.
    pub event: String,
    /// When the session's token was got that the platform gave back with it. A seat with another one is another seat.
    pub token: Option<u64>,
    /// That what was said last cannot be read was told.
    #[serde(default)]
    pub unread: bool,
}

/// What the row holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    /// Which part is being read.
    pub era: Era,
    /// The cursor of a while ago, from which the log is read again; none: from its beginning.
    pub overlap: Option<String>,
    /// The newest time of what was passed over as older than the join, in milliseconds since 1970.
    pub skipped: Option<u64>,
    /// The newest time of what was read.
    pub newest: Option<u64>,
    /// The same when the cursor was refused: what is read again up to here was read before.
    pub told_to: Option<u64>,
    /// The event that took the seat away last.
    pub farewell: Option<Farewell>,
    /// The cursor of a page that could not be read, once that was told; empty for the first page.
    pub stuck: Option<String>,
}

impl Place {
    /// Reads the row. One that is not ours counts as none: what is read again then is known, and not told again.
    pub fn of(row: Option<&str>) -> Self {
        row.and_then(|row| serde_json::from_str(row).ok()).unwrap_or_default()
    }

    /// The row.
    pub fn row(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers always serialise")
    }

    /// An entry of this time was read.
    pub fn read(&mut self, time: Option<u64>) {
        self.newest = self.newest.max(time);
    }

    /// The cursor is refused: the log is read again from its beginning.
    pub fn refused(&mut self) {
        let told_to = self.newest.max(self.told_to);
        *self = Self { era: if self.era == Era::First { Era::First } else { Era::Refused }, told_to, ..self.clone() };
        self.overlap = None;
    }

    /// Whether the seat that this event ended is known to be gone: it may be the seat before this one.
    pub fn ended_by(&self, event: &str) -> bool {
        self.farewell.as_ref().is_some_and(|farewell| farewell.event == event)
    }

    /// Whether the log has told that this seat is gone, and the bridge ended before the seat said so. Without a token
    /// nobody can tell this seat from a later one, and the platform's refusal has to.
    pub fn is_last_word(&self, record: &WorkspaceRecord) -> bool {
        let token = record.facts.get(GOT_AT).and_then(Value::as_u64);
        token.is_some() && self.farewell.as_ref().is_some_and(|farewell| farewell.token == token)
    }

    /// The log was read up to its end.
    pub const fn ended(&mut self) {
        self.era = Era::Onward;
    }
}

/// The cursors of the last pages: the first of them is where the log is read again, so that an entry which becomes
/// visible behind a newer one is found (row 21).
#[derive(Debug)]
pub(super) struct Trail {
    cursors: VecDeque<(Instant, Option<String>)>,
    span: Duration,
}

impl Trail {
    /// A trail that begins at this cursor, and holds those of the last `span`.
    pub fn new(from: Option<String>, span: Duration, now: Instant) -> Self {
        Self { cursors: VecDeque::from([(now, from)]), span }
    }

    /// The line has moved on to this cursor.
    pub fn moved(&mut self, cursor: &str, now: Instant) {
        if self.cursors.back().is_none_or(|(_, last)| last.as_deref() != Some(cursor)) {
            self.cursors.push_back((now, Some(cursor.to_owned())));
        }
        if self.cursors.len() > PAGES {
            self.cursors.pop_front();
        }
    }

    /// Where the log is to be read again; `None`: from its beginning.
    pub fn overlap(&self) -> Option<&str> {
        self.cursors.front().and_then(|(_, cursor)| cursor.as_deref())
    }

    /// The log was read again. Only now cursors go that were left behind longer ago than the span: what becomes visible
    /// until the next such read is found by it, if it is not later than the span.
    pub fn read_again(&mut self, now: Instant) {
        while self.cursors.get(1).is_some_and(|(left, _)| now >= *left + self.span) {
            self.cursors.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_mins(1);

    #[test]
    fn row_21_the_overlap_is_the_cursor_of_a_while_ago_and_never_many_pages_back() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut trail = Trail::new(None, SPAN, start);
        trail.moved("42", at(10));
        trail.read_again(at(69));
        assert_eq!(trail.overlap(), None, "what comes late may stand before the first page's end");
        trail.moved("43", at(75));
        trail.moved("43", at(76));
        trail.read_again(at(134));
        assert_eq!(trail.overlap(), Some("42"), "the beginning was left a minute before, and 42 was not");
        trail.read_again(at(135));
        assert_eq!(trail.overlap(), Some("43"));
        for page in 0..50 {
            trail.moved(&format!("flood {page}"), at(136));
        }
        assert_eq!(trail.overlap(), Some("flood 40"), "{PAGES} pages at most are read again");
    }

    #[test]
    fn a_place_reads_back_and_a_strangers_row_is_none() {
        let farewell = Some(Farewell { event: "acme/workspace.revoked/7".into(), token: Some(3), unread: false });
        let place =
            Place { era: Era::Rescan, overlap: Some("a".into()), newest: Some(5), farewell, ..Place::default() };
        assert_eq!(Place::of(Some(&place.row())), place);
        assert_eq!(Place::of(Some("opaque")), Place::default());
        assert_eq!(Place::of(None).era, Era::First);
    }
}
