//! The sections of `config.toml`: every duration and bound of the program, with its default.

mod cable;
mod deliver;
mod ingress;
mod lines;
mod network;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use cable::Cable;
pub use deliver::Deliver;
pub use ingress::Ingress;
pub use lines::{Lines, Pace};
pub use network::{Network, Session};

use super::measure::{Size, Span};
use crate::deliver::OnFull;
use crate::line::policy::Policy;
use crate::line::timing;
use crate::line::yjs::Rules;
use crate::outbox::Limits;

/// `[store]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// What the store may hold.
    pub disk_budget: Size,
    /// What happens there: `pause` (intake waits) or `drop-oldest`.
    pub on_full: OnFull,
    /// The file beside the store that is given up when the disk itself is full; `0B` for none.
    pub ballast: Size,
    /// Page cache of the engine.
    pub cache: Size,
    /// Recent events kept in memory for consumers that keep up.
    pub recent: Size,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            disk_budget: Size(10 << 30),
            on_full: OnFull::Pause,
            ballast: Size(16 << 20),
            cache: Size(48 << 20),
            recent: Size(8 << 20),
        }
    }
}

/// `[retention]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// How long events stay that every consumer has passed.
    pub keep: Span,
    /// How long events stay that some consumer has not passed; then it gets a `consumer.gap`.
    pub retain: Span,
    /// How often that is looked at.
    pub every: Span,
}

impl Default for Retention {
    fn default() -> Self {
        Self { keep: Span::secs(7 * 86_400), retain: Span::secs(30 * 86_400), every: Span::secs(60) }
    }
}

/// `[socket]`: the agent's Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Socket {
    /// Users that may connect beside the daemon's own and root.
    pub uids: Vec<u32>,
    /// Primary groups whose users may connect; the socket is handed to the first.
    pub gids: Vec<u32>,
    /// Connections at once.
    pub connections: u32,
    /// Requests of one connection that are not answered yet.
    pub open_requests: u32,
    /// The longest line.
    pub line: Size,
    /// A write stuck this long closes the connection.
    pub stuck: Span,
    /// When a connection ends, answers that are under way have this long.
    pub last_answers: Span,
    /// Bytes of answers that a peer may leave unread; beyond that its connection is closed.
    pub unread: Size,
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            uids: Vec::new(),
            gids: Vec::new(),
            connections: 64,
            open_requests: 64,
            line: Size(1 << 20),
            stuck: Span::secs(30),
            last_answers: Span::secs(2),
            unread: Size(4 << 20),
        }
    }
}

/// `[http]`: the same verbs over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// A loopback address and port, beside `control.sock`; none by default.
    pub listen: Option<SocketAddr>,
    /// The file that holds the bearer token for `listen`.
    pub token_file: Option<PathBuf>,
    /// The head of a request must come in this time; a connection that idles as long is closed.
    pub head: Span,
    /// The longest head of a request.
    pub head_bytes: Size,
    /// The longest request body.
    pub body: Size,
    /// The body of a request must come in this time.
    pub receive: Span,
    /// A write stuck this long closes the connection.
    pub stuck: Span,
    /// Requests at once, watchers of the feed included.
    pub requests: u32,
    /// How often a watcher of the feed hears that the bridge is there.
    pub keepalive: Span,
    /// Connections of one door at once.
    pub connections: u32,
    /// At a stop, requests under way have this long.
    pub drain: Span,
    /// The longest an answer is held back for a receipt, on the agent's socket as well; at most 5 min.
    pub wait: Span,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: None,
            token_file: None,
            head: Span::secs(10),
            head_bytes: Size(64 << 10),
            body: Size(1 << 20),
            receive: Span::secs(30),
            stuck: Span::secs(30),
            requests: 256,
            keepalive: Span::secs(15),
            connections: 256,
            drain: Span::secs(3),
            wait: Span::secs(300),
        }
    }
}

impl Http {
    /// Bounds of the connections of one door.
    pub fn limits(&self) -> crate::serve::Limits {
        let Self { head, head_bytes, stuck, drain, .. } = self;
        crate::serve::Limits { head: head.0, head_bytes: head_bytes.bytes(), stuck: stuck.0, drain: drain.0 }
    }
}

/// `[join]`: joining, and the requests of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Join {
    /// How long one request may take.
    pub request: Span,
    /// How long a whole join may take, but for the time until somebody has approved it.
    pub whole: Span,
    /// How long a join may wait for somebody to approve it; the platform may stop waiting sooner.
    pub wait: Span,
}

impl Default for Join {
    fn default() -> Self {
        Self { request: Span::secs(30), whole: Span::secs(300), wait: Span::secs(7 * 86_400) }
    }
}

