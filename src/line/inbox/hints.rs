//! Hints wait for a read of the lists that began after them, and are answered behind its commits.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{APART, Inbox, LIVELY};
use crate::line::poll::feed::Hint;
use crate::store::StoreError;

/// Hints that wait at once; beyond them the oldest goes unanswered.
const WAITING: usize = 256;
/// A list that does not yet show what a hint has told is read again after this.
const SOON: Duration = Duration::from_secs(1);

/// A hint that waits.
#[derive(Debug)]
pub(super) struct Awaited {
    /// The id of the event that it is about, where it says so.
    event: Option<String>,
    /// The reads that had begun when it came.
    round: u64,
    done: oneshot::Sender<()>,
}

impl Inbox {
    /// Somebody says that something is new: the lists are read at once.
    pub(super) fn hint(&mut self, hint: Hint) {
        self.awaited.retain(|waiting| !waiting.done.is_closed());
        if self.awaited.len() >= WAITING {
            self.awaited.remove(0);
        }
        let event = hint.item.map(|item| self.shaper.waiting_id(&item.object, &item.list));
        self.awaited.push(Awaited { event, round: self.rounds, done: hint.done });
        self.soon();
    }

    /// Something happens here: the lists are read at once, and often for a while.
    pub(super) fn soon(&mut self) {
        self.lively_until = Instant::now() + LIVELY;
        self.next = self.next.min(self.began + APART).max(Instant::now());
    }

    /// A read has ended: those who waited for it hear so, but for those whose item does not wait in its list yet (a
    /// person may still be writing it). They are read for again for as long as somebody waits for the answer.
    pub(super) fn answer(&mut self) -> Result<(), StoreError> {
        let (served, mut later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.awaited).into_iter().partition(|hint| hint.round < self.rounds);
        let ids: Vec<String> = served.iter().map(|hint| hint.event.clone().unwrap_or_default()).collect();
        for (hint, known) in served.into_iter().zip(self.store.knows(&ids)?) {
            if known || hint.event.is_none() {
                // Who waits no longer is not missed.
                let _gone = hint.done.send(());
            } else if !hint.done.is_closed() {
                later.push(hint);
            }
        }
        if later.iter().any(|hint| hint.round < self.rounds) {
            self.next = self.next.min(Instant::now() + SOON);
        }
        self.awaited.extend(later);
        Ok(())
    }
}
