//! How often a log is read, and how far back.

use std::time::Duration;

use crate::adapter::{Log, Span};
use crate::line::timing::Timing;

/// How often a log is read where the manifest says nothing.
const EVERY: Duration = Duration::from_secs(5);
/// The same beside a live push source.
const BESIDE: Duration = Duration::from_mins(1);

/// How often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub every: Duration,
    pub beside: Duration,
    pub grace: Duration,
    pub overlap: Duration,
    pub longest_wait: Duration,
}

impl Pace {
    /// What the operator says, else the manifest, else what is usual.
    pub fn of(timing: &Timing, log: &Log) -> Self {
        let of = |ours: Option<Duration>, theirs: Option<Span>, otherwise| {
            ours.or(theirs.map(|span| span.0)).unwrap_or(otherwise)
        };
        Self {
            every: of(timing.every, log.every, EVERY),
            beside: of(timing.beside, log.beside, BESIDE),
            grace: timing.grace,
            overlap: timing.overlap,
            longest_wait: timing.longest_wait,
        }
    }
}
