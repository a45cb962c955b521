//! How often and how long one action is tried.

use std::time::Duration;

use tokio::time::Instant;

use super::Limits;
use crate::action::Action;
use crate::retry::Backoff;

/// The growing waits of one action, and when they end.
pub struct Patience {
    /// Between two tries, where nobody says how long.
    pub backoff: Backoff,
    /// When retrying ends: on the monotonic clock, so that a wall clock that jumps a day ends nothing early.
    pub until: Instant,
    uploads: u32,
    reads: u32,
}

/// How often an upload is done again that got lost: a storage that fails this very file would fail it for ever.
const UPLOADS: u32 = 10;
/// How often a read is done again that the platform refuses: over some 13 minutes. Who was put out of a conversation may
/// not read it for ever, and what comes behind waits.
const READS: u32 = 10;

impl Patience {
    /// What is left of it `now` (milliseconds since 1970).
    pub fn new(action: &Action, limits: Limits, now: u64) -> Self {
        let since = Duration::from_millis(now.saturating_sub(action.accepted_at));
        let backoff = Backoff::new(limits.first_wait, limits.longest_wait);
        Self { backoff, until: Instant::now() + limits.give_up.saturating_sub(since), uploads: 0, reads: 0 }
    }

    /// An upload was lost: whether it is done once more.
    pub const fn spares_an_upload(&mut self) -> bool {
        self.uploads += 1;
        self.uploads <= UPLOADS
    }

    /// A read was refused: whether it is done once more.
    pub const fn spares_a_read(&mut self) -> bool {
        self.reads += 1;
        self.reads <= READS
    }

    /// The time for retrying has ended.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}
