//! Follows one workspace by Server-Sent Events: dial, catch up, live, wait. Never loses its place.
//!
//! The stream is a hint of what is new; the histories are the truth. A stream that the platform is known to cut is
//! renewed before, the new one open before the old one is let go.

mod catch_up;
mod dial;
mod held_back;
mod judge;
mod live;
mod turn;

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::evidence::{Facts, Limits};
use super::history::History;
use super::intake::Intake;
use super::link::Link;
use super::policy::Policy;
use super::read::Reader;
use super::report::Report;
use super::shape::Shaper;
use super::timing::{Backfill, Timing};
use super::wait::room;
use super::{After, Dropped, Phase, Reason};
use crate::clock::Clock;
use crate::retry::Backoff;
use crate::session::Session;
use crate::store::{Health, Store, StoreError};
use dial::{Dial, Fresh};
use held_back::HeldBack;
use turn::{Turn, next_read, soonest};

/// The line's name, under which its cursor is kept.
pub const LINE: &str = "sse";
/// Without evidence for so long the stream is dead, where the manifest says nothing.
const SILENCE: Duration = Duration::from_secs(75);

/// What a line is made of.
pub struct Parts {
    /// Authorises and sends.
    pub session: Session,
    /// Where events, cursors and anchors are kept.
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
}

/// One line.
pub struct Sse {
    dial: Dial,
    store: Store,
    report: Report,
    hints: mpsc::Receiver<String>,
    health: watch::Receiver<Health>,
    history: Option<History>,
    shaper: Shaper,
    intake: Intake,
    held: HeldBack,
    backoff: Backoff,
    retry: Duration,
    refusals: u32,
    facts: Facts,
    limits: Limits,
    cut: Option<Duration>,
    renewal: Option<BoxFuture<'static, Result<Fresh, Dropped>>>,
    renew_at: Option<Instant>,
    /// The line is down because of its stream alone.
    only_the_stream: bool,
    /// More came than may wait: from its cursor on the platform would replay the same again, and again.
    overran: bool,
}

impl Sse {
    /// The line of a workspace, with what the store remembers of it. Sends nothing yet.
    pub fn new(parts: Parts) -> Result<Self, StoreError> {
        let Parts { session, store, clock, timing, backfill, policy, report, hints } = parts;
        let receive = &session.manifest().receive;
        let silence = timing.silence.or(receive.silence.map(|span| span.0)).unwrap_or(SILENCE);
        let cut = timing.cut.or(receive.cut.map(|span| span.0));
        let resumes = receive.resume.is_some();
        report.bound(silence);
        let reader = Reader::new(session.clone(), clock.clone(), timing.clone());
        let workspace = session.record().name;
        Ok(Self {
            history: History::load(reader, &store, report.clone(), backfill)?,
            shaper: Shaper::new(session.clone(), store.clone(), clock.clone())?,
            intake: Intake::new(store.clone(), workspace, LINE, report.clone(), timing.ahead).under(policy),
            held: HeldBack::new(&timing, resumes),
            backoff: Backoff::new(timing.first_wait, timing.longest_wait),
            facts: Facts::opened(Instant::now()),
            limits: Limits { silence, grace: timing.grace },
            dial: Dial { session, clock, greeting: timing.greeting, later: timing.later, frame: timing.frame },
            health: store.health(),
            retry: Duration::ZERO,
            refusals: 0,
            renewal: None,
            renew_at: None,
            only_the_stream: false,
            overran: false,
            store,
            report,
            hints,
            cut,
        })
    }

    /// Makes the next phase of this one. May be dropped between phases, and within one: what is lost then is read again.
    pub async fn step(&mut self, phase: Phase) -> Phase {
        let until = if let Phase::Waiting(until) = &phase { Some(*until) } else { None };
        self.report.phase(phase.word(), until);
        match phase {
            // Boxed: a line is live nearly all its life, and in its task it would keep the room of the largest phase.
            Phase::Dialing => Box::pin(self.dialing()).await,
            Phase::CatchingUp(link) => Box::pin(self.catching_up(link)).await,
            Phase::Live(link) => self.live(link).await,
            Phase::Waiting(until) => Box::pin(self.waiting(until)).await,
            stopped @ Phase::Stopped(_) => stopped,
        }
    }

