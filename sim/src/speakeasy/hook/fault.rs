//! What can go wrong with a webhook, and when it does.

use serde::{Deserialize, Serialize};

/// What goes wrong with a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum HookFault {
    /// A delivery: it is never sent.
    Lose,
    /// A delivery: its first attempt waits.
    Delay {
        /// How long, in milliseconds.
        millis: u64,
    },
    /// A delivery: it is sent so many times more, at once, whatever the answers are.
    Duplicate {
        /// How many times more.
        times: u32,
    },
    /// A delivery: it and those after it are collected, then sent last to first, each after the answer to the one before.
    Shuffle {
        /// How many are collected.
        events: usize,
    },
    /// An attempt: the signature is not what it should be.
    Signature {
        /// What it is.
        is: Signature,
    },
    /// An attempt: the body is written anew after it was signed.
    Reserialise {
        /// How.
        with: Rewriting,
    },
    /// An attempt: the body is padded to at least this length, and signed so.
    Huge {
        /// Bytes.
        bytes: usize,
    },
    /// An attempt: the body is no JSON, and signed so.
    NotJson,
    /// An attempt: the headers that no signature covers name another grant, delivery and time.
    OtherHeaders,
    /// An attempt: the connection closes in mid-body.
    HalfBody,
}

/// What a signature can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// Made with another secret.
    Wrong,
    /// Not there.
    Missing,
    /// There, and empty.
    Empty,
    /// Its first half.
    Truncated,
    /// Right, in upper-case digits.
    UpperCase,
}

/// How a body can change and still mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewriting {
    /// More white space.
    WhiteSpace,
    /// The keys in another order.
    KeyOrder,
    /// The first key twice.
    DuplicateKey,
}

impl HookFault {
    /// Whether it strikes a whole delivery; the others strike one attempt.
    pub(crate) fn of_delivery(&self) -> bool {
        matches!(self, Self::Lose | Self::Delay { .. } | Self::Duplicate { .. } | Self::Shuffle { .. })
    }
}
