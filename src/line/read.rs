//! Reads histories over the network: which conversations there are, and one conversation's pages down to its anchor.

mod message;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::timing::Timing;
use super::walk::{End, Next, Seen, Walk};
use crate::adapter::{Call, History, Order, Outcome, Root, Scope};
use crate::clock::Clock;
use crate::http::{Failure, Response};
use crate::normalise::{Mapping, Room};
use crate::retry::{Backoff, retry_after};
use crate::session::{self, Session};
use crate::store::Anchor;
use message::seen;

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
}

impl Reader {
    /// A reader that has read nothing yet.
    pub const fn new(session: Session, clock: Clock, timing: Timing) -> Self {
        Self { session, clock, timing, ahead: AtomicI64::new(0) }
    }

    /// A time of our clock, in milliseconds since 1970, by the platform's clock as far as that is known.
    pub fn by_their_clock(&self, at: u64) -> u64 {
        at.saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }

    /// The conversations that the agent is in; an absent or `null` list is an empty one.
    pub async fn rooms(&self, history: &History) -> Result<Vec<(String, Room)>, ReadError> {
        let rooms = &history.rooms;
        let body = self.patiently(&rooms.call, &Scope::new()).await?;
        let items = list(&body, rooms.items.find(&body), rooms.items.as_str())?;
        let room = |item: &Value| {
            let id = rooms.id.text(item).filter(|id| !id.is_empty())?;
            let kind = rooms.kind.as_ref().and_then(|kind| kind.read(item));
            Some((id, Room { kind, title: rooms.title.text(item) }))
        };
        Ok(items.iter().filter_map(room).take(self.timing.rooms).collect())
    }

    /// The newest messages of a conversation: one page.
    pub async fn newest(&self, history: &History, room: String, mapping: &Mapping) -> Result<Gathered, ReadError> {
        let mut limit = history.limit.unwrap_or(self.timing.page);
        let (items, _) = self.page(history, &room, None, &mut limit).await?;
        let mut found: Vec<_> = items.into_iter().map(|item| (seen(&item, history, &room, mapping), item)).collect();
        found.reverse();
        Ok(Gathered { room, found, end: End::Start })
    }

    /// Walks from the newest message down to `anchor`, and in no case past `floor` (milliseconds since 1970).
    pub async fn gather(
        &self,
        history: &History,
        room: String,
        mapping: &Mapping,
        anchor: Option<&Anchor>,
        floor: Option<u64>,
    ) -> Result<Gathered, ReadError> {
        let mut walk = Walk::new(anchor, floor, self.timing.walk);
        let (mut bodies, mut before) = (Vec::new(), None);
        let mut limit = history.limit.unwrap_or(self.timing.page);
        let end = loop {
            let (items, more) = match self.page(history, &room, before.as_deref(), &mut limit).await {
                // What is newer than it can be told, with the hole.
                Err(error) if error.is_too_large() && !bodies.is_empty() => break End::TooLarge,
                page => page?,
            };
            let page = items.iter().map(|item| seen(item, history, &room, mapping)).collect();
            let (fresh, next) = walk.take(page, more);
            bodies.extend(items.into_iter().zip(fresh).filter_map(|(item, fresh)| fresh.then_some(item)));
            match next {
                Next::Before(id) => before = Some(id),
                Next::Done(end) => break end,
            }
        };
        bodies.reverse();
        Ok(Gathered { room, found: walk.finish().into_iter().zip(bodies).collect(), end })
    }

    /// One page, newest message first, and whether there is an older one. A page over the bound of a body is asked for
    /// again with half of its messages, and so are those behind it.
    async fn page(
        &self,
        history: &History,
        room: &str,
        before: Option<&str>,
        limit: &mut u16,
    ) -> Result<(Vec<Value>, Option<bool>), ReadError> {
        loop {
            match self.page_of(history, room, before, *limit).await {
                Err(error) if error.is_too_large() && *limit > 1 => *limit /= 2,
                page => return page,
            }
        }
    }

    async fn page_of(
        &self,
        history: &History,
        room: &str,
        before: Option<&str>,
        limit: u16,
    ) -> Result<(Vec<Value>, Option<bool>), ReadError> {
        let scope = Scope::new().with(Root::Room, "id", room).with(Root::Page, "limit", limit);
        let scope = match before {
            Some(id) => scope.with(Root::Page, "before", id),
            None => scope,
        };
        let mut body = self.patiently(&history.call, &scope).await?;
        let more = history.more.find(&body).and_then(Value::as_bool);
        let mut items = match history.items.find_mut(&mut body) {
            Some(Value::Array(items)) => std::mem::take(items),
            found => list(&Value::Null, found.as_deref(), history.items.as_str())?.to_vec(),
        };
        if history.order == Order::OldestFirst {
            items.reverse();
        }
        let more = more.or_else(|| (items.len() < usize::from(limit)).then_some(false));
        Ok((items, more))
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

/// A list where the manifest says there is one; `null` and nothing count as empty.
fn list<'a>(whole: &'a Value, found: Option<&'a Value>, at: &str) -> Result<&'a [Value], ReadError> {
    match found {
        Some(Value::Array(items)) => Ok(items),
        None if !whole.is_object() && !whole.is_null() => {
            Err(ReadError::Misshapen(format!("no object with a list at `{at}`")))
        }
        None | Some(Value::Null) => Ok(&[]),
        Some(_) => Err(ReadError::Misshapen(format!("`{at}` is no list"))),
    }
}
