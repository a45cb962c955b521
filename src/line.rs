//! One line to a workspace: dial, catch up, live, wait. Never loses its place.
//!
//! A line is a state ([`Phase`]) and one function that makes the next state of it. What it needs beside that (the
//! histories it follows, its way into the feed, its backoff) lives as long as the line; a phase owns its connection.

pub mod action_cable;
pub mod also;
pub mod attendance;
pub mod event_stream;
pub mod evidence;
pub mod hearing;
pub mod held;
pub mod history;
pub mod inbox;
pub mod intake;
pub mod link;
pub mod policy;
pub mod poll;
pub mod read;
mod refusal;
pub mod report;
pub mod rooms;
pub mod schedule;
pub mod shape;
pub mod sse;
pub mod timing;
mod wait;
pub mod walk;
pub mod yjs;

use std::time::Duration;

use tokio::time::Instant;

use crate::http::Failure;
use crate::session;
use crate::store::StoreError;
use held::Overrun;
use history::Lost;
use link::{Cut, Link};
use read::ReadError;

/// Where a line stands.
#[derive(Debug)]
pub enum Phase<L = Link> {
    /// Opening its stream.
    Dialing,
    /// Open; histories are read, and what the stream says waits.
    CatchingUp(L),
    /// Open, and nothing is missing.
    Live(L),
    /// Closed until then.
    Waiting(Instant),
    /// Closed for good.
    Stopped(Reason),
}

impl<L> Phase<L> {
    /// The word in `status`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Dialing => "dialing",
            Self::CatchingUp(_) => "catching_up",
            Self::Live(_) => "live",
            Self::Waiting(_) => "waiting",
            Self::Stopped(_) => "stopped",
        }
    }
}

/// Why a line is closed for good.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Reason {
    /// A person must act.
    #[error("{reason}")]
    NeedsAction {
        /// What is wrong.
        reason: String,
        /// The one command that helps; empty where the session has said it in the seat.
        command: String,
    },
    /// The platform took the seat away.
    #[error("{0}")]
    Revoked(String),
    /// The workspace was left.
    #[error("the workspace was left")]
    Left,
    /// Record and manifest do not fit: mending either and starting again helps.
    #[error("{0}")]
    Misfit(String),
    /// The store failed: the daemon ends (P11).
    #[error(transparent)]
    Store(StoreError),
}

/// Why a line is down; each implies the next move.
#[derive(Debug, thiserror::Error)]
pub enum Dropped {
    /// The session is not accepted (401), although it is fresh.
    #[error("the platform does not accept the session (401)")]
    Unauthorised,
    /// The platform asks for a pause.
    #[error("the platform asks to wait {} s", .0.as_secs())]
    Throttled(Duration),
    /// Without a byte, and without a head check that proves it alive, for too long.
    #[error("the stream was silent for {} s", .0.as_secs_f64())]
    Silent(Duration),
    /// It looks alive, and leaves out what the histories have.
    #[error("the stream is deaf: the history of `{conversation}` has what it has not told")]
    Deaf {
        /// Where that was noticed.
        conversation: String,
    },
    /// The platform took the seat away (an outcome that the manifest calls `revoked`).
    #[error("the platform took the seat away{0}")]
    Revoked(String),
    /// The platform refuses the stream, or does not have it (403, 404, 410).
    #[error("the platform answers {status} where events should be{words}")]
    Gone {
        /// The HTTP status.
        status: u16,
        /// What the manifest has to say about it.
        words: String,
    },
    /// The platform has nothing to read yet (an outcome that the manifest calls `not_ready`, or nothing is listed).
    #[error("there is nothing to read yet{0}: the bridge goes on asking")]
    NotReady(String),
    /// The platform does not know the cursor any more.
    #[error("the platform refuses to resume at the last cursor ({status})")]
    CursorRefused {
        /// The HTTP status.
        status: u16,
    },
    /// The platform is in trouble.
    #[error("the platform answers {status}{words}")]
    Failing {
        /// The HTTP status.
        status: u16,
        /// What the manifest has to say about it.
        words: String,
    },
    /// A page of an event log that cannot be read, or not be told from the one before.
    #[error("the event log cannot be read: {0}")]
    Unreadable(String),
    /// 200, but something else than a stream: a login page, a proxy's greeting.
    #[error("the answer is {0}, not an event stream: check the workspace's URL, and any proxy in front of it")]
    NotAStream(String),
    /// The platform ended the stream in good order.
    #[error("the platform ended the stream")]
    Ended,
    /// The connection could not be made, or broke.
    #[error(transparent)]
    Broken(Failure),
    /// More came than may wait while history is read.
    #[error(transparent)]
    Overrun(#[from] Overrun),
    /// The histories cannot be read.
    #[error("history: {0}")]
    History(ReadError),
    /// The session cannot act for now.
    #[error(transparent)]
    Session(session::Error),
    /// The store has no room for what comes in (P11), or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Cut> for Dropped {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Ended => Self::Ended,
            Cut::Broken(failure) => Self::Broken(failure),
        }
    }
}

