//! The calls of a reader and of an operator, and why one is refused.

use std::time::Duration;

use super::accept::Refused;
use crate::action::{ActionId, Request};
use crate::store::StoreError;

/// What a reader may ask for; what it leaves out is as the consumer is configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscribe {
    /// Events out at once: 1 to 4,096.
    pub max_in_flight: Option<u32>,
    /// Events of one lane out at once; 0 for no limit but `max_in_flight`.
    pub per_lane: Option<u32>,
    /// How long a lease lasts: 1 s to 24 h.
    pub ack_wait: Option<Duration>,
    /// End a reader that is there, instead of being refused as busy.
    pub take_over: bool,
}

/// Which events an ack means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// These, in any order, at least one.
    Seqs(Vec<u64>),
    /// All that is now leased to this connection, up to and with this one; nothing nacked or unsent.
    UpTo(u64),
}

/// A call that settles, or asks for time.
#[derive(Clone, Debug, PartialEq)]
pub enum Settle {
    /// Done. `actions` commit with it and answer the newest event meant; a missing workspace is that event's.
    Ack {
        /// Which events.
        which: Which,
        /// What to do along with it.
        actions: Vec<Request>,
    },
    /// Ack and `send` into the same conversation, then `actions`.
    Reply {
        /// Which event.
        seq: u64,
        /// What to say.
        text: String,
        /// More to do along with it.
        actions: Vec<Request>,
    },
    /// Again later: after `delay` (at most 1 h), else by backoff. Counts an attempt.
    Nack {
        /// Which event.
        seq: u64,
        /// How much later.
        delay: Option<Duration>,
        /// What the dead letter will say if this was the last attempt.
        reason: Option<String>,
    },
    /// I am still at it: the lease starts anew.
    Extend {
        /// Which event.
        seq: u64,
    },
    /// To the dead letters, now.
    Reject {
        /// Which event.
        seq: u64,
        /// Why.
        reason: String,
    },
}

/// What came of a [`Settle`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The actions of the first ack of the event, this one or an earlier one: one id for each request, in order.
    pub actions: Vec<ActionId>,
    /// The new end of the lease after an extend, in milliseconds since 1970.
    pub lease_until: Option<u64>,
}

/// Why a consumer does not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// No consumer of that name.
    #[error("there is no consumer `{0}`: make it with `consumer add`, or in the config")]
    NoSuchConsumer(String),
    /// It has a reader.
    #[error("consumer `{0}` has a reader already: say take_over to end that one")]
    Busy(String),
    /// Its reader is a webhook.
    #[error("consumer `{0}` is delivered to a webhook and cannot be read by a connection; its calls work")]
    IsWebhook(String),
    /// It is switched off.
    #[error("consumer `{name}` is disabled ({why}): enable it first")]
    Disabled {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// The event never was, or is not for this consumer, or was not sent yet.
    #[error("event {0} was not delivered to this consumer")]
    NotDelivered(u64),
    /// The lease lapsed, was given back, or belongs to another connection.
    #[error("event {0} is not leased to this connection: it will come again")]
    NotLeased(u64),
    /// It was settled before.
    #[error("event {0} is settled already")]
    AlreadySettled(u64),
    /// No such dead letter.
    #[error("event {0} is not among the dead letters of this consumer")]
    NoSuchLetter(u64),
    /// An action is malformed: nothing was committed.
    #[error("action {index} is refused, nothing was committed: {refused}")]
    BadAction {
        /// Which of the actions, from 0; a reply counts as the first.
        index: usize,
        /// Why.
        refused: Refused,
    },
    /// A parameter is out of bounds.
    #[error("{0}")]
    BadParameter(String),
    /// The store could not commit it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The consumer was removed, or the bridge stops.
    #[error("consumer `{0}` is gone")]
    Gone(String),
}

impl Refusal {
    /// The stable word on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoSuchConsumer(_) => "no_such_consumer",
            Self::Busy(_) | Self::IsWebhook(_) => "consumer_busy",
            Self::Disabled { .. } => "consumer_disabled",
            Self::NotDelivered(_) => "not_delivered",
            Self::NotLeased(_) => "not_leased",
            Self::AlreadySettled(_) => "already_settled",
            Self::NoSuchLetter(_) => "no_such_letter",
            Self::BadAction { refused, .. } => refused.kind,
            Self::BadParameter(_) => "bad_parameter",
            Self::Store(_) => "store_failed",
            Self::Gone(_) => "consumer_gone",
        }
    }
}
