//! Follows one list beside a workspace's line: conversations with their messages, or a calendar. The list is read again
//! and again; what the platform does not give is this list's own state, and is asked for again seldom.

mod ask;
mod calendar;
mod occur;
mod threads;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use self::ask::Asker;
use self::calendar::Calendar;
use self::threads::Threads;
use super::intake::Intake;
use super::policy::Policy;
use super::report::Report;
use super::schedule::jittered;
use super::shape::Shaper;
use super::timing::{Backfill, Timing};
use super::wait::{chance, room, trouble};
use super::{After, Dropped, Phase, Reason};
use crate::adapter;
use crate::clock::Clock;
use crate::event::WorkspaceName;
use crate::retry::Backoff;
use crate::session::Session;
use crate::store::{Change, Health, Store, StoreError};

/// A list that the platform does not give is asked for again after so long.
const SHUT: Duration = Duration::from_mins(30);

/// What such a line is made of.
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
}

/// Which list.
enum List {
    Threads(Threads),
    Calendar(Calendar),
}

/// What every list needs.
struct Desk {
    asker: Asker,
    store: Store,
    clock: Clock,
    report: Report,
    shaper: Shaper,
    intake: Intake,
    timing: Timing,
    workspace: WorkspaceName,
    /// The line's name, under which its cursor is kept.
    line: &'static str,
}

/// What a look at a list has brought.
struct Looked {
    /// When to look again.
    next: Instant,
    /// No later than so long after this look, but for chance and the platform's trouble.
    pace: Duration,
    /// How many things are followed.
    count: usize,
    /// What cannot be read, and why.
    closed: Vec<(String, String)>,
}

/// One list's line.
pub struct Also {
    desk: Desk,
    list: List,
    health: watch::Receiver<Health>,
    backoff: Backoff,
    /// 401s in a row.
    refusals: u32,
    next: Instant,
}

impl Also {
    /// The line of a list. Sends nothing yet.
    pub fn new(spec: &adapter::Also, parts: Parts) -> Result<Self, StoreError> {
        let Parts { session, store, clock, timing, backfill, policy, report } = parts;
        let (record, line) = (session.record(), spec.flavour());
        let row = store.cursor(&record.name, line)?;
        let list = match spec {
            adapter::Also::Threads(spec) => List::Threads(Threads::new(Arc::clone(spec), row.as_deref(), backfill)),
            adapter::Also::Calendar(spec) => List::Calendar(Calendar::new(Arc::clone(spec), row.as_deref())),
        };
        let desk = Desk {
            shaper: Shaper::new(session.clone(), store.clone(), clock.clone())?,
            intake: Intake::new(store.clone(), record.name.clone(), line, report.clone(), 1).under(policy),
            asker: Asker::new(session, clock.clone(), report.clone(), timing.later),
            workspace: record.name,
            line,
            clock,
            report,
            timing,
            store,
        };
        Ok(Self {
            health: desk.store.health(),
            backoff: Backoff::new(desk.timing.first_wait, desk.timing.longest_wait),
            refusals: 0,
            next: Instant::now(),
            desk,
            list,
        })
    }

    /// Makes the next phase of this one. May be dropped between phases, and within one: what is lost then is read again.
    pub async fn step(&mut self, phase: Phase<()>) -> Phase<()> {
        let until = if let Phase::Waiting(until) = &phase { Some(*until) } else { None };
        self.desk.report.phase(phase.word(), until);
        match phase {
            Phase::Dialing => Phase::CatchingUp(()),
            Phase::CatchingUp(()) => Box::pin(self.look()).await,
            Phase::Live(()) => {
                tokio::select! {
                    () = sleep_until(self.next) => {}
                    health = trouble(&mut self.health) => return self.dropped(unwell(health)),
                }
                Box::pin(self.look()).await
            }
            Phase::Waiting(until) => {
                sleep_until(until).await;
                let room = room(&mut self.health).await;
                room.map_or_else(|error| Phase::Stopped(Reason::Store(error)), |()| Phase::Dialing)
            }
            stopped @ Phase::Stopped(_) => stopped,
        }
    }

    async fn look(&mut self) -> Phase<()> {
        let began = Instant::now();
        let looked = match self.desk.shaper.refresh() {
            Err(error) => Err(error.into()),
            Ok(()) => match &mut self.list {
                List::Threads(threads) => threads.look(&mut self.desk, began).await,
                List::Calendar(calendar) => calendar.look(&mut self.desk, began).await,
            },
        };
        match looked {
            Ok(looked) => {
                let timing = &self.desk.timing;
                (self.refusals, self.backoff) = (0, Backoff::new(timing.first_wait, timing.longest_wait));
                self.next = looked.next;
                self.desk.report.bound(jittered(looked.pace, 1.0) + timing.grace);
                self.desk.report.checked(Some(began));
                self.desk.report.conversations(looked.count, looked.closed);
                Phase::Live(())
            }
            Err(dropped) => self.dropped(dropped),
        }
    }

    fn dropped(&mut self, why: Dropped) -> Phase<()> {
        self.refusals = why.refusals(self.refusals);
        let said = why.to_string();
        let (workspace, list) = (&self.desk.workspace, self.desk.line);
        match why.after(false, self.refusals) {
            After::Stop(reason) => {
                tracing::warn!(%workspace, list, %reason, "the list is stopped");
                self.desk.report.dropped(&reason);
                Phase::Stopped(reason)
            }
            After::Redial => Phase::Dialing,
            After::Wait(asked) => {
                let wait = self.backoff.next_after(asked);
                tracing::info!(%workspace, list, why = %said, ?wait, "the list cannot be read");
                self.desk.report.dropped(&said);
                Phase::Waiting(Instant::now() + wait)
            }
        }
    }
}

impl Desk {
    /// The platform does not give the list: said in `status`, and once in the log.
    fn shut(&self, why: String, told: &mut Option<String>, now: Instant) -> Looked {
        if told.as_ref() != Some(&why) {
            tracing::info!(workspace = %self.workspace, list = self.line, %why, "the platform does not give the list");
            *told = Some(why.clone());
        }
        let closed = vec![(self.line.to_owned(), why)];
        Looked { next: now + jittered(SHUT, chance()), pace: SHUT, count: 0, closed }
    }

    /// The change that moves the line's cursor.
    fn cursor(&self, row: String) -> Change {
        Change::Cursor { workspace: self.workspace.clone(), line: self.line.to_owned(), value: Some(row) }
    }
}

/// What a store that takes nothing means for the line.
fn unwell(health: Health) -> Dropped {
    match health {
        Health::Failed(why) => StoreError::Failed(why).into(),
        Health::Open | Health::Full => StoreError::Full.into(),
    }
}
