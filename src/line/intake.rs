//! Takes drafts into the feed: in order, in batches, with the cursor that moves past them (P1).
//!
//! Batches are sent ahead of their commits, so that the writer always has work; how many is bounded. Nothing is said
//! of a batch before its commit has returned.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::policy::Policy;
use super::report::Report;
use crate::event::{Arrival, Draft, WorkspaceName};
use crate::store::{Batch, Change, Committed, Store, StoreError};

/// Events of one batch.
const BATCH_EVENTS: usize = 512;
/// Bytes of the events of one batch.
const BATCH_BYTES: usize = 2 << 20;

/// Nearer than this to the disk budget, in bytes, nothing is sent ahead: a batch that the budget refuses must never be
/// followed by one that it takes, or the cursor of the second would pass the events of the first (P1).
const NEAR: u64 = 256 << 20;

/// A batch whose commit is awaited.
#[derive(Debug)]
struct UnderWay {
    cursor: Option<String>,
    answer: oneshot::Receiver<Result<Committed, StoreError>>,
}

/// The way of one workspace into the feed.
pub struct Intake {
    store: Store,
    workspace: WorkspaceName,
    line: &'static str,
    report: Report,
    /// Batches under way at once.
    ahead: usize,
    under_way: VecDeque<UnderWay>,
    policy: Option<Arc<Policy>>,
}

impl Intake {
    /// The way of `line` into the feed, with so many batches under way at once.
    pub const fn new(store: Store, workspace: WorkspaceName, line: &'static str, report: Report, ahead: usize) -> Self {
        Self { store, workspace, line, report, ahead, under_way: VecDeque::new(), policy: None }
    }

    /// Under a policy: what that holds back is remembered, counted, and not told.
    #[must_use]
    pub fn under(self, policy: Policy) -> Self {
        Self { policy: Some(Arc::new(policy)).filter(|policy| **policy != Policy::default()), ..self }
    }

    /// Sends events, and with the last of them the cursor that moves past them. Waits only when too much is under way.
    pub async fn send(&mut self, drafts: Vec<(Draft, Arrival)>, cursor: Option<String>) -> Result<(), StoreError> {
        let policy = self.policy.clone();
        let changes = drafts.into_iter().map(|(draft, arrival)| change(policy.as_deref(), draft, Some(arrival)));
        let mut chunks = chunks(changes).peekable();
        while let Some(changes) = chunks.next() {
            let cursor = cursor.clone().filter(|_| chunks.peek().is_none());
            let mut batch = changes.into_iter().fold(Batch::intake(), Batch::with);
            if let Some(value) = &cursor {
                batch = batch.with(self.cursor(value.clone()));
            }
            while self.under_way.len() >= self.ahead() {
                self.settled().await?;
            }
            self.under_way.push_back(UnderWay { cursor, answer: self.store.send(batch) });
        }
        Ok(())
    }

    /// How many batches may be under way.
    fn ahead(&self) -> usize {
        let (bytes, budget) = self.store.size();
        if bytes.saturating_add(NEAR) < budget { self.ahead } else { 1 }
    }

    /// Commits events, and with the last of them `last`: the anchor that their range completes. Returns behind the commit.
    pub async fn commit(
        &mut self,
        drafts: Vec<Draft>,
        arrival: Option<Arrival>,
        last: Vec<Change>,
    ) -> Result<(), StoreError> {
        self.drain().await?;
        let policy = self.policy.clone();
        let changes = drafts.into_iter().map(|draft| change(policy.as_deref(), draft, arrival));
        let mut chunks = chunks(changes).peekable();
        while let Some(changes) = chunks.next() {
            let mut batch = changes.into_iter().fold(Batch::intake(), Batch::with);
            if chunks.peek().is_none() {
                batch.changes.extend(last);
                let told = self.store.commit(batch).await?;
                self.told(&told, None);
                return Ok(());
            }
            let told = self.store.commit(batch).await?;
            self.told(&told, None);
        }
        if !last.is_empty() {
            let batch = last.into_iter().fold(Batch::intake(), Batch::with);
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// Waits for the oldest batch under way; for ever where there is none. Nothing is lost when the future is dropped.
    pub async fn settled(&mut self) -> Result<(), StoreError> {
        let Some(oldest) = self.under_way.front_mut() else { return std::future::pending().await };
        let told = (&mut oldest.answer).await.unwrap_or(Err(StoreError::Closed));
        let cursor = self.under_way.pop_front().and_then(|done| done.cursor);
        self.told(&told?, cursor.as_deref());
        Ok(())
    }

    /// Waits for all batches under way.
    pub async fn drain(&mut self) -> Result<(), StoreError> {
        while !self.under_way.is_empty() {
            self.settled().await?;
        }
        Ok(())
    }

    /// The change that forgets the line's cursor.
    pub fn forget_cursor(&self) -> Change {
        Change::Cursor { workspace: self.workspace.clone(), line: self.line.to_owned(), value: None }
    }

    fn told(&self, told: &Committed, cursor: Option<&str>) {
        if cursor.is_some() || told.events.iter().any(Option::is_some) {
            self.report.event(cursor);
        }
    }

    fn cursor(&self, value: String) -> Change {
        Change::Cursor { workspace: self.workspace.clone(), line: self.line.to_owned(), value: Some(value) }
    }
}

/// The event of a draft, told or held back.
fn change(policy: Option<&Policy>, draft: Draft, arrival: Option<Arrival>) -> Change {
    let held_back = policy.is_some_and(|policy| policy.holds_back(&draft));
    let event = Box::new(draft.seal().arrived(arrival));
    if held_back { Change::HeldBack(event) } else { Change::Event(event) }
}

/// Events in batches of bounded size, in order.
fn chunks(mut events: impl Iterator<Item = Change>) -> impl Iterator<Item = Vec<Change>> {
    std::iter::from_fn(move || {
        let (mut chunk, mut bytes) = (vec![events.next()?], 0);
        while chunk.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
            let Some(event) = events.next() else { break };
            bytes += match &event {
                Change::Event(event) | Change::HeldBack(event) => event.bytes.len(),
                _ => 0,
            };
            chunk.push(event);
        }
        Some(chunk)
    })
}
