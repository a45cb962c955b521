//! Follows one workspace by its histories alone: every conversation is read again and again, often while people talk and
//! seldom where it is quiet. Nothing is lost by not reading: anchors say from where on to tell (P1, P9).
//!
//! A platform may have nothing to read yet: that is said, and asked for until there is.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::history::{History, Read};
use super::intake::Intake;
use super::policy::Policy;
use super::poll::feed::Outlet;
use super::read::Reader;
use super::report::Report;
use super::schedule::jittered;
use super::shape::Shaper;
use super::timing::{Backfill, Timing};
use super::wait::{room, soonest, trouble};
use super::{After, Dropped, Phase, Reason};
use crate::clock::Clock;
use crate::retry::Backoff;
use crate::session::{self, Session};
use crate::store::{Health, Store, StoreError, WorkspaceRecord};

/// The line's name.
pub const LINE: &str = "rooms";
/// Hints make the lists be read, no sooner than this after the last time.
const APART: Duration = Duration::from_secs(1);

/// What a line is made of.
pub struct Parts {
    /// Authorises and sends.
    pub session: Session,
    /// Where events and anchors are kept.
    pub store: Store,
    /// The only wall time.
    pub clock: Clock,
    /// How long and how much.
    pub timing: Timing,
    /// What is told of the time before the join.
    pub backfill: Backfill,
    /// What of it is told.
    pub policy: Policy,
    /// What the line says of itself.
    pub report: Report,
    /// Conversations to read soon: the agent acted there.
    pub hints: mpsc::Receiver<String>,
    /// What push sources bring: that something may be new.
    pub feed: Outlet,
}

/// One line.
pub struct Rooms {
    session: Session,
    report: Report,
    /// Changes of what is known: a conversation that the agent made may be among them.
    record: watch::Receiver<WorkspaceRecord>,
    hints: mpsc::Receiver<String>,
    feed: Outlet,
    health: watch::Receiver<Health>,
    history: History,
    shaper: Shaper,
    intake: Intake,
    backoff: Backoff,
    timing: Timing,
    /// 401s in a row.
    refusals: u32,
    /// The platform has said that there is nothing to read yet.
    refused: bool,
}

/// What happened first.
enum Turn {
    Read(Read),
    Acted(String),
    Hint,
    Learnt,
    Settled(Result<(), StoreError>),
    Store(Health),
    Due,
}

impl Rooms {
    /// The line of a workspace, with what the store remembers of it. Sends nothing yet.
    pub fn new(parts: Parts) -> Result<Self, StoreError> {
        let Parts { session, store, clock, timing, backfill, policy, report, hints, feed } = parts;
        let reader = Reader::new(session.clone(), clock.clone(), timing.clone());
        let spec = session.manifest().receive.history.as_ref();
        let spec = spec.expect("a manifest of the flavour rooms describes its histories: it is read so");
        // Every conversation is read once in this time: where no answer came for so long, something is wrong.
        report.bound(jittered(timing.pace_of(spec).slow, 1.0) + timing.longest_page_wait + timing.grace);
        let workspace = session.record().name;
        let history = History::load(reader, &store, report.clone(), backfill)?;
        Ok(Self {
            history: history.expect("it was just found there"),
            shaper: Shaper::new(session.clone(), store.clone(), clock)?,
            intake: Intake::new(store.clone(), workspace, LINE, report.clone(), timing.ahead).under(policy),
            backoff: Backoff::new(timing.first_wait, timing.longest_wait),
            record: session.changes(),
            health: store.health(),
            refusals: 0,
            refused: false,
            session,
            report,
            hints,
            feed,
            timing,
        })
    }

    /// Makes the next phase of this one. May be dropped between phases, and within one: what is lost then is read again.
    pub async fn step(&mut self, phase: Phase<()>) -> Phase<()> {
        let until = if let Phase::Waiting(until) = &phase { Some(*until) } else { None };
        self.report.phase(phase.word(), until);
        match phase {
            // Boxed: a line is live nearly all its life, and in its task it would keep the room of the largest phase.
            Phase::Dialing => match Box::pin(self.dial()).await {
                Ok(()) => Phase::CatchingUp(()),
                Err(dropped) => self.dropped(dropped),
            },
            Phase::CatchingUp(()) => match self.turn().await {
                Ok(()) if self.history.is_current() => self.goes_live(),
                Ok(()) => Phase::CatchingUp(()),
                Err(dropped) => self.dropped(dropped),
            },
            Phase::Live(()) => match self.turn().await {
                Ok(()) => Phase::Live(()),
                Err(dropped) => self.dropped(dropped),
            },
            Phase::Waiting(until) => self.waiting(until).await,
            stopped @ Phase::Stopped(_) => stopped,
        }
    }

