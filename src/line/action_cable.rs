//! Hears of events at once, over Action Cable: dial, subscribe, live, wait. Never the truth about order, and nothing is
//! lost when it is: its owner polls.
//!
//! ```text
//! dial.rs      opens the websocket        protocol.rs  text in, meaning out         (pure)
//! socket.rs    texts and messages         state.rs     what was said → what is done (pure)
//! link.rs      the open cable             fault.rs     why it is down → what follows (pure)
//! down.rs      the cable that is not      counts.rs    what is passed over          (pure)
//! ```
//!
//! A cable replays nothing of its own: whoever owns one polls at each [`Heard::Welcomed`] and each [`Heard::Gap`], and
//! knows events by their ids. The credential is in the URL, and nothing here ever prints one.

mod counts;
mod dial;
mod down;
mod fault;
mod limits;
mod link;
pub mod protocol;
mod socket;
mod state;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::report::Report;
use super::timing::Timing;
use crate::adapter::{self, Root};
use crate::clock::Clock;
use crate::retry::Backoff;
use crate::retry::attempts::Chance;
use crate::session::{self, Session};
use dial::{Closed, Dial, Opened};
use link::{Link, Met};
use state::Do;

pub use counts::Counts;
pub use fault::Stopped;
pub use limits::Limits;
pub use protocol::Ignored;

/// The line's name in `status`.
pub const LINE: &str = "action_cable";

/// After so many cursors that were refused one after the other another is asked with, and behind that none.
const REFUSED: u32 = 1;

/// What a cable is made of.
pub struct Parts {
    /// Authorises the opening, and renews.
    pub session: Session,
    /// How the manifest describes it.
    pub spec: Arc<adapter::ActionCable>,
    /// The only wall time.
    pub clock: Clock,
    /// How long and how much; of it the waits, `later`, `spread`, `frame` and `cable`.
    pub timing: Timing,
    /// What the cable says of itself, as a line of its own called [`LINE`].
    pub report: Report,
}

/// What its owner hears.
#[derive(Debug)]
pub enum Heard {
    /// The subscription is in force: poll now; from here on it is live.
    Welcomed,
    /// The channel tells this: JSON, as the server wrote it. It may be known, and it may be early.
    Frame(String),
    /// The channel cannot tell everything: poll.
    Gap(String),
    /// The cable is down until then.
    Down {
        /// Why.
        why: String,
        /// When it is dialled again.
        until: Instant,
    },
    /// The cable is closed for good. Nothing is heard after this.
    Stopped(Stopped),
}

