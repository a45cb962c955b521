//! Hints wait for a read of the log that began after them, and are answered behind its commits.

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::feed::Hint;
use super::{Poll, SOON};
use crate::event::Draft;
use crate::store::StoreError;

/// Hints that wait at once; beyond them the oldest goes unanswered.
const WAITING: usize = 256;

/// A hint that waits.
#[derive(Debug)]
pub(super) struct Awaited {
    /// The id of the event that it is about, where it says so.
    event: Option<String>,
    /// The read that had begun last when it came.
    round: u64,
    done: oneshot::Sender<()>,
}

impl Poll {
    /// Takes a hint: the log is read at once.
    pub(super) fn hint(&mut self, hint: Hint) {
        let Hint { event, done, .. } = hint;
        self.hints.retain(|waiting| !waiting.done.is_closed());
        if self.hints.len() >= WAITING {
            self.hints.remove(0);
        }
        // What the feed does not get is waited for no longer than until the log is read.
        let event = event.and_then(|body| self.pushed(None, &body)).as_ref().map(Draft::id);
        self.hints.push(Awaited { event, round: self.rounds, done });
        self.want(Instant::now());
    }

    /// A page is committed: who hinted at what stands in it hears so, however long the log goes on behind it.
    pub(super) fn answer_known(&mut self) -> Result<(), StoreError> {
        let ids: Vec<String> = self.hints.iter().map(|hint| hint.event.clone().unwrap_or_default()).collect();
        let mut known = self.store.knows(&ids)?.into_iter();
        for hint in self.hints.extract_if(.., |hint| known.next().unwrap_or(false) && hint.event.is_some()) {
            // Who waits no longer is not missed.
            let _gone = hint.done.send(());
        }
        Ok(())
    }

    /// A read has ended: those who waited for it hear so, but for those whose event is not there yet. `all`: it was
    /// the last one.
    pub(super) fn answer(&mut self, all: bool) -> Result<(), StoreError> {
        let (served, mut later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.hints).into_iter().partition(|hint| all || hint.round < self.rounds);
        let ids: Vec<String> = served.iter().map(|hint| hint.event.clone().unwrap_or_default()).collect();
        let known = self.store.knows(&ids)?;
        for (hint, known) in served.into_iter().zip(known) {
            if all || known || hint.event.is_none() {
                // Who waits no longer is not missed.
                let _gone = hint.done.send(());
            } else if !hint.done.is_closed() {
                later.push(hint);
            }
        }
        if later.iter().any(|hint| hint.round < self.rounds) {
            self.want(Instant::now() + SOON);
        }
        self.hints.extend(later);
        Ok(())
    }
}