impl From<Lost> for Dropped {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Store(error) => Self::Store(error),
            Lost::Read(ReadError::Unauthorised) => Self::Unauthorised,
            Lost::Read(ReadError::Throttled(wait)) => Self::Throttled(wait),
            Lost::Read(ReadError::NotReady(words)) => Self::NotReady(words),
            Lost::Read(ReadError::Session(error)) => error.into(),
            Lost::Read(error) => Self::History(error),
        }
    }
}

impl From<session::Error> for Dropped {
    fn from(error: session::Error) -> Self {
        match error {
            session::Error::Network(failure) => Self::Broken(failure),
            session::Error::Store(error) => Self::Store(error),
            other => Self::Session(other),
        }
    }
}

/// What follows from a drop.
#[derive(Debug)]
pub enum After {
    /// Dial again at once: the platform does this by design, or the bridge can mend it.
    Redial,
    /// Dial again after the backoff, and not before this time has gone by.
    Wait(Duration),
    /// Do not dial again.
    Stop(Reason),
}

/// 401s in a row, each with a fresh session, after which a person has to look.
const REFUSALS: u32 = 3;

impl Dropped {
    /// The platform answers, and only its stream does not work: everything else of it may.
    pub const fn is_the_streams_own(&self) -> bool {
        matches!(
            self,
            Self::Silent(_)
                | Self::Deaf { .. }
                | Self::Gone { .. }
                | Self::Failing { .. }
                | Self::NotAStream(_)
                | Self::Ended
        )
    }

    /// How long the platform, or the session, asks to wait.
    pub const fn asks(&self) -> Option<Duration> {
        match self {
            Self::Throttled(wait) | Self::Session(session::Error::Waiting { retry_in: wait, .. }) => Some(*wait),
            _ => None,
        }
    }

    /// 401s in a row, this drop included, behind so many `before`. Waiting for another session ends no row.
    pub const fn refusals(&self, before: u32) -> u32 {
        match self {
            Self::Unauthorised => before + 1,
            Self::Session(session::Error::Waiting { .. }) => before,
            _ => 0,
        }
    }

    /// What follows. `by_design`: the stream had reached the age at which this platform cuts it. `refusals`: 401s in
    /// a row, this one included.
    pub fn after(self, by_design: bool, refusals: u32) -> After {
        use session::Error as E;
        match self {
            Self::Ended | Self::Broken(_) | Self::Silent(_) if by_design => After::Redial,
            Self::CursorRefused { .. } => After::Redial,
            Self::Throttled(wait) | Self::Session(E::Waiting { retry_in: wait, .. }) => After::Wait(wait),
            Self::Unauthorised if refusals >= REFUSALS => {
                let reason = "the platform accepts no session of this workspace any more (401)".to_owned();
                After::Stop(Reason::NeedsAction { reason, command: String::new() })
            }
            revoked @ Self::Revoked(_) => After::Stop(Reason::Revoked(revoked.to_string())),
            Self::Session(E::NeedsAction { reason, command }) => After::Stop(Reason::NeedsAction { reason, command }),
            Self::Session(E::Left(_)) => After::Stop(Reason::Left),
            Self::Session(error @ (E::Setup(_) | E::Foreign { .. } | E::Call(_))) => {
                After::Stop(Reason::Misfit(error.to_string()))
            }
            Self::Store(error @ (StoreError::Failed(_) | StoreError::Closed)) => After::Stop(Reason::Store(error)),
            _ => After::Wait(Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_by_design_is_no_failure_and_a_lasting_401_is_no_loop() {
        assert!(matches!(Dropped::Ended.after(true, 0), After::Redial));
        assert!(matches!(Dropped::Ended.after(false, 0), After::Wait(Duration::ZERO)));
        let waits = session::Error::Waiting { why: String::new(), retry_in: Duration::ZERO };
        let row = [Dropped::Unauthorised, Dropped::Session(waits), Dropped::Unauthorised, Dropped::Ended];
        let mut refusals = 0;
        let counted = row.map(|dropped| {
            refusals = dropped.refusals(refusals);
            refusals
        });
        assert_eq!(counted, [1, 1, 2, 0]);
        assert!(matches!(Dropped::Unauthorised.after(false, 2), After::Wait(_)));
        assert!(matches!(Dropped::Unauthorised.after(false, 3), After::Stop(Reason::NeedsAction { .. })));
        let wait = Duration::from_secs(9);
        assert!(matches!(Dropped::Throttled(wait).after(true, 0), After::Wait(asked) if asked == wait));
    }

    #[test]
    fn a_full_store_waits_and_a_failed_one_ends_everything() {
        assert!(matches!(Dropped::Store(StoreError::Full).after(false, 0), After::Wait(_)));
        let failed = Dropped::Store(StoreError::Failed("EIO".into()));
        assert!(matches!(failed.after(false, 0), After::Stop(Reason::Store(_))));
    }
}
