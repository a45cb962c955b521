//! The frames of `actioncable-v1-json`, both ways (field notes, "ActionCable, as Rails 6–8 servers behave").

use serde::Deserialize;
use serde_json::{Value, json};

/// The subprotocols that the server knows, the one it likes best first.
pub(crate) const SUBPROTOCOLS: [&str; 2] = ["actioncable-v1-json", "actioncable-unsupported"];

/// The one channel that there is.
const CHANNEL: &str = "AgentEventsChannel";

/// Why the server ends a line; the words are ActionCable's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The token is none, or no longer.
    Unauthorized,
    /// The request is not one that the server takes.
    InvalidRequest,
    /// The server restarts.
    ServerRestart,
    /// Somebody at the server ended it.
    Remote,
}

impl Reason {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::InvalidRequest => "invalid_request",
            Self::ServerRestart => "server_restart",
            Self::Remote => "remote",
        }
    }

    /// The contract's line for it.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Unauthorized => "cable.disconnect.unauthorized",
            Self::InvalidRequest => "cable.disconnect.invalid_request",
            Self::ServerRestart => "cable.disconnect.server_restart",
            Self::Remote => "cable.disconnect.remote",
        }
    }
}

/// Why a cursor is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CableError {
    InvalidCursor,
    CursorGap,
}

impl CableError {
    fn code(self) -> &'static str {
        match self {
            Self::InvalidCursor => "invalid_cursor",
            Self::CursorGap => "cursor_gap",
        }
    }

    /// The contract's line for it.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::InvalidCursor => "cable.invalid_cursor",
            Self::CursorGap => "cable.cursor_gap",
        }
    }

    /// The body of the message that comes before the rejection.
    pub(crate) fn body(self) -> Value {
        json!({"error": {"code": self.code(), "recoverable": true, "recovery": "poll"}})
    }
}

pub(crate) fn welcome() -> String {
    json!({"type": "welcome"}).to_string()
}

pub(crate) fn ping(seconds: u64) -> String {
    json!({"type": "ping", "message": seconds}).to_string()
}

pub(crate) fn disconnect(reason: Reason, reconnect: bool) -> String {
    json!({"type": "disconnect", "reason": reason.word(), "reconnect": reconnect}).to_string()
}

pub(crate) fn confirm(identifier: &str) -> String {
    json!({"identifier": identifier, "type": "confirm_subscription"}).to_string()
}

pub(crate) fn reject(identifier: &str) -> String {
    json!({"identifier": identifier, "type": "reject_subscription"}).to_string()
}

pub(crate) fn message(identifier: &str, body: &Value) -> String {
    json!({"identifier": identifier, "message": body}).to_string()
}

/// What a client may ask for.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum Command {
    Subscribe { identifier: String },
    Unsubscribe { identifier: String },
    Message { identifier: String },
}

impl Command {
    /// `None` for whatever the server does not understand: it writes that to its log and answers nothing.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// What stands inside the identifier of the one channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) cursor: Option<String>,
}

impl Wanted {
    /// `None` when it names no channel that there is.
    pub(crate) fn read(identifier: &str) -> Option<Self> {
        let fields: Value = serde_json::from_str(identifier).ok()?;
        (fields["channel"] == CHANNEL).then_some(())?;
        let cursor = match &fields["cursor"] {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            // A cursor is text; anything else is a malformed one.
            other => Some(other.to_string()),
        };
        Some(Self { cursor })
    }
}

/// The subprotocol that the server takes from an offer, if it knows one of it.
pub(crate) fn choose(offer: &str) -> Option<&'static str> {
    SUBPROTOCOLS.into_iter().find(|known| offer.split(',').any(|one| one.trim() == *known))
}
