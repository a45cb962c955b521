//! Follows one workspace by its event log: read it to its end, wait, read on. Never loses its place.
//!
//! The log is the truth about what happened and in which order; push sources and hints ([`feed`]) only make it quicker.
//! A page commits its events together with the cursor behind them, and nothing else moves that cursor (P1).

mod absorb;
mod ask;
mod drop;
pub mod feed;
mod frames;
mod hints;
mod judge;
mod members;
mod pace;
mod page;
mod place;
mod round;
mod stand;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::intake::Intake;
use super::policy::Policy;
use super::report::Report;
use super::shape::Shaper;
use super::timing::{Backfill, Timing};
use super::wait::{room, trouble};
use super::{Dropped, Phase, Reason};
use crate::clock::Clock;
use crate::retry::Backoff;
use crate::session::Session;
use crate::store::{Health, Store, StoreError};
use ask::Asker;
use drop::Tries;
use feed::Outlet;
use frames::{Frames, Inlets};
use hints::Awaited;
use members::Members;
use pace::Pace;
use place::Farewell;
use round::Round;
use stand::Stand;

/// The line's name, under which its cursor is kept.
pub const LINE: &str = "poll";
/// Reads that others ask for begin at least so far apart: those who ask meanwhile wait for the same one.
const APART: Duration = Duration::from_millis(250);
/// A read after the agent acted, or for an event that is not there yet: its like will follow.
const SOON: Duration = Duration::from_secs(1);

/// What a line is made of.
pub struct Parts {
    /// Authorises and sends.
    pub session: Session,
    /// Where events and the cursor are kept.
    pub store: Store,
    /// The only wall time.
    pub clock: Clock,
    /// How long and how much.
    pub timing: Timing,
    /// What is told of the time before the join.
    pub backfill: Backfill,
    /// What is not told.
    pub policy: Policy,
    /// What the line says of itself.
    pub report: Report,
    /// Conversations in which the agent acted: the log is read soon.
    pub hints: mpsc::Receiver<String>,
    /// What push sources and webhooks bring.
    pub feed: Outlet,
}

/// One line.
pub struct Poll {
    asker: Asker,
    store: Store,
    report: Report,
    shaper: Shaper,
    intake: Intake,
    health: watch::Receiver<Health>,
    inlets: Inlets,
    frames: Frames,
    members: Members,
    hints: Vec<Awaited>,
    stand: Stand,
    backfill: Backfill,
    pace: Pace,
    backoff: Backoff,
    tries: Tries,
    /// Reads begun.
    rounds: u64,
    /// When the last one began.
    began: Instant,
    /// When the next one is due by itself.
    next: Instant,
    /// When the next one is due because somebody asks for it.
    wanted: Option<Instant>,
    /// When what was read lately is to be read again.
    again: Instant,
    /// The platform says that the seat is gone: the first read that began after this one is the last.
    farewell: Option<u64>,
    /// What said so beside the log, for the next commit: a crash must not leave a seat that is merely refused.
    heard: Option<Farewell>,
}

impl Poll {
    /// The line of a workspace, with what the store remembers of it. Sends nothing yet.
    pub fn new(parts: Parts) -> Result<Self, StoreError> {
        let Parts { session, store, clock, timing, backfill, policy, report, hints, feed } = parts;
        let log = session.manifest().receive.log.clone();
        let log = log.expect("a manifest of the flavour poll describes its log: it is read so");
        let pace = Pace::of(&timing, &log);
        let (record, now) = (session.record(), Instant::now());
        let stand = Stand::load(&store, &record.name, pace.overlap)?;
        let farewell = stand.place.is_last_word(&record).then_some(0);
        Ok(Self {
            shaper: Shaper::new(session.clone(), store.clone(), clock.clone())?,
            members: Members::new(&session, &clock, &timing),
            intake: Intake::new(store.clone(), record.name, LINE, report.clone(), timing.ahead).under(policy),
            asker: Asker {
                session,
                clock,
                later: timing.later,
                log: Arc::new(log),
                ahead: Arc::new(AtomicI64::new(0)),
                farewell: false,
            },
            health: store.health(),
            inlets: Inlets::new(feed, hints),
            frames: Frames::new(timing.held_frames, timing.held_bytes),
            backoff: Backoff::new(timing.first_wait, timing.longest_wait),
            tries: Tries::new(timing.page_tries),
            hints: Vec::new(),
            rounds: 0,
            began: now,
            next: now,
            wanted: None,
            again: now,
            stand,
            farewell,
            heard: None,
            store,
            report,
            backfill,
            pace,
        })
    }

