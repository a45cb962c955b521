//! The one task that owns a consumer: loads, sends, obeys, commits; answers only after the commit.

mod attend;
mod commit;
mod flow;
mod gap;
mod hooked;
mod keep;
mod reader;
mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use keep::letter_event;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::accept::Acceptable;
use super::handle::{Command, ConsumerHandle};
use super::lanes::{Bounds, Lanes, Limits, MAX_IN_FLIGHT, Missed, Moment};
use super::reach::Reach;
use super::subscription::{Closed, Link};
use crate::clock::{Clock, millis};
use crate::consumer::Consumer;
use crate::event::WorkspaceName;
use crate::retry::attempts::Chance;
use crate::store::{Exception, Store, StoreError};
use commit::{Commit, Committing, Done};

/// Calls in line for one consumer; the caller of the next one waits.
const COMMANDS: usize = 256;
/// Commits under way for one consumer before it takes no more calls.
const COMMITS: usize = 1_024;
/// One reading of the feed: events and bytes.
const READ: (usize, usize) = (1_024, 1 << 20);
/// Readings and calls between two looks at everything else.
const BURST: usize = 64;
/// Events of a webhook that are kept in mind before those that left are forgotten.
const TRACKED: usize = 2 * MAX_IN_FLIGHT as usize;
/// A mark that moved without an ack (events passed over) is written this much later.
const IDLE_MARK: Duration = Duration::from_secs(1);

/// What every consumer's task needs.
#[derive(Clone)]
pub struct Ground {
    /// Where everything is kept.
    pub store: Store,
    /// The only wall time.
    pub clock: Clock,
    /// Which actions may ride on acks.
    pub accept: Arc<dyn Acceptable>,
    /// What may stand in memory for one consumer, and how long it waits.
    pub bounds: Bounds,
}

/// See the module.
pub struct Task {
    ground: Ground,
    consumer: Consumer,
    handle: ConsumerHandle,
    commands: mpsc::Receiver<Command>,
    head: watch::Receiver<u64>,
    lanes: Lanes,
    reader: Option<reader::Reader>,
    readers: u64,
    commits: FuturesUnordered<Commit>,
    began: Instant,
    mark_due: Option<Instant>,
    committed_mark: u64,
    reach: Reach,
    /// What left undelivered; the next commit tells it.
    missed: Missed,
    /// The newest gap that was told, which may not be sent yet.
    gap: Option<(u64, Missed)>,
    expiring: Option<gap::Expiring>,
    /// The bridge stops: what the last reader had. Nothing goes out or fails any more, while calls that are on their
    /// way still count.
    ending: Option<Arc<Link>>,
    /// Removal is on its way: nothing more is done or written.
    leaving: bool,
    removed: bool,
    /// Events that are out and followed, and whose they are.
    attended: BTreeMap<u64, WorkspaceName>,
}

enum Woken {
    Stop,
    Command(Command),
    Commit(Result<Committing, StoreError>),
    ReaderGone,
    Look,
}

impl Task {
    /// Reads how far the consumer is. The handle works from here on; calls wait until [`Task::run`].
    pub fn open(ground: Ground, consumer: Consumer) -> Result<(Self, ConsumerHandle), StoreError> {
        let (sender, commands) = mpsc::channel(COMMANDS);
        let handle = ConsumerHandle { name: consumer.name.as_str().into(), commands: sender };
        let progress = ground.store.progress(&consumer.name)?;
        let dead: BTreeSet<u64> = ground.store.dead_seqs(&consumer.name)?.into_iter().collect();
        let is_settled = |entry: &(&u64, &Exception)| matches!(entry.1, Exception::Settled);
        let settled = progress.exceptions.iter().filter(is_settled).map(|(seq, _)| *seq).collect();
        let limits = Limits::of(&consumer);
        let lanes = Lanes::new(&consumer.name, limits, ground.bounds, progress.mark, settled, dead, Chance::fresh());
        let reach = Reach::new(ground.bounds.pauses);
        let mut task = Self {
            head: ground.store.head(),
            ground,
            consumer,
            handle: handle.clone(),
            commands,
            lanes,
            reader: None,
            readers: 0,
            commits: FuturesUnordered::new(),
            began: Instant::now(),
            mark_due: None,
            committed_mark: progress.mark,
            reach,
            missed: Missed::default(),
            gap: None,
            expiring: None,
            ending: None,
            leaving: false,
            removed: false,
            attended: BTreeMap::new(),
        };
        task.take_in(&progress.exceptions)?;
        Ok((task, handle))
    }

