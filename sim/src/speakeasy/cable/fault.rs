//! What can go wrong with the cable, and when it does.

use serde::Deserialize;

use super::frame::Reason;

/// What goes wrong with a cable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CableFault {
    /// At a dial: this HTTP status instead of 101.
    Refuse {
        /// 403, 404, 500 …
        status: u16,
    },
    /// At a dial: a subprotocol of the server's own choice, or none.
    Subprotocol {
        /// What the answer says; absent: no such header.
        #[serde(default)]
        chosen: Option<String>,
    },
    /// At a dial: no `welcome`, but pings.
    NoWelcome,
    /// At a dial: a disconnect frame instead of `welcome`, then close 1000.
    TurnAway {
        /// Why.
        reason: Reason,
        /// Whether to come again.
        reconnect: bool,
    },
    /// At a subscribe: silence, and no subscription.
    NeverConfirm,
    /// At a subscribe: the error `cursor_gap`, then the rejection, whether or not there is a cursor.
    CursorGap,
    /// At a subscribe: the error `invalid_cursor`, then the rejection.
    InvalidCursor,
    /// At a subscribe: a rejection without the error before it.
    RejectSilently,
    /// At an event frame: half of it, then the connection is dropped.
    DropMidFrame,
    /// At an event frame: text that is no JSON comes before it.
    NotJson,
    /// At an event frame: the same event comes before it under an identifier that nobody subscribed.
    OtherIdentifier,
    /// At an event frame: its envelope is padded to at least this length.
    Oversize {
        /// Bytes.
        bytes: usize,
    },
    /// At an event frame: it comes twice.
    Duplicate,
    /// At an event frame: it never comes; polling has it.
    Lose,
    /// At an event frame: it and those after it are collected, then come last to first.
    Reorder {
        /// How many are collected.
        events: usize,
    },
    /// Now, on every open cable: no more pings; events go on.
    PingsStop,
    /// Now, on every open cable: not a byte more, while the connection stays open.
    Mute,
    /// Now, on every open cable: a disconnect frame, then close 1000.
    Disconnect {
        /// Why.
        reason: Reason,
        /// Whether to come again.
        reconnect: bool,
    },
    /// Now, on every open cable: the connection is dropped without a close frame.
    Drop,
    /// Now, on every open cable: this text as a frame.
    Say {
        /// Verbatim.
        text: String,
    },
}

/// The place where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Dial,
    Subscribe,
    Event,
    /// None to wait for.
    Now,
}

impl CableFault {
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Refuse { .. } | Self::Subprotocol { .. } | Self::NoWelcome | Self::TurnAway { .. } => Place::Dial,
            Self::NeverConfirm | Self::CursorGap | Self::InvalidCursor | Self::RejectSilently => Place::Subscribe,
            Self::DropMidFrame
            | Self::NotJson
            | Self::OtherIdentifier
            | Self::Oversize { .. }
            | Self::Duplicate
            | Self::Lose
            | Self::Reorder { .. } => Place::Event,
            Self::PingsStop | Self::Mute | Self::Disconnect { .. } | Self::Drop | Self::Say { .. } => Place::Now,
        }
    }
}
