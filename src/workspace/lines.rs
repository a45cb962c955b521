//! The lines of a workspace: which one its platform has, made and run to its end.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinError;
use tokio::time::sleep;

use super::Context;
use crate::adapter::{self, LineFlavour, Manifest};
use crate::line::also::{self, Also};
use crate::line::inbox::{self, Inbox};
use crate::line::link::Link;
use crate::line::poll::feed::{Inlet, feed};
use crate::line::poll::{self, Poll};
use crate::line::report::{LineStatus, Report};
use crate::line::rooms::{self, Rooms};
use crate::line::sse::{self, Sse};
use crate::line::{Phase, Reason};
use crate::session::Session;
use crate::store::StoreError;

/// A line of any flavour.
pub(super) enum AnyLine {
    Sse(Box<Sse>),
    Poll(Box<Poll>),
    Inbox(Box<Inbox>),
    Also(Box<Also>),
    Rooms(Box<Rooms>),
}

/// What a line needs of its workspace.
pub(super) struct Needs<'a> {
    pub context: &'a Context,
    pub session: &'a Session,
    pub report: &'a Report,
    /// Conversations in which the agent acted.
    pub hints: mpsc::Receiver<String>,
}

/// The name of the baseline line of a platform; empty where it has none.
pub(super) fn name(manifest: &Manifest) -> &'static str {
    match manifest.receive.flavour {
        LineFlavour::Sse => sse::LINE,
        LineFlavour::Poll => poll::LINE,
        LineFlavour::Inbox => inbox::LINE,
        LineFlavour::Rooms => rooms::LINE,
        LineFlavour::None => "",
    }
}

/// The line of a workspace, and the way to it for push sources where it has one.
pub(super) fn line(needs: Needs<'_>) -> Result<(AnyLine, Option<Inlet>), StoreError> {
    let Needs { context, session, report, hints } = needs;
    let (store, clock) = (context.means.store.clone(), context.means.clock.clone());
    let (session, timing, report) = (session.clone(), context.timing.clone(), report.clone());
    let policy = context.policy.get(session.record().name.as_str()).cloned().unwrap_or_default();
    let backfill = context.backfill.get(session.record().name.as_str()).copied().unwrap_or_default();
    match session.manifest().receive.flavour {
        LineFlavour::Sse => {
            let line = Sse::new(sse::Parts { session, store, clock, timing, backfill, policy, report, hints })?;
            Ok((AnyLine::Sse(Box::new(line)), None))
        }
        LineFlavour::Poll => {
            let (inlet, feed) = feed();
            let line = Poll::new(poll::Parts { session, store, clock, timing, backfill, policy, report, hints, feed })?;
            Ok((AnyLine::Poll(Box::new(line)), Some(inlet)))
        }
        LineFlavour::Inbox => {
            let (inlet, feed) = feed();
            let line = Inbox::new(inbox::Parts { session, store, clock, timing, policy, report, hints, feed })?;
            Ok((AnyLine::Inbox(Box::new(line)), Some(inlet)))
        }
        LineFlavour::Rooms => {
            let (inlet, feed) = feed();
            let parts = rooms::Parts { session, store, clock, timing, backfill, policy, report, hints, feed };
            Ok((AnyLine::Rooms(Box::new(Rooms::new(parts)?)), Some(inlet)))
        }
        LineFlavour::None => unreachable!("a platform without a work channel has no line"),
    }
}

/// The lists beside the line that the workspace's session can read, each with what it says of itself.
pub(super) fn also(context: &Context, session: &Session) -> Result<Vec<(AnyLine, Report)>, StoreError> {
    let (record, manifest) = (session.record(), session.manifest());
    let readable = |also: &&adapter::Also| also.call().under.as_ref().is_none_or(|name| *name == record.session);
    let line = |also: &adapter::Also| {
        let report = Report::new(also.flavour(), context.means.clock.clone());
        let parts = also::Parts {
            session: session.clone(),
            store: context.means.store.clone(),
            clock: context.means.clock.clone(),
            timing: context.timing.clone(),
            backfill: context.backfill.get(record.name.as_str()).copied().unwrap_or_default(),
            policy: context.policy.get(record.name.as_str()).cloned().unwrap_or_default(),
            report: report.clone(),
        };
        Ok((AnyLine::Also(Box::new(Also::new(also, parts)?)), report))
    };
    manifest.receive.also.iter().filter(readable).map(line).collect()
}

impl AnyLine {
    /// Runs to the line's end. The first connect waits for some time up to `spread`.
    pub async fn run(self, spread: Duration) -> Reason {
        scattered(spread).await;
        match self {
            Self::Sse(mut line) => run(&mut *line).await,
            Self::Poll(mut line) => run(&mut *line).await,
            Self::Inbox(mut line) => run(&mut *line).await,
            Self::Also(mut line) => run(&mut *line).await,
            Self::Rooms(mut line) => run(&mut *line).await,
        }
    }
}

/// Waits for some time up to `spread`, so that many workspaces do not knock at once.
pub(super) async fn scattered(spread: Duration) {
    let mut chance = [0_u8; 2];
    // Without a random source all connect at once, which is worse for the platforms, not for the feed.
    if getrandom::fill(&mut chance).is_ok() {
        sleep(spread.mul_f64(f64::from(u16::from_le_bytes(chance)) / 65_535.0)).await;
    }
}

/// What every line is: a state, and one function that makes the next state of it.
trait Steps {
    /// What is open while it is.
    type Link;
    fn next(&mut self, phase: Phase<Self::Link>) -> impl Future<Output = Phase<Self::Link>> + Send;
}

impl Steps for Sse {
    type Link = Link;
    fn next(&mut self, phase: Phase) -> impl Future<Output = Phase> + Send {
        self.step(phase)
    }
}

impl Steps for Poll {
    type Link = ();
    fn next(&mut self, phase: Phase<()>) -> impl Future<Output = Phase<()>> + Send {
        self.step(phase)
    }
}

impl Steps for Inbox {
    type Link = ();
    fn next(&mut self, phase: Phase<()>) -> impl Future<Output = Phase<()>> + Send {
        self.step(phase)
    }
}

impl Steps for Also {
    type Link = ();
    fn next(&mut self, phase: Phase<()>) -> impl Future<Output = Phase<()>> + Send {
        self.step(phase)
    }
}

impl Steps for Rooms {
    type Link = ();
    fn next(&mut self, phase: Phase<()>) -> impl Future<Output = Phase<()>> + Send {
        self.step(phase)
    }
}

/// Makes one phase of another until the line is stopped; that, too, it is told, for its status.
async fn run<L: Steps>(line: &mut L) -> Reason {
    let mut phase = Phase::Dialing;
    loop {
        phase = match line.next(phase).await {
            Phase::Stopped(reason) => {
                line.next(Phase::Stopped(reason.clone())).await;
                return reason;
            }
            next => next,
        };
    }
}

/// What a task has ended with; `None` where it was cancelled. A panic of it is the workspace's, and by its task the
/// daemon's: it must not hide in a set.
pub(super) fn unwound<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(told) => Some(told),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => None,
    }
}

/// The status of a line that was never opened.
pub(super) fn never_opened() -> watch::Receiver<LineStatus> {
    watch::Sender::new(LineStatus { line: sse::LINE, phase: "stopped", ..LineStatus::default() }).subscribe()
}
