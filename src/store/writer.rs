//! The only thread that commits. What queued up while the last commit ran goes into the next; nobody hears of a
//! change before its commit has returned, and after a failure nothing is committed any more (P1, P11).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use redb::{Database, StorageBackend, WriteTransaction};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::append::{Appended, Feed};
use super::apply::Applying;
use super::ballast::Ballast;
use super::batch::{Batch, Committed};
use super::fault::{Fault, Health, StoreError, caught};
use super::gate::Gate;
use super::quick;
use super::shared::{Shared, reading, writing};
use super::sweep::Sweep;
use super::tables::{self, Tally};
use super::vault::{KeyFile, VaultKey};
use crate::clock::Clock;
use crate::failpoint::{Point, reach};

/// Batches of one transaction: enough that a commit's cost vanishes, few enough that nobody waits long.
const TOGETHER: usize = 4_096;
/// Events' bytes of one transaction, beyond the batch that reaches it. With ids that come in no order each event of
/// 1 KiB dirties a page of 4 KiB more; all of them must fit the engine's write buffer, half of the cache.
const TOGETHER_BYTES: usize = 4 << 20;
/// How long batches that nobody waits for are kept for others to commit with.
const PATIENCE: Duration = Duration::from_millis(5);
/// Idleness after a commit without the state that makes a start after a crash quick ([`quick`]) until it is written.
pub(super) const QUIET: Duration = Duration::from_millis(100);
/// Time between two steps of forgetting while there is no idleness.
const BETWEEN: Duration = Duration::from_millis(250);
/// Time between two steps of forgetting while there is idleness: steps in one go would take a processor from those
/// whose work comes next.
const PAUSE: Duration = Duration::from_millis(2);
/// How often an idle writer looks whether something is due.
const IDLE: Duration = Duration::from_mins(1);

/// Where answers go.
pub type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked.
pub enum Order {
    /// Commit a batch; the permit is its share of the queue.
    Commit { batch: Batch, answer: Answer<Committed>, permit: Option<OwnedSemaphorePermit> },
    /// Seal everything with another key.
    Rotate { key: VaultKey, answer: Answer<()> },
    /// Forget what is due, all of it, now; answers with the number of rows.
    Forget { answer: Answer<u64> },
    /// Answer, and do nothing else: whether the writer gets on.
    Probe { answer: Answer<()> },
    /// Close the file cleanly and end.
    Close { answer: Answer<()> },
}

/// The writer's own state.
pub struct Writer {
    pub shared: Arc<Shared>,
    pub queue: Receiver<Order>,
    pub tally: Tally,
    pub swept: u64,
    pub clock: Clock,
    pub gate: Gate,
    pub ballast: Option<Ballast>,
    pub key_file: KeyFile,
    pub sweep: Option<Sweep>,
    pub stepped: Instant,
    /// The last commit was without the state that makes a start after a crash quick.
    pub dirty: bool,
    /// The last commit.
    pub committed: Instant,
}

type Batches = Vec<(Batch, Answer<Committed>)>;

impl Writer {
    /// Runs until it is told to close, or until every handle is gone.
    pub fn run(mut self) {
        loop {
            match self.queue.recv_timeout(self.patience()) {
                // With nothing else to do it is a quiet moment, which the question must not keep from coming.
                Ok(Order::Probe { answer }) => {
                    drop(answer.send(Ok(())));
                    self.idle();
                }
                Ok(order) => {
                    if let Some(answer) = self.obey(order) {
                        let closed = self.close();
                        drop(answer.send(closed));
                        return;
                    }
                    self.chores(BETWEEN);
                }
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => {
                    // Nobody is left to hear of it; the next start repairs what a failed close leaves.
                    drop(self.close());
                    return;
                }
            }
        }
    }

    fn patience(&self) -> Duration {
        match (&self.sweep, self.dirty) {
            _ if self.shared.failure().is_some() => IDLE,
            (Some(_), _) => PAUSE,
            (None, true) => QUIET,
            (None, false) => IDLE,
        }
    }

    fn obey(&mut self, order: Order) -> Option<Answer<()>> {
        let mut next = Some(order);
        while let Some(order) = next.take() {
            match order {
                Order::Commit { batch, answer, permit } => {
                    drop(permit);
                    next = self.commit_together((batch, answer));
                }
                Order::Rotate { key, answer } => drop(answer.send(self.guarded(|writer| writer.rotate(&key)))),
                Order::Forget { answer } => drop(answer.send(self.guarded(Self::forget_all))),
                Order::Probe { answer } => drop(answer.send(Ok(()))),
                Order::Close { answer } => return Some(answer),
            }
        }
        None
    }