    /// Makes the next phase of this one. May be dropped between phases, and within one: what is lost then is read again.
    pub async fn step(&mut self, phase: Phase<()>) -> Phase<()> {
        let until = if let Phase::Waiting(until) = &phase { Some(*until) } else { None };
        self.report.phase(phase.word(), until);
        match phase {
            // Boxed: a line is live nearly all its life, and in its task it would keep the room of the largest phase.
            Phase::Dialing => Box::pin(self.dialing()).await,
            Phase::CatchingUp(()) => {
                let read = Box::pin(self.round()).await;
                self.follows(read).await
            }
            Phase::Live(()) => {
                let turned = self.live_turn().await;
                self.follows(turned).await
            }
            Phase::Waiting(until) => Box::pin(self.waiting(until)).await,
            stopped @ Phase::Stopped(_) => stopped,
        }
    }

    async fn follows(&mut self, read: Result<Round, Dropped>) -> Phase<()> {
        match read {
            Ok(Round::On) => Phase::Live(()),
            Ok(Round::Last) => self.gone(),
            Err(dropped) => Box::pin(self.dropped(dropped)).await,
        }
    }

    /// There is nothing to open: what was sent is committed, so that the store knows the newest cursor there is.
    async fn dialing(&mut self) -> Phase<()> {
        let ready = async {
            self.intake.drain().await?;
            self.stand.refresh(&self.store)
        };
        match ready.await {
            Ok(()) => Phase::CatchingUp(()),
            Err(error) => self.dropped(error.into()).await,
        }
    }

    /// One thing that happens while the line is live.
    async fn live_turn(&mut self) -> Result<Round, Dropped> {
        self.shaper.refresh()?;
        let due = self.wanted.map_or(self.next, |wanted| wanted.min(self.next));
        let mapping = self.shaper.mapping();
        tokio::select! {
            () = self.members.turn(&mapping) => self.let_go().await?,
            said = self.inlets.next() => self.heard_all(said).await?,
            settled = self.intake.settled() => settled?,
            health = trouble(&mut self.health) => return Err(unwell(health)),
            () = sleep_until(due) => return Box::pin(self.round()).await,
        }
        Ok(Round::On)
    }

    /// Closed until then, and until the store has room. What push sources bring goes on meanwhile.
    async fn waiting(&mut self, until: Instant) -> Phase<()> {
        let mut health = self.health.clone();
        loop {
            let over = async {
                sleep_until(until).await;
                room(&mut health).await
            };
            let mapping = self.shaper.mapping();
            let went = tokio::select! {
                () = self.members.turn(&mapping) => self.let_go().await,
                over = over => return over.map_or_else(|error| Phase::Stopped(Reason::Store(error)), |()| Phase::Dialing),
                said = self.inlets.next() => self.heard_all(said).await,
                settled = self.intake.settled() => settled,
            };
            if went.is_err() {
                // What was refused is lost here, and stands in the log; a store that failed says so by its health.
                self.frames.clear();
                self.shaper.forget_numbers();
                self.stand.is_stale();
            }
        }
    }

    /// Somebody asks for a read, not before this time.
    fn want(&mut self, at: Instant) {
        let at = at.max(self.began + APART);
        self.wanted = Some(self.wanted.map_or(at, |wanted| wanted.min(at)));
    }
}

/// What a store that takes nothing means for the line.
fn unwell(health: Health) -> Dropped {
    match health {
        Health::Failed(why) => StoreError::Failed(why).into(),
        Health::Open | Health::Full => StoreError::Full.into(),
    }
}
