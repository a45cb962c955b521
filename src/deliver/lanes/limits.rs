//! What a consumer, its reader and the memory allow.

use std::time::Duration;

use crate::consumer::Consumer;
use crate::retry::Waits;

/// Two clocks, both in milliseconds: `mono` runs leases and waits, `wall` is what gets written and told.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since the task began; never jumps.
    pub mono: u64,
    /// Since 1970.
    pub wall: u64,
}

/// What a consumer, or its reader, allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events out at once.
    pub max_in_flight: usize,
    /// Events of one lane out at once.
    pub per_lane: usize,
    /// Failures before an event goes to the dead letters.
    pub max_attempts: u32,
    /// How long a lease lasts, in milliseconds.
    pub ack_wait: u64,
}

/// Most events that may be out at once, whatever is asked.
pub const MAX_IN_FLIGHT: u32 = 4_096;

impl Limits {
    /// A consumer's own limits, within what is possible.
    pub fn of(consumer: &Consumer) -> Self {
        Self {
            max_in_flight: consumer.max_in_flight.clamp(1, MAX_IN_FLIGHT) as usize,
            per_lane: lane_limit(consumer.per_lane),
            max_attempts: consumer.max_attempts.max(1),
            ack_wait: consumer.ack_wait_ms.clamp(1, 86_400_000),
        }
    }
}

/// 0 means no limit.
pub const fn lane_limit(per_lane: u32) -> usize {
    if per_lane == 0 { usize::MAX } else { per_lane as usize }
}

/// What may stand in memory for one consumer, and how long it waits; each a key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Loaded events that are not out. Default 4,096.
    pub events: usize,
    /// Their bytes. Default 8 MiB.
    pub bytes: usize,
    /// Events settled above the mark before the stuck ones are set aside. Default 1,024.
    pub settled: usize,
    /// Open events in all, most of them only as numbers; no further reading above it. Default 262,144 (about 40 MB).
    pub open: usize,
    /// Bytes of events that may wait for one reader's connection, or a single event. Default 1 MiB.
    pub unsent: usize,
    /// Between attempts at one event. Default 1 s to 1 h.
    pub attempts: Waits,
    /// Between probes of a webhook that cannot be reached. Default 1 s to 5 min.
    pub pauses: Waits,
    /// Reaching a webhook's address may take this much of its timeout. Default 10 s.
    pub connect: Duration,
    /// Most bytes of a webhook's answer that are read. Default 1 MiB.
    pub answer: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            events: 4_096,
            bytes: 8 << 20,
            settled: 1_024,
            open: 262_144,
            unsent: 1 << 20,
            attempts: Waits { first: second, longest: Duration::from_hours(1) },
            pauses: Waits { first: second, longest: Duration::from_mins(5) },
            connect: Duration::from_secs(10),
            answer: 1 << 20,
        }
    }
}
