//! Where the line stands: the cursor and the place beside it, as they are committed.

use std::time::Duration;

use tokio::time::Instant;

use super::LINE;
use super::place::{Place, Trail};
use crate::event::WorkspaceName;
use crate::store::{Change, Store, StoreError};

/// The row that is kept beside the cursor.
const PLACE: &str = "poll.place";

/// Where the line stands.
#[derive(Debug)]
pub(super) struct Stand {
    workspace: WorkspaceName,
    span: Duration,
    /// Where the next page begins; none: at the beginning of the log.
    pub cursor: Option<String>,
    /// The rest.
    pub place: Place,
    /// The cursors of the last pages.
    pub trail: Trail,
    /// A commit failed, and the store knows better.
    stale: bool,
}

impl Stand {
    /// As the store has it. What was read within `span` is read again now and then.
    pub fn load(store: &Store, workspace: &WorkspaceName, span: Duration) -> Result<Self, StoreError> {
        let cursor = store.cursor(workspace, LINE)?;
        let place = Place::of(store.cursor(workspace, PLACE)?.as_deref());
        let now = Instant::now();
        let mut trail = Trail::new(place.overlap.clone(), span, now);
        if let Some(cursor) = &cursor {
            trail.moved(cursor, now);
        }
        Ok(Self { workspace: workspace.clone(), span, cursor, place, trail, stale: false })
    }

    /// The store knows better from now on.
    pub const fn is_stale(&mut self) {
        self.stale = true;
    }

    /// Reads it again where a commit failed.
    pub fn refresh(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.stale {
            *self = Self::load(store, &self.workspace, self.span)?;
        }
        Ok(())
    }

    /// The changes that lead to this cursor and place: none where the store has both.
    pub fn changes(&self, cursor: Option<&str>, place: &Place) -> Vec<Change> {
        let row =
            |line: &str, value| Change::Cursor { workspace: self.workspace.clone(), line: line.to_owned(), value };
        let moved = (cursor != self.cursor.as_deref()).then(|| row(LINE, cursor.map(str::to_owned)));
        let changed = (*place != self.place).then(|| row(PLACE, Some(place.row())));
        moved.into_iter().chain(changed).collect()
    }

    /// They are committed.
    pub fn committed(&mut self, cursor: Option<String>, place: Place) {
        (self.cursor, self.place, self.stale) = (cursor, place, false);
    }

    /// The overlap is no cursor any more: what is new from now on is read again, and nothing before it.
    pub fn forget_overlap(&mut self) {
        self.trail = Trail::new(self.cursor.clone(), self.span, Instant::now());
    }

    /// The log is read from its beginning.
    pub fn restart(&mut self) {
        self.trail = Trail::new(None, self.span, Instant::now());
    }
}