/// Where a cable stands. A phase owns what it waits for, so that nothing is begun twice when its owner looks elsewhere.
enum Phase {
    Idle,
    Dialing(BoxFuture<'static, Result<Opened, Closed>>),
    Open(Box<Link>),
    /// The session is asked for a new credential, or told that the new one is refused, too.
    Asking(BoxFuture<'static, Result<Asked, session::Error>>),
    Waiting(Instant),
    Stopped,
}

/// What the session did.
enum Asked {
    Renewed,
    Doubted,
}

/// One cable.
pub struct Cable {
    dial: Dial,
    report: Report,
    backoff: Backoff,
    chance: Chance,
    spread: Duration,
    phase: Phase,
    /// To be told, in order; a few at most, for nothing is read while there are any.
    untold: VecDeque<Heard>,
    /// From here the channel does not go on.
    refused: Option<String>,
    /// Errors of the channel since it last confirmed, over all connections.
    gaps: u32,
    settled: Instant,
    /// A new credential was got because a cable refused the old one, and none has proven it since.
    renewed: bool,
    counts: Counts,
}

impl Cable {
    /// The cable of a workspace. Sends nothing yet.
    pub fn new(parts: Parts) -> Self {
        let Parts { session, spec, clock, timing, report } = parts;
        let Timing { first_wait, longest_wait, later, spread, frame, cable: limits, .. } = timing;
        report.bound(limits.stale);
        Self {
            dial: Dial { session, spec, clock, limits, later, cap: frame.event },
            report,
            backoff: Backoff::new(first_wait, longest_wait),
            chance: Chance::fresh(),
            spread,
            phase: Phase::Idle,
            untold: VecDeque::new(),
            refused: None,
            gaps: 0,
            settled: Instant::now(),
            renewed: false,
            counts: Counts::default(),
        }
    }

    /// What was passed over.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The next thing to know. `cursor` is where the feed stands, asked for at each subscription. Nothing is lost when the
    /// future is dropped, and nothing goes on while there is none.
    pub async fn next(&mut self, cursor: impl Fn() -> Option<String>) -> Heard {
        loop {
            if let Some(heard) = self.untold.pop_front() {
                return heard;
            }
            match &mut self.phase {
                Phase::Idle => {
                    self.report.phase("dialing", None);
                    self.phase = Phase::Dialing(self.dial.clone().open().boxed());
                }
                Phase::Dialing(dial) => {
                    let dialled = dial.await;
                    self.dialled(dialled);
                }
                Phase::Open(link) => {
                    let met = link.next(self.dial.spec.error.as_ref()).await;
                    self.met(met, &cursor);
                }
                Phase::Asking(asking) => {
                    let asked = asking.await;
                    self.asked(asked);
                }
                Phase::Waiting(until) => {
                    sleep_until(*until).await;
                    self.phase = Phase::Idle;
                }
                Phase::Stopped => std::future::pending().await,
            }
        }
    }

    fn dialled(&mut self, dialled: Result<Opened, Closed>) {
        match dialled {
            Ok(opened) => {
                self.report.phase("catching_up", None);
                self.phase = Phase::Open(Box::new(Link::new(opened, self.dial.limits, self.settled)));
            }
            Err(Closed { fault, shown }) => self.down(fault, shown),
        }
    }

    fn met(&mut self, met: Met, cursor: &impl Fn() -> Option<String>) {
        let Met { what, welcome, ignored } = met;
        if !matches!(what, Do::Drop(_)) {
            self.report.byte();
        }
        if welcome {
            self.dial.session.prove();
        }
        if let Some(ignored) = ignored {
            self.pass_over(ignored);
        }
        let Phase::Open(link) = &mut self.phase else { return };
        match what {
            Do::Wait => {}
            Do::Resend => link.resend(),
            Do::Subscribe { leave } => self.subscribe(leave, cursor()),
            Do::Confirm => {
                self.gaps = 0;
                self.backoff.good();
                self.report.phase("live", None);
                self.untold.push_back(Heard::Welcomed);
            }
            Do::Tell(body) => self.untold.push_back(Heard::Frame(body)),
            Do::Gap(word) => {
                self.refused = link.cursor().or(self.refused.take());
                self.gaps += 1;
                self.settled = Instant::now() + self.dial.limits.settle;
                self.report.phase("catching_up", None);
                self.gap(&format!("the channel cannot go on from here{word}"));
            }
            Do::Drop(fault) => self.dropped(fault),
        }
    }

    /// A cursor that was refused is not asked with again; polling brings another. Where that is refused as well it goes
    /// without: what it would have replayed is polled anyhow.
    fn subscribe(&mut self, leave: bool, cursor: Option<String>) {
        let cursor = cursor.filter(|cursor| self.gaps <= REFUSED && self.refused.as_ref() != Some(cursor));
        let scope = self.dial.session.scope().with(Root::Line, "cursor", cursor.clone());
        match (self.dial.spec.identifier.render(&scope), &mut self.phase) {
            (Ok(identifier), Phase::Open(link)) => link.subscribe(identifier.to_string(), cursor, leave),
            (Err(missing), _) => self.dropped(missing.into()),
            (Ok(_), _) => {}
        }
    }

    fn pass_over(&mut self, ignored: Ignored) {
        if self.counts.pass_over(ignored) {
            let workspace = self.dial.session.record().name;
            tracing::warn!(%workspace, why = %ignored, "the cable says what is passed over; this is said once");
        }
    }
}
