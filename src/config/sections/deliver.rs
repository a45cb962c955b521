//! `[deliver]`: what stands in memory for one consumer, and how long it waits.

use serde::{Deserialize, Serialize};

use crate::config::measure::{Size, Span};
use crate::deliver::Bounds;
use crate::retry::Waits;

/// `[deliver]`. Each bound holds for each consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deliver {
    /// Events that are loaded and not out.
    pub window_events: usize,
    /// Their bytes.
    pub window_bytes: Size,
    /// Events settled behind a stuck one before that one is set aside.
    pub settled: usize,
    /// Open events in all, most of them only as numbers; above it nothing more is read.
    pub open: usize,
    /// Bytes of events that may wait for one connection, or a single event.
    pub unsent: Size,
    /// The first wait between attempts at one event; it doubles.
    pub first_wait: Span,
    /// The longest wait between attempts at one event.
    pub longest_wait: Span,
    /// The first pause of a webhook that cannot be reached; it doubles.
    pub first_pause: Span,
    /// Its longest.
    pub longest_pause: Span,
    /// Reaching a webhook's address may take this much of its timeout.
    pub connect: Span,
    /// Most bytes of a webhook's answer that are read.
    pub answer: Size,
}

impl Default for Deliver {
    fn default() -> Self {
        let bounds = Bounds::default();
        Self {
            window_events: bounds.events,
            window_bytes: Size(bounds.bytes as u64),
            settled: bounds.settled,
            open: bounds.open,
            unsent: Size(bounds.unsent as u64),
            first_wait: Span(bounds.attempts.first),
            longest_wait: Span(bounds.attempts.longest),
            first_pause: Span(bounds.pauses.first),
            longest_pause: Span(bounds.pauses.longest),
            connect: Span(bounds.connect),
            answer: Size(bounds.answer as u64),
        }
    }
}

impl Deliver {
    /// As the consumers take it.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            events: self.window_events,
            bytes: self.window_bytes.bytes(),
            settled: self.settled,
            open: self.open,
            unsent: self.unsent.bytes(),
            attempts: Waits { first: self.first_wait.0, longest: self.longest_wait.0 },
            pauses: Waits { first: self.first_pause.0, longest: self.longest_pause.0 },
            connect: self.connect.0,
            answer: self.answer.bytes(),
        }
    }
}