    /// Works until stopped or removed, or until the store fails.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), StoreError> {
        while !self.removed {
            self.look_away();
            let busy = !self.leaving && self.ending.is_none() && self.turn()?;
            match self.wait(&stop, busy).await {
                Woken::Stop => break,
                Woken::Command(command) => self.obey_many(command)?,
                Woken::Commit(done) => self.done(done?),
                Woken::ReaderGone => self.reader_gone(),
                Woken::Look => {}
            }
        }
        self.finish().await
    }

    /// Waits for something to do; with `busy` only looks whether there is.
    async fn wait(&mut self, stop: &CancellationToken, busy: bool) -> Woken {
        let wake = self.wake();
        let room = self.commits.len() < COMMITS;
        let link = self.reader.as_ref().map(|reader| reader.link.clone());
        let freed = async {
            match &link {
                Some(link) => link.freed.notified().await,
                None => std::future::pending().await,
            }
        };
        let gone = async {
            match &mut self.reader {
                Some(reader) => drop((&mut reader.open).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Woken::Stop,
            Some(done) = self.commits.next(), if !self.commits.is_empty() => Woken::Commit(done),
            Some(command) = self.commands.recv(), if room => Woken::Command(command),
            () = gone => Woken::ReaderGone,
            () = tokio::task::yield_now(), if busy => Woken::Look,
            Ok(()) = self.head.changed() => Woken::Look,
            () = freed => Woken::Look,
            () = sleep_until(wake) => Woken::Look,
        }
    }

    fn wake(&self) -> Instant {
        let now = self.now().mono;
        let pause = self.reach.paused_until().filter(|until| *until > now);
        let timer = self.lanes.wake().into_iter().chain(pause).min().map(|at| self.began + Duration::from_millis(at));
        let far = Instant::now() + Duration::from_hours(1);
        if self.ending.is_some() {
            return far;
        }
        timer.into_iter().chain(self.mark_due).fold(far, Instant::min)
    }

    fn now(&self) -> Moment {
        Moment { mono: millis(self.began.elapsed()), wall: self.ground.clock.now() }
    }

    fn obey_many(&mut self, first: Command) -> Result<(), StoreError> {
        self.obey(first)?;
        for _ in 0..BURST {
            let Ok(command) = self.commands.try_recv() else { break };
            self.obey(command)?;
        }
        Ok(())
    }

    fn obey(&mut self, command: Command) -> Result<(), StoreError> {
        match command {
            Command::Subscribe { options, webhook, answer } => self.subscribe(options, webhook, answer),
            Command::Settle { settle, from, answer } => self.settle(settle, from, answer)?,
            Command::Webhook { seq, from, word } => self.webhook_says(seq, from, word),
            Command::Retry { seq, answer } => self.retry(seq, answer)?,
            Command::Drop { seq, answer } => self.drop_letter(seq, answer),
            Command::Status { answer } => drop(answer.send(self.status())),
            Command::Look { seq, answer } => drop(answer.send(self.lanes.standing(seq, self.now()))),
            Command::Put { consumer, answer } => self.put(*consumer, answer),
            Command::Switch { disabled, answer } => self.switch(disabled, answer),
            Command::Expire { upto, leased, answer } => self.expire(upto, leased, answer),
            Command::Remove { answer } => self.remove(answer),
            Command::End { answer } => {
                self.end();
                drop(answer.send(Ok(())));
            }
        }
        Ok(())
    }

    /// Commits what is left. A stop of the bridge is nobody's failed attempt.
    async fn finish(mut self) -> Result<(), StoreError> {
        if let Some(reader) = self.reader.take() {
            reader.link.end(Closed::Stopped);
        }
        let changes = self.lanes.take_changes(true);
        if !changes.is_empty() && !self.leaving {
            self.commit(changes, |_| Done::Answered);
        }
        while let Some(done) = self.commits.next().await {
            done?;
        }
        Ok(())
    }
}
