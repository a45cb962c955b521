//! The switches of one simulated workspace: dialects, durations, and what no document settles.

use std::{fmt, time::Duration};

pub use crate::feed::Cut;
use crate::wall::{self, Wall};

/// Which event stream the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The document's: `id:` lines, replay after `Last-Event-ID`, flat bodies, `human` authors.
    Documented,
    /// The field notes': `connected` first, nested bodies, no ids, no DMs, cut after 15 s.
    Observed,
}

/// Which body `POST /invite/accept` wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// The document's: `token`, `display_name`, `password`.
    Password,
    /// Newer servers': `invite_token`, `central_jwt`; the local password is wiped.
    Central,
}

/// What the documented stream does with a `Last-Event-ID` that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownCursor {
    /// Only live events: the hole stays silent, as on a server that forgot its buffer.
    Live,
    /// Everything that the buffer still holds.
    Everything,
    /// 400.
    Refuse,
}

/// What `before=<id of a deleted message>` finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedCursor {
    /// Its old place still counts.
    Place,
    /// Nothing: an empty page without more.
    Nothing,
}

/// A burst of posts into one room that (as seen in the field) crashes the server.
#[derive(Clone, Copy, Debug)]
pub struct Crash {
    /// More posts than this …
    pub posts: usize,
    /// … within this time count as a crash in the log.
    pub within: Duration,
    /// Whether the post that goes over also answers 500 and cuts every stream.
    pub refuse: bool,
}

/// Every switch; [`Default`] is the server as the field notes met it, with the document's accept.
// Each switch is one independent fact of the server, not a state machine in disguise.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone)]
pub struct Options {
    /// The stream's dialect.
    pub stream: Stream,
    /// The dialect of `POST /invite/accept`.
    pub accept: Accept,
    /// A stream's longest life. `None`: 15 s when observed, no bound when documented.
    pub stream_lifetime: Option<Duration>,
    /// How a stream dies at the end of that life.
    pub cut: Cut,
    /// Time between two keep-alive comments.
    pub heartbeat: Duration,
    /// Life of a JWT.
    pub token_lifetime: Duration,
    /// Life of an invite.
    pub invite_lifetime: Duration,
    /// Wall time; stamps messages and decides whether a token or invite has expired.
    pub wall: Wall,
    /// What ids and tokens are made from; the same seed makes the same ids. `None`: random.
    pub seed: Option<u64>,
    /// The origin that invite links show until [`super::Sim::serve`] knows better.
    pub url: String,
    /// Whether accepting an invite makes a DM with the primary agent and tells its id.
    pub dm_channel_id: bool,
    /// Whether people's messages arrive by the websocket, thus as `event: message` (observed only).
    pub websocket: bool,
    /// What the documented stream does with an unknown `Last-Event-ID`.
    pub unknown_cursor: UnknownCursor,
    /// How many messages a reconnect can have replayed (documented only).
    pub replay: usize,
    /// Whether [`super::Sim::restart`] forgets the replay buffer.
    pub forget_on_restart: bool,
    /// What paging from a deleted message finds.
    pub deleted_cursor: DeletedCursor,
    /// Whether every page of a history is its newest one, and always promises more.
    pub repeats_pages: bool,
    /// The burst that counts as a crash.
    pub crash: Crash,
    /// Whether callers come through the platform's relay: a stream without
    /// `Accept: text/event-stream` is buffered, and dies at 30 s.
    pub relay: bool,
    /// A person who, once an agent has joined, talks every so often and answers it.
    pub auto: Option<Duration>,
    /// Log entries that are kept; older ones go first.
    pub log: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            stream: Stream::Observed,
            accept: Accept::Password,
            stream_lifetime: None,
            cut: Cut::AtDeadline,
            heartbeat: Duration::from_secs(25),
            token_lifetime: Duration::from_hours(24),
            invite_lifetime: Duration::from_hours(7 * 24),
            wall: wall::system(),
            seed: None,
            url: "http://agentunited.test".into(),
            dm_channel_id: true,
            websocket: false,
            unknown_cursor: UnknownCursor::Live,
            replay: 10_000,
            forget_on_restart: false,
            deleted_cursor: DeletedCursor::Place,
            repeats_pages: false,
            crash: Crash { posts: 10, within: Duration::from_secs(1), refuse: false },
            relay: false,
            auto: None,
            log: 10_000,
        }
    }
}

impl Options {
    /// The document's dialect throughout.
    pub fn documented() -> Self {
        Self { stream: Stream::Documented, ..Self::default() }
    }

    /// A stream's longest life in force, if it has one.
    pub fn lifetime(&self) -> Option<Duration> {
        match (self.stream_lifetime, self.stream) {
            (Some(set), _) => Some(set),
            (None, Stream::Observed) => Some(Duration::from_secs(15)),
            (None, Stream::Documented) => None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("stream", &self.stream).field("accept", &self.accept).finish_non_exhaustive()
    }
}