    async fn waiting(&mut self, until: Instant) -> Phase {
        if self.only_the_stream {
            self.read_on(until).await;
        }
        sleep_until(until).await;
        match room(&mut self.health).await {
            Ok(()) => Phase::Dialing,
            Err(error) => Phase::Stopped(Reason::Store(error)),
        }
    }

    /// Where the platform answers and only its stream fails, the histories are read on schedule all the same.
    async fn read_on(&mut self, until: Instant) {
        while *self.health.borrow() == Health::Open {
            if self.start_due().is_err() {
                return; // The store's failure is told by its health.
            }
            let due = self.history.as_ref().and_then(History::due);
            let turn = tokio::select! {
                () = sleep_until(until) => return,
                read = next_read(&mut self.history) => Turn::Read(read),
                () = sleep_until(soonest([due])) => Turn::Wake,
            };
            if let Err(why) = self.common(turn).await {
                self.report.error(&why);
                return;
            }
        }
    }

    async fn dialing(&mut self) -> Phase {
        match self.open().await {
            Ok(link) => {
                self.opened();
                Phase::CatchingUp(link)
            }
            Err(dropped) => self.dropped(dropped, None),
        }
    }

    /// The feed begins here: what is said from now on is told, however late the first stream opens. Does nothing where
    /// it has begun.
    async fn begin(&mut self) -> Result<(), Dropped> {
        self.shaper.refresh()?;
        match &mut self.history {
            Some(history) => Ok(history.begin(&self.shaper.mapping()).await?),
            None => Ok(()),
        }
    }

    /// What was sent is committed first, so that the cursor in the store is the newest there is.
    async fn open(&mut self) -> Result<Link, Dropped> {
        self.intake.drain().await?;
        self.begin().await?;
        if std::mem::take(&mut self.overran) && self.held.resumes() {
            // What would be replayed stands in the histories, which are followed where anything waits at all.
            self.intake.commit(Vec::new(), None, vec![self.intake.forget_cursor()]).await?;
        }
        let cursor = self.cursor()?;
        match self.dial.open(cursor.clone()).await {
            Err(refused @ Dropped::CursorRefused { .. }) => {
                self.forget_cursor(cursor, &refused).await?;
                self.dial.open(None).await
            }
            opened => opened,
        }
    }

    fn cursor(&self) -> Result<Option<String>, StoreError> {
        if !self.held.resumes() {
            return Ok(None);
        }
        self.store.cursor(&self.dial.session.record().name, LINE)
    }

    /// Where histories are followed, they tell what the platform would have replayed; where not, that is a hole.
    async fn forget_cursor(&mut self, cursor: Option<String>, why: &Dropped) -> Result<(), StoreError> {
        tracing::warn!(workspace = %self.dial.session.record().name, %why, "the cursor is forgotten");
        let bounds = serde_json::json!({ "after": cursor });
        let gap = self.history.is_none().then(|| self.shaper.gap("cursor_refused", None, bounds));
        let forgotten = self.intake.forget_cursor();
        self.intake.commit(gap.into_iter().collect(), None, vec![forgotten]).await
    }

    /// What follows from a drop. Histories that are being read go on being read.
    fn dropped(&mut self, dropped: Dropped, link: Option<&Link>) -> Phase {
        self.renewal = None;
        let age = link.map_or(Duration::ZERO, Link::age);
        let by_design = self.cut.is_some_and(|cut| age >= Timing::renewal(cut));
        self.refusals = dropped.refusals(self.refusals);
        // What the store refused is lost here: a cursor behind it must not outlive it (P1).
        if matches!(dropped, Dropped::Overrun(_) | Dropped::Store(_)) {
            self.held.clear();
        }
        self.overran |= matches!(dropped, Dropped::Overrun(_));
        self.only_the_stream = dropped.is_the_streams_own() && self.history.as_ref().is_some_and(History::has_begun);
        let why = dropped.to_string();
        let after = dropped.after(by_design, self.refusals);
        let workspace = self.dial.session.record().name;
        match after {
            After::Redial => Phase::Dialing,
            After::Wait(asked) => {
                let wait = self.backoff.next_after(asked.max(std::mem::take(&mut self.retry)));
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