    /// Commits the batch with all that waits behind it; returns the first order that is no batch.
    fn commit_together(&mut self, first: (Batch, Answer<Committed>)) -> Option<Order> {
        let until = Instant::now() + PATIENCE;
        let mut weight = first.0.weight();
        let mut awaited = !first.0.patient;
        let mut batches = vec![first];
        let mut other = None;
        while batches.len() < TOGETHER && weight < TOGETHER_BYTES {
            let left = if awaited { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
            match self.queue.recv_timeout(left) {
                Ok(Order::Commit { batch, answer, permit: _ }) => {
                    weight += batch.weight();
                    awaited |= !batch.patient;
                    batches.push((batch, answer));
                }
                Ok(order) => {
                    other = Some(order);
                    break;
                }
                Err(_) => break,
            }
        }
        self.commit(batches);
        other
    }

    fn commit(&mut self, batches: Batches) {
        let mut answers = Vec::with_capacity(batches.len());
        let mut changes = Vec::with_capacity(batches.len());
        for (batch, answer) in batches {
            answers.push(answer);
            changes.push(batch);
        }
        let full = *self.shared.health.borrow() == Health::Full;
        let budget = self.shared.budget;
        let committed = self.guarded(|writer| {
            writer.transact(false, |applying| {
                let mut results = Vec::with_capacity(changes.len());
                for batch in changes {
                    let refused = batch.intake && (full || applying.feed.tally.bytes >= budget);
                    results.push(if refused { Err(StoreError::Full) } else { Ok(applying.batch(batch)?) });
                }
                Ok(results)
            })
        });
        match committed {
            // Whoever stopped waiting for the answer will find the change when it looks.
            Ok(results) => answers.into_iter().zip(results).for_each(|(answer, result)| drop(answer.send(result))),
            Err(error) => answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone())))),
        }
    }

    /// Runs `work` unless the store has failed; where it fails now, the store has failed for good.
    pub(super) fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, StoreError> {
        if let Some(why) = self.shared.failure() {
            return Err(StoreError::Failed(why));
        }
        let outcome = caught(|| work(self));
        outcome.map_err(|fault| {
            if self.gate.no_space()
                && let Some(ballast) = &self.ballast
            {
                // The failure itself is told below; a ballast that stays leaves the next start without its room.
                drop(ballast.give_up());
            }
            self.shared.fail(&fault)
        })
    }

    /// One two-phase transaction; what it changed is published when its commit has returned. With `quicken`, or where
    /// that costs little, it writes what makes a start after a crash quick.
    pub(super) fn transact<T>(
        &mut self,
        quicken: bool,
        work: impl FnOnce(&mut Applying<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let shared = Arc::clone(&self.shared);
        let db = reading(&shared.db);
        let mut tx = begin(db.as_ref())?;
        let vault = reading(&shared.vault);
        let mut applying = Applying::new(&tx, Feed::open(&tx, self.tally, self.clock.now())?, &vault);
        let result = work(&mut applying)?;
        let (Appended { tally, fresh, trimmed }, outbox) = applying.finish();
        tx.open_table(tables::META)?.insert("tally", &tally.encode()[..])?;
        let grown = tally.bytes.saturating_sub(self.tally.bytes);
        let cheap = |file| quick::is_cheap(file, grown, self.committed.elapsed());
        let quicken = quicken || self.gate.len().is_ok_and(cheap);
        tx.set_quick_repair(quicken);
        reach(Point::StoreCommitBefore);
        tx.commit()?;
        reach(Point::StoreCommitAfter);
        self.tally = tally;
        self.dirty = !quicken;
        self.committed = Instant::now();
        {
            let mut ring = writing(&shared.ring);
            ring.push(fresh);
            ring.trim(trimmed);
        }
        shared.publish(&tally);
        shared.outbox.ring(&outbox);
        Ok(result)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let db = writing(&self.shared.db).take();
        if let Some(why) = self.shared.failure() {
            return Err(StoreError::Failed(why));
        }
        reach(Point::StoreClosedBefore);
        let closed = caught(|| Ok(db.map_or(Ok(()), Database::close)?));
        reach(Point::StoreClosedAfter);
        closed.map_err(|fault| self.shared.fail(&fault))
    }
}

pub(super) fn begin(db: Option<&Database>) -> Result<WriteTransaction, Fault> {
    let mut tx = db.ok_or(redb::Error::DatabaseClosed)?.begin_write()?;
    tx.set_two_phase_commit(true);
    Ok(tx)
}