/// `[workspace.NAME]`.
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the config")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workspace {
    /// What of the time before the join is delivered: `none`, `all`, or a duration.
    pub backfill: Backfill,
    /// Whether direct conversations are told.
    pub direct: bool,
    /// Whether the other conversations are told.
    pub topics: bool,
    /// Of messages, only those that are meant for the agent.
    pub mention_only: bool,
    /// Only these conversations (ids), and those that hang from them; empty: all.
    pub allow_conversations: Vec<String>,
    /// Only what these people (ids or handles) say; empty: all.
    pub allow_authors: Vec<String>,
    /// Whether what the agent acked is marked as done on the platform, once every action of the ack is confirmed.
    pub mark_done: bool,
    /// Whether a document in which the agent is mentioned is added by the platform's webhook.
    pub adopt_documents: bool,
    /// Whether the agent changes in live documents what others wrote; else it suggests the change.
    pub direct_edits: bool,
    /// Whether one edit may replace nearly all of a document.
    pub rewrites: bool,
}

impl Default for Workspace {
    fn default() -> Self {
        let Policy { direct, topics, mention_only, allow_conversations, allow_authors } = Policy::default();
        let Rules { direct: direct_edits, rewrites } = Rules::default();
        Self {
            backfill: Backfill::None,
            direct,
            topics,
            mention_only,
            allow_conversations,
            allow_authors,
            mark_done: true,
            adopt_documents: true,
            direct_edits,
            rewrites,
        }
    }
}

impl Workspace {
    /// As the lines take it.
    pub fn policy(&self) -> Policy {
        let Self { direct, topics, mention_only, allow_conversations, allow_authors, .. } = self.clone();
        Policy { direct, topics, mention_only, allow_conversations, allow_authors }
    }

    /// What the agent may change in live documents by itself.
    pub const fn rules(&self) -> Rules {
        Rules { direct: self.direct_edits, rewrites: self.rewrites }
    }
}

/// What of the time before the join is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backfill {
    /// Nothing.
    #[default]
    None,
    /// All that the platform still has.
    All,
    /// What is younger than this.
    Last(Span),
}

impl From<Backfill> for timing::Backfill {
    fn from(backfill: Backfill) -> Self {
        match backfill {
            Backfill::None => Self::None,
            Backfill::All => Self::All,
            Backfill::Last(span) => Self::Last(span.0),
        }
    }
}

impl Serialize for Backfill {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::All => serializer.serialize_str("all"),
            Self::Last(span) => serializer.collect_str(span),
        }
    }
}

impl<'de> Deserialize<'de> for Backfill {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "none" => Ok(Self::None),
            "all" => Ok(Self::All),
            text => Span::parse(text).map(Self::Last).map_err(|_| {
                serde::de::Error::custom(format!(
                    "`{text}` is no backfill: write none, all, or a duration as in \"7d\""
                ))
            }),
        }
    }
}

/// `[outbox]`: carrying actions out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// When retrying an action ends, counted from its acceptance.
    pub give_up: Span,
    /// The first wait after a failure; it doubles.
    pub first_wait: Span,
    /// The longest wait after a failure, unless the platform asks for more.
    pub longest_wait: Span,
    /// The longest wait that a platform's `Retry-After` can ask for.
    pub longest_retry: Span,
    /// Conversations of one workspace that are served at once.
    pub parallel: usize,
    /// Pages of a history read at most when a reply was lost.
    pub pages: usize,
    /// Actions looked through for messages that other receipts claim.
    pub claims: usize,
    /// Requests of verbs that are never stored, in one workspace within a second.
    pub ephemeral: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            give_up: Span(limits.give_up),
            first_wait: Span(limits.first_wait),
            longest_wait: Span(limits.longest_wait),
            longest_retry: Span(limits.longest_retry),
            parallel: limits.parallel,
            pages: limits.pages,
            claims: limits.claims,
            ephemeral: limits.ephemeral,
        }
    }
}

impl Outbox {
    /// As the outbox takes it.
    pub const fn limits(&self) -> Limits {
        Limits {
            give_up: self.give_up.0,
            first_wait: self.first_wait.0,
            longest_wait: self.longest_wait.0,
            longest_retry: self.longest_retry.0,
            parallel: self.parallel,
            pages: self.pages,
            claims: self.claims,
            ephemeral: self.ephemeral,
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter as in `info,agent_bridge::line=debug`.
    pub level: String,
    /// Where and how.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Auto }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// The journal under systemd, else text.
    #[default]
    Auto,
    /// Text on stderr, in colour on a terminal.
    Text,
    /// One JSON object a line on stderr.
    Json,
    /// The systemd journal.
    Journal,
}

/// `[call]`: the verb for any other request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Call {
    /// Whether it works at all.
    pub enabled: bool,
}
