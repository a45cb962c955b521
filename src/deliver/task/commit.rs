//! Commits under way: a batch is sent, the task goes on, and what follows from it is done when it is durable.

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{IDLE_MARK, Task};
use crate::deliver::lanes::Missed;
use crate::store::{Batch, Change, Committed, StoreError};

/// What a finished commit means to the task itself.
pub(super) enum Done {
    Answered,
    Removed,
}

/// A commit that has returned.
pub(super) struct Committing {
    done: Done,
    /// The mark that is durable now.
    mark: u64,
    /// The gap that was told with it, and where it stands.
    gap: Option<(u64, Missed)>,
}

pub(super) type Commit = BoxFuture<'static, Result<Committing, StoreError>>;

impl Task {
    pub(super) fn write_what_changed(&mut self) {
        let due = self.mark_due.is_some_and(|due| due <= Instant::now());
        let changes = self.lanes.take_changes(due);
        self.mark_due = self
            .lanes
            .mark_moved()
            .then(|| self.mark_due.filter(|_| !due))
            .map(|kept| kept.unwrap_or_else(|| Instant::now() + IDLE_MARK));
        if !changes.is_empty() {
            self.write(Batch { changes, patient: true, ..Batch::new() }, |_| Done::Answered);
        }
    }

    /// Sends changes and goes on; `then` runs after the commit.
    pub(super) fn commit(
        &mut self,
        changes: Vec<Change>,
        then: impl FnOnce(&Result<Committed, StoreError>) -> Done + Send + 'static,
    ) {
        self.write(Batch { changes, ..Batch::new() }, then);
    }

    /// Sends a batch, and with it what was missed and not told yet, and goes on; `then` runs after the commit.
    pub(super) fn write(
        &mut self,
        mut batch: Batch,
        then: impl FnOnce(&Result<Committed, StoreError>) -> Done + Send + 'static,
    ) {
        let told = self.gap_to_tell().map(|(event, missed)| {
            batch.changes.extend(self.lanes.take_changes(true));
            batch.changes.push(Change::Event(Box::new(event)));
            missed
        });
        let receiver = self.ground.store.send(batch);
        let mark = self.lanes.mark_written();
        self.commits.push(Box::pin(async move {
            let result = receiver.await.unwrap_or(Err(StoreError::Closed));
            let done = then(&result);
            let seq = result?.events.first().copied().flatten();
            Ok(Committing { done, mark, gap: seq.zip(told) })
        }));
    }

    pub(super) fn done(&mut self, Committing { done, mark, gap }: Committing) {
        self.committed_mark = self.committed_mark.max(mark);
        self.gap = gap.or(self.gap.take());
        match done {
            Done::Answered => {}
            Done::Removed => self.removed = true,
        }
    }
}
