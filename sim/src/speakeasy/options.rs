//! The switches of one simulated platform: what field notes add to the document, and what neither settles.

use std::{fmt, time::Duration};

use crate::wall::{self, Wall};

/// What an access token looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// Characters without a meaning.
    Opaque,
    /// A JWT with `exp` in its payload.
    Jwt,
    /// A JWT with `expires_at` (RFC 3339) in its payload.
    JwtExpiresAt,
}

/// Who answers a request for access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The script: [`super::Sim::approve`], [`super::Sim::deny`].
    ByHand,
    /// The person at once.
    AtOnce,
    /// The person at once, with a no.
    Denied,
}

/// What happens to a grant whose rotated refresh token is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// 401, and nothing else.
    Refuse,
    /// 401, and every token of the grant is dead.
    KillTokens,
}

/// Every switch; [`Default`] is the platform as the field notes met it.
// Each switch is one independent fact of the server, not a state machine in disguise.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone)]
pub struct Options {
    /// What access tokens look like.
    pub tokens: Tokens,
    /// Life of an access token.
    pub access_lifetime: Duration,
    /// Life of a refresh token.
    pub refresh_lifetime: Duration,
    /// Whether each refresh gives a new refresh token and spends the old one.
    pub rotation: bool,
    /// What the use of a spent refresh token brings about.
    pub reuse: Reuse,
    /// How often the refresh token spent last is taken once more, as after a lost reply.
    pub grace: u32,
    /// Whether a refresh kills the access token before it.
    pub old_access_dies: bool,
    /// Whether answers with tokens, and those to who waits to be let in, carry `expires_at`.
    pub expires_at: bool,
    /// Who answers requests for access.
    pub approval: Approval,
    /// The capabilities of [`super::CAPABILITIES`] that a new grant does not have.
    pub lacking: Vec<&'static str>,
    /// Whether the poll of a request for access says its status, and until when it waits; the document shows
    /// `exchange_code` alone.
    pub poll_status: bool,
    /// How long a request for access waits for its answer.
    pub request_lifetime: Duration,
    /// How long discovery stays open once a person enabled it.
    pub discovery_window: Duration,
    /// Whether ids are JSON strings; keys of maps are strings anyway.
    pub ids_as_strings: bool,
    /// Whether `occurred_at` and `edited_at` are null.
    pub null_timestamps: bool,
    /// Whether the `topic_id` of every envelope is null.
    pub null_topic_ids: bool,
    /// Whether write answers carry `chat` or `topic` beside `records`.
    pub top_level: bool,
    /// Whether a grant sees the events of what its own agent did.
    pub own_events: bool,
    /// Whether the last page of a history still has a cursor, as in the document's example; the empty page after it has none.
    pub cursor_until_empty: bool,
    /// Events in a page of the log.
    pub page: usize,
    /// Whether the last access token of a revoked grant still polls, so that it can read `grant.revoked`.
    pub revoked_polls: bool,
    /// The origin of upload URLs; `None` is the platform's own.
    pub storage: Option<String>,
    /// Headers that uploads must carry beside `Content-Type` and `Content-MD5`.
    pub upload_headers: Vec<(String, String)>,
    /// Wall time; stamps everything and decides what has expired.
    pub wall: Wall,
    /// What tokens are made from; the same seed makes the same ones. `None`: random.
    pub seed: Option<u64>,
    /// The platform's origin until [`super::Sim::serve`] knows better.
    pub url: String,
    /// Log entries that are kept; older ones go first.
    pub log: usize,
    /// How often a person talks by itself to the agent that was let in last; `None` is never.
    pub auto: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tokens: Tokens::Opaque,
            access_lifetime: Duration::from_hours(1),
            refresh_lifetime: Duration::from_hours(30 * 24),
            rotation: true,
            reuse: Reuse::Refuse,
            grace: 0,
            old_access_dies: false,
            expires_at: true,
            approval: Approval::ByHand,
            lacking: Vec::new(),
            poll_status: true,
            request_lifetime: Duration::from_mins(15),
            discovery_window: Duration::from_mins(10),
            ids_as_strings: false,
            null_timestamps: false,
            null_topic_ids: false,
            top_level: true,
            own_events: true,
            cursor_until_empty: false,
            page: 100,
            revoked_polls: false,
            storage: None,
            upload_headers: Vec::new(),
            wall: wall::system(),
            seed: None,
            url: "http://speakeasy.test".into(),
            log: 10_000,
            auto: None,
        }
    }
}

impl Options {
    /// The document alone: no `expires_at`, no status of a request, no rotation, nothing beside `records`, cursors until a
    /// page is empty.
    pub fn documented() -> Self {
        Self {
            rotation: false,
            expires_at: false,
            poll_status: false,
            top_level: false,
            cursor_until_empty: true,
            ..Self::default()
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tokens", &self.tokens)
            .field("rotation", &self.rotation)
            .finish_non_exhaustive()
    }
}
