//! Words for where an event stands, how long it rests, and what was missed.

use serde::Deserialize;

use crate::deliver::subscription::ReaderId;

/// Where one event stands with a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not settled; leased to this reader, or to nobody.
    Open(Option<ReaderId>),
    /// Among the dead letters.
    Dead,
    /// Settled, or passed over.
    Settled,
    /// Not looked at yet.
    Ahead,
}

/// How an event stands that was not settled, as only the running consumer knows. Times in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Offered, and not answered yet.
    Out {
        /// 1 for the first.
        attempt: u32,
        /// Since when.
        at: u64,
        /// When its lease ends.
        lease_until: u64,
    },
    /// In line behind others, or for want of a reader.
    InLine,
    /// Failed, and not yet due again.
    Resting {
        /// Until when.
        until: u64,
    },
    /// The consumer has not come to it.
    Ahead,
    /// Settled, passed over, or among the dead letters.
    Left,
}

/// How long a failed event rests, in milliseconds; never longer than 1 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// By the number of its failures.
    Backoff,
    /// As the agent asked.
    Exactly(u64),
    /// By the number of its failures, and as long as the endpoint asked.
    AtLeast(u64),
}

/// What left a consumer undelivered; as a `consumer.gap` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Missed {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// How many.
    pub count: u64,
}

impl Missed {
    /// One event.
    pub const fn one(seq: u64) -> Self {
        Self { first: seq, last: seq, count: 1 }
    }

    /// Joins another hole to this one.
    pub fn add(&mut self, other: Self) {
        let (first, last) = if self.count == 0 { (other.first, other.last) } else { (self.first, self.last) };
        if other.count > 0 {
            (self.first, self.last) = (first.min(other.first), last.max(other.last));
            self.count += other.count;
        }
    }
}
