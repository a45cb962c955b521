//! The sections of `config.toml`: every duration and bound of the program, with its default.

mod cable;
mod deliver;
mod doors;
mod ingress;
mod lines;
mod network;
mod outbox;
mod workspace;

use serde::{Deserialize, Serialize};

pub use cable::Cable;
pub use deliver::Deliver;
pub use doors::{Http, Socket};
pub use ingress::Ingress;
pub use lines::{Lines, Pace};
pub use network::{Network, Session};
pub use outbox::Outbox;
pub use workspace::{Backfill, Workspace};

use super::measure::{Size, Span};
use crate::deliver::OnFull;

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

/// `[join]`: joining, and the requests of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Join {
    /// How long one request may take.
    pub request: Span,
    /// How long a whole join may take, but for the time until somebody has approved it.
    pub whole: Span,
    /// How long a join waits for somebody to approve it, where the platform does not say itself when that ends.
    pub wait: Span,
}

impl Default for Join {
    fn default() -> Self {
        Self { request: Span::secs(30), whole: Span::secs(300), wait: Span::secs(7 * 86_400) }
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
