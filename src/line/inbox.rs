//! Follows one workspace by lists of what waits for the agent: one for each document, or one for all. Nothing is lost by
//! not reading: what waits stays in its list until it was handled, so there is no cursor and no hole.
//!
//! One list that cannot be read is its own trouble; the others go on.

mod hints;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::intake::Intake;
use super::policy::Policy;
use super::poll::feed::{Live, Outlet};
use super::report::Report;
use super::schedule::jittered;
use super::shape::Shaper;
use super::timing::Timing;
use super::wait::{chance, room, trouble};
use super::{After, Dropped, Phase, Reason};
use crate::adapter::Inbox as Spec;
use crate::clock::Clock;
use crate::retry::Backoff;
use crate::session::Session;
use crate::store::{Health, Store, StoreError};

/// The line's name.
pub const LINE: &str = "inbox";
/// How often a list is read where the manifest says nothing.
const EVERY: Duration = Duration::from_secs(5);
/// The same where nothing has happened lately.
const QUIET: Duration = Duration::from_secs(30);
/// For how long something that happened makes a workspace lively.
const LIVELY: Duration = Duration::from_mins(10);
/// Reads that others ask for begin at least so far apart.
const APART: Duration = Duration::from_millis(250);

/// What a line is made of.
pub struct Parts {
    /// Authorises and sends.
    pub session: Session,
    /// Where events are kept.
    pub store: Store,
    /// The only wall time.
    pub clock: Clock,
    /// How long and how much.
    pub timing: Timing,
    /// What is not told.
    pub policy: Policy,
    /// What the line says of itself.
    pub report: Report,
    /// Conversations in which the agent acted.
    pub hints: mpsc::Receiver<String>,
    /// What webhooks bring.
    pub feed: Outlet,
}

/// One line.
pub struct Inbox {
    session: Session,
    store: Store,
    clock: Clock,
    report: Report,
    spec: Arc<Spec>,
    shaper: Shaper,
    intake: Intake,
    health: watch::Receiver<Health>,
    hints: mpsc::Receiver<String>,
    feed: Outlet,
    timing: Timing,
    backoff: Backoff,
    /// 401s in a row.
    refusals: u32,
    /// Who waits for a read.
    awaited: Vec<hints::Awaited>,
    /// Reads begun.
    rounds: u64,
    began: Instant,
    next: Instant,
    lively_until: Instant,
    /// When the platform's lists were last told to the store, so that what they hold is not forgotten (P2).
    relisted: Option<Instant>,
    /// What waited in each list when it was read last.
    held: BTreeMap<String, BTreeSet<String>>,
    /// Lists that the platform refuses, and why.
    closed: BTreeMap<String, String>,
}

impl Inbox {
    /// The line of a workspace. Sends nothing yet.
    pub fn new(parts: Parts) -> Result<Self, StoreError> {
        let Parts { session, store, clock, timing, policy, report, hints, feed } = parts;
        let spec = session.manifest().receive.inbox.clone();
        let spec = spec.expect("a manifest of the flavour inbox describes its list: it is read so");
        let (workspace, now) = (session.record().name, Instant::now());
        Ok(Self {
            shaper: Shaper::new(session.clone(), store.clone(), clock.clone())?,
            intake: Intake::new(store.clone(), workspace, LINE, report.clone(), 1).under(policy),
            health: store.health(),
            backoff: Backoff::new(timing.first_wait, timing.longest_wait),
            spec: Arc::new(spec),
            refusals: 0,
            awaited: Vec::new(),
            rounds: 0,
            began: now,
            next: now,
            lively_until: now + LIVELY,
            relisted: None,
            held: BTreeMap::new(),
            closed: BTreeMap::new(),
            session,
            store,
            clock,
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
            Phase::Dialing => Phase::CatchingUp(()),
            Phase::CatchingUp(()) => self.follows(Instant::now()).await,
            Phase::Live(()) => {
                let due = self.due().await;
                match due {
                    Ok(true) => self.follows(Instant::now()).await,
                    Ok(false) => Phase::Live(()),
                    Err(dropped) => self.dropped(dropped),
                }
            }
            Phase::Waiting(until) => self.waiting(until).await,
            stopped @ Phase::Stopped(_) => stopped,
        }
    }

    async fn follows(&mut self, now: Instant) -> Phase<()> {
        match Box::pin(self.round(now)).await {
            Ok(()) => Phase::Live(()),
            Err(dropped) => self.dropped(dropped),
        }
    }

    /// Waits until the lists are to be read: by their time, or because somebody says that something is new.
    async fn due(&mut self) -> Result<bool, Dropped> {
        self.shaper.refresh()?;
        tokio::select! {
            () = sleep_until(self.next) => return Ok(true),
            Some(hint) = self.feed.hints.recv() => self.hint(hint),
            Some(live) = self.feed.live.recv() => drop::<Live>(live),
            Some(_) = self.hints.recv() => self.soon(),
            health = trouble(&mut self.health) => return Err(unwell(health)),
        }
        Ok(false)
    }

    async fn waiting(&mut self, until: Instant) -> Phase<()> {
        let mut health = self.health.clone();
        sleep_until(until).await;
        room(&mut health).await.map_or_else(|error| Phase::Stopped(Reason::Store(error)), |()| Phase::Dialing)
    }

    fn pause(&self, now: Instant) -> Duration {
        let lively = now < self.lively_until;
        let (ours, theirs, otherwise) = if lively {
            (self.timing.every, self.spec.every, EVERY)
        } else {
            (self.timing.beside, self.spec.quiet, QUIET)
        };
        ours.or(theirs.map(|span| span.0)).unwrap_or(otherwise)
    }

    fn dropped(&mut self, why: Dropped) -> Phase<()> {
        self.refusals = why.refusals(self.refusals);
        let said = why.to_string();
        match why.after(false, self.refusals) {
            After::Stop(reason) => {
                tracing::warn!(workspace = %self.session.record().name, %reason, "the line is stopped");
                self.report.dropped(&reason);
                Phase::Stopped(reason)
            }
            After::Redial => Phase::Dialing,
            After::Wait(asked) => {
                let wait = self.backoff.next_after(asked);
                tracing::info!(workspace = %self.session.record().name, why = %said, ?wait, "what waits cannot be read");
                self.report.dropped(&said);
                Phase::Waiting(Instant::now() + wait)
            }
        }
    }

    /// A read has ended: the next one is planned, and those who waited for this one hear so.
    fn ended(&mut self, began: Instant) -> Result<(), StoreError> {
        (self.refusals, self.backoff) = (0, Backoff::new(self.timing.first_wait, self.timing.longest_wait));
        let pause = self.pause(began);
        // From its end on: lists that are slower than their pace are no reason to read without a pause.
        self.next = Instant::now() + jittered(pause, chance());
        self.report.bound(jittered(pause, 1.0) + self.timing.grace);
        self.report.checked(Some(began));
        let closed = self.closed.iter().map(|(list, why)| (list.clone(), why.clone())).collect();
        self.report.conversations(self.held.len() + self.closed.len(), closed);
        self.answer()
    }
}

/// What a store that takes nothing means for the line.
fn unwell(health: Health) -> Dropped {
    match health {
        Health::Failed(why) => StoreError::Failed(why).into(),
        Health::Open | Health::Full => StoreError::Full.into(),
    }
}