    /// There is nothing to open: it is seen to that the feed has begun, and that there is something to read.
    async fn dial(&mut self) -> Result<(), Dropped> {
        self.intake.drain().await?;
        self.shaper.refresh()?;
        self.is_ready().await?;
        self.history.begin(&self.shaper.mapping()).await?;
        self.history.connected();
        Ok(())
    }

    /// Where the platform has told that there is nothing to read yet, asks whether there is now: a conversation of the
    /// agent's own, or lists that are no longer refused.
    async fn is_ready(&mut self) -> Result<(), Dropped> {
        let Some(fact) = self.session.manifest().receive.ready.clone() else { return Ok(()) };
        if self.session.record().facts.get(&fact) != Some(&false.into()) {
            return Ok(());
        }
        let listed = self.history.list_all(&self.shaper.mapping()).await;
        self.history.begin_bare().await?;
        match listed.map_err(Dropped::from) {
            Ok(_) if self.history.is_listed() || self.refused => {}
            Ok(_) => return Err(Dropped::NotReady(": the platform lists no conversation with this agent".to_owned())),
            Err(why) => {
                self.refused |= matches!(why, Dropped::NotReady(_));
                return Err(why);
            }
        }
        self.history.list_at_once();
        match self.session.learn(&fact, true).await {
            Err(session::Error::Store(error)) => Err(error.into()),
            // A workspace that was left has no line for long.
            Err(_) | Ok(()) => Ok(()),
        }
    }

    fn goes_live(&mut self) -> Phase<()> {
        (self.refusals, self.refused) = (0, false);
        self.backoff.good();
        Phase::Live(())
    }

    /// One thing that happens while the line is open.
    async fn turn(&mut self) -> Result<(), Dropped> {
        self.shaper.refresh()?;
        self.history.start_due(&self.shaper.mapping())?;
        let due = self.history.due();
        let turn = tokio::select! {
            read = self.history.next() => Turn::Read(read),
            Some(conversation) = self.hints.recv() => Turn::Acted(conversation),
            Some(_) = self.feed.hints.recv() => Turn::Hint,
            Ok(()) = self.record.changed() => Turn::Learnt,
            settled = self.intake.settled() => Turn::Settled(settled),
            health = trouble(&mut self.health) => Turn::Store(health),
            // Nothing else comes that way: it only must not fill up.
            Some(_) = self.feed.live.recv() => Turn::Due,
            () = sleep_until(soonest([due])) => Turn::Due,
        };
        match turn {
            Turn::Read(read) => {
                self.shaper.knows_itself().await?;
                Box::pin(self.history.absorb(read, &mut self.shaper, &mut self.intake)).await?;
            }
            Turn::Acted(conversation) => self.history.soon(&conversation),
            Turn::Hint | Turn::Learnt => self.history.list_soon(APART),
            Turn::Settled(settled) => settled?,
            Turn::Store(Health::Failed(why)) => return Err(StoreError::Failed(why).into()),
            Turn::Store(_) => return Err(StoreError::Full.into()),
            Turn::Due => {}
        }
        Ok(())
    }

    /// Closed until then, or until something hints that it is worth asking again, and until the store has room.
    async fn waiting(&mut self, until: Instant) -> Phase<()> {
        let early = Instant::now() + APART;
        let is_worth = self.is_unready();
        tokio::select! {
            () = sleep_until(until) => {}
            Some(_) = self.feed.hints.recv(), if is_worth => sleep_until(early.min(until)).await,
        }
        match room(&mut self.health).await {
            Ok(()) => Phase::Dialing,
            Err(error) => Phase::Stopped(Reason::Store(error)),
        }
    }

    fn is_unready(&self) -> bool {
        let fact = self.session.manifest().receive.ready.as_ref();
        fact.is_some_and(|fact| self.session.record().facts.get(fact) == Some(&false.into()))
    }

    /// What follows from a drop. Conversations that are being read go on being read.
    fn dropped(&mut self, dropped: Dropped) -> Phase<()> {
        let workspace = self.session.record().name;
        self.refusals = dropped.refusals(self.refusals);
        let waits = matches!(dropped, Dropped::NotReady(_));
        let why = dropped.to_string();
        match dropped.after(false, self.refusals) {
            After::Redial => Phase::Dialing,
            After::Wait(asked) => {
                // There is no hurry where somebody else has to do something first.
                let wait = if waits { jittered(self.timing.longest_wait, 0.5) } else { self.backoff.next_after(asked) };
                tracing::info!(%workspace, %why, ?wait, "the line is down");
                self.report.dropped(&why);
                Phase::Waiting(Instant::now() + wait)
            }
            After::Stop(reason) => {
                tracing::warn!(%workspace, %reason, "the line is stopped");
                self.report.dropped(&reason);
                Phase::Stopped(reason)
            }
        }
    }
}
