//! Reads histories over the network: which conversations there are, and one conversation's pages down to its anchor.

mod lists;
mod message;
mod order;
mod outline;
mod pages;
mod width;

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::refusal::NOT_READY;
use super::timing::Timing;
use super::walk::{End, Seen};
use crate::adapter::{Call, Outcome, Scope};
use crate::clock::Clock;
use crate::http::{Failure, Response};
use crate::retry::{Backoff, retry_after};
use crate::session::{self, Session};
pub use lists::Listed;
pub(super) use pages::Place;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The platform keeps it from the agent (403, 404, 410): that conversation's own affair.
    #[error("the platform answers {status}{words}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the manifest has to say about it.
        words: String,
    },
    /// The session is not accepted.
    #[error("the platform does not accept the session (401)")]
    Unauthorised,
    /// The platform asks for a pause.
    #[error("the platform asks to wait {} s", .0.as_secs())]
    Throttled(Duration),
    /// It is in trouble.
    #[error("the platform answers {status}{words}")]
    Failing {
        /// The HTTP status.
        status: u16,
        /// What the manifest has to say about it.
        words: String,
    },
    /// The answer is not what the manifest describes.
    #[error("the answer is not what the manifest describes: {0}")]
    Misshapen(String),
    /// Nothing of the answer is where the manifest looks; with its keys and types, and nothing of its content.
    #[error("{what} is not where the manifest looks: mend its pointers in adapters_dir; the answer has {outline}")]
    Unfound {
        /// What was looked for.
        what: &'static str,
        /// Keys and types.
        outline: String,
    },
    /// The platform says that there is nothing to read yet (an outcome that the manifest calls `not_ready`).
    #[error("there is nothing to read yet{0}")]
    NotReady(String),
    /// The session could not make the request.
    #[error(transparent)]
    Session(#[from] session::Error),
}

impl ReadError {
    /// Not even one message alone comes within the bound of a body.
    pub const fn is_too_large(&self) -> bool {
        matches!(self, Self::Session(session::Error::Network(Failure::TooLarge { .. })))
    }

    /// How long to wait before the same page is asked again; `None`: not now.
    fn again(&self, backoff: &mut Backoff, longest: Duration) -> Option<Duration> {
        match self {
            Self::Throttled(wait) => Some(*wait).filter(|wait| *wait <= longest),
            Self::Failing { .. } | Self::Misshapen(_) => Some(backoff.next()),
            Self::Session(session::Error::Network(Failure::Unreachable { .. } | Failure::Lost { .. })) => {
                Some(backoff.next())
            }
            _ => None,
        }
    }
}

/// What one walk brought: messages oldest first, each with the platform's own form of it.
#[derive(Debug)]
pub struct Gathered {
    /// Where.
    pub room: String,
    /// What.
    pub found: Vec<(Seen, Value)>,
    /// How far.
    pub end: End,
}

/// Reads one workspace's histories.
pub struct Reader {
    /// Authorises and sends.
    pub session: Session,
    /// Wall time, for `Retry-After`.
    pub clock: Clock,
    /// How long and how much.
    pub timing: Timing,
    /// How far the platform's clock is ahead of ours, in milliseconds, as its last answer said.
    ahead: AtomicI64,
    /// How pages were sorted last, where the pages themselves tell.
    sorted: AtomicU8,
}

impl Reader {
    /// A reader that has read nothing yet.
    pub const fn new(session: Session, clock: Clock, timing: Timing) -> Self {
        Self { session, clock, timing, ahead: AtomicI64::new(0), sorted: AtomicU8::new(0) }
    }

    /// A time of our clock, in milliseconds since 1970, by the platform's clock as far as that is known.
    pub fn by_their_clock(&self, at: u64) -> u64 {
        at.saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }

    /// A call with its answer as JSON; what may pass is tried again, with waits that grow.
    async fn patiently(&self, call: &Call, scope: &Scope) -> Result<Value, ReadError> {
        let longest = self.timing.longest_page_wait;
        let mut backoff = Backoff::new(self.timing.first_wait, longest);
        for _ in 1..self.timing.page_tries {
            match self.once(call, scope.clone()).await {
                Ok(body) => return Ok(body),
                Err(error) => match error.again(&mut backoff, longest) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(error),
                },
            }
        }
        self.once(call, scope.clone()).await
    }

    async fn once(&self, call: &Call, scope: Scope) -> Result<Value, ReadError> {
        let response = self.session.call(call, scope).await?;
        if let Some(date) = response.date() {
            let ahead = date.cast_signed().saturating_sub(self.clock.now().cast_signed());
            self.ahead.store(ahead, Ordering::Relaxed);
        }
        let outcome = call.outcome(self.session.manifest(), response.status, &response.body);
        if let Some(error) = refusal(&response, &outcome, self.clock.now(), self.timing.later) {
            return Err(error);
        }
        serde_json::from_slice(&response.body).map_err(|error| {
            let kind = response.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            ReadError::Misshapen(format!("{} is no JSON ({error})", kind.unwrap_or("the body")))
        })
    }
}

/// What an answer other than a success means for a read.
fn refusal(response: &Response, outcome: &Outcome, now: u64, later: Duration) -> Option<ReadError> {
    let words = match outcome {
        Outcome::Ok => return None,
        Outcome::Named { message: Some(message), .. } => format!(": {message}"),
        Outcome::Named { is, .. } => format!(" ({is})"),
        Outcome::Status(_) => String::new(),
    };
    if matches!(outcome, Outcome::Named { is, .. } if is == NOT_READY) {
        return Some(ReadError::NotReady(words));
    }
    Some(match response.status {
        401 => ReadError::Unauthorised,
        403 | 404 | 410 => ReadError::Refused { status: response.status, words },
        429 => ReadError::Throttled(retry_after(&response.headers, now).unwrap_or(later)),
        503 if retry_after(&response.headers, now).is_some() => {
            ReadError::Throttled(retry_after(&response.headers, now).unwrap_or_default())
        }
        status => ReadError::Failing { status, words },
    })
}
