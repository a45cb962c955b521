//! What goes wrong with a live document.

use serde::{Deserialize, Serialize};

/// One thing that goes wrong, at its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LiveFault {
    /// A dial: answered with this status.
    Refuse {
        /// The status.
        status: u16,
    },
    /// A dial: permission denied, whatever its token.
    Deny {
        /// Why.
        reason: String,
    },
    /// A step 1: never answered.
    NeverSync,
    /// A step 1: answered with bytes that are no update.
    CorruptSync,
    /// A client's update: not taken, without a word.
    LoseUpdate,
    /// A client's update: not taken, and the connection drops.
    DropBefore,
    /// A client's update: taken, and the connection drops.
    DropAfter,
    /// An update to a client: bytes that are none.
    CorruptUpdate,
    /// An update to a client: never sent.
    LoseTold,
    /// An update to a client: sent twice.
    DuplicateTold,
    /// An update to a client: half a message, and the connection drops.
    DropMidFrame,
    /// A message to a client waits; those behind it wait too.
    Slow {
        /// How long, in milliseconds.
        millis: u64,
    },
    /// Now: permission denied, because the token expired; then the connection closes.
    Expire,
    /// Now: the connection drops.
    Drop,
    /// Now: open, read, and mute.
    Mute,
    /// Now: neither reads nor writes for a while.
    Stall {
        /// How long, in milliseconds.
        millis: u64,
    },
    /// Now: a message of these bytes.
    Say {
        /// The message, also one that is none of the protocol's.
        bytes: Vec<u8>,
    },
    /// Now: a text message, where all are binary.
    SayText {
        /// The text.
        text: String,
    },
}

/// Where a fault waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Dial,
    Sync,
    Heard,
    Told,
    Now,
}

impl LiveFault {
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Refuse { .. } | Self::Deny { .. } => Place::Dial,
            Self::NeverSync | Self::CorruptSync => Place::Sync,
            Self::LoseUpdate | Self::DropBefore | Self::DropAfter => Place::Heard,
            Self::CorruptUpdate | Self::LoseTold | Self::DuplicateTold | Self::DropMidFrame | Self::Slow { .. } => {
                Place::Told
            }
            Self::Expire | Self::Drop | Self::Mute | Self::Stall { .. } | Self::Say { .. } | Self::SayText { .. } => {
                Place::Now
            }
        }
    }
}
