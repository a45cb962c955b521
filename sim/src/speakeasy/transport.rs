//! The three ways of an event: how long each takes, and by which one it was to be had first.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use tokio::time::Instant;

use super::{Sim, world::World};

/// A way by which an event reaches an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// A page of the log had it.
    Polling,
    /// A request to the callback URL set out with it.
    Webhook,
    /// A frame of the cable carried it.
    Cable,
}

/// How long after an event each way has it. No time at all by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// Until pages of the log have it, and what stands behind it: they are read from a copy that is behind.
    pub polling: Duration,
    /// Until its first request sets out.
    pub webhook: Duration,
    /// Until its live frame is sent; those that are due sooner overtake it. A replay does not wait.
    pub cable: Duration,
}

/// When something happened, and how long its ways take.
#[derive(Clone, Copy, Debug)]
struct Delayed {
    at: Instant,
    by: Delays,
}

/// The ways of all events.
#[derive(Debug, Default)]
pub(crate) struct Transports {
    /// For what happens from now on.
    delays: Delays,
    delayed: BTreeMap<u64, Delayed>,
    firsts: BTreeMap<u64, Transport>,
}

impl Sim {
    /// How long the ways of the events take that happen from now on; earlier ones keep theirs.
    pub fn set_delays(&self, delays: Delays) {
        self.with(|world| world.push.transports.delays = delays);
    }
}

impl Transports {
    /// An event happens now.
    pub(crate) fn begin(&mut self, event: u64) {
        if self.delays != Delays::default() {
            self.delayed.insert(event, Delayed { at: Instant::now(), by: self.delays });
        }
    }

    /// An event is to be had this way; the first time counts.
    pub(crate) fn shows(&mut self, event: u64, by: Transport) {
        self.firsts.entry(event).or_insert(by);
    }

    /// When an event's live frames and its first request are due; `None`: at once.
    pub(crate) fn due(&self, event: u64, by: Transport) -> Option<Instant> {
        let Delayed { at, by: delays } = self.delayed.get(&event)?;
        let wait = match by {
            Transport::Polling => delays.polling,
            Transport::Webhook => delays.webhook,
            Transport::Cable => delays.cable,
        };
        (!wait.is_zero()).then(|| *at + wait)
    }

    /// Whether pages of the log end before an event.
    pub(crate) fn is_behind(&self, event: u64) -> bool {
        self.due(event, Transport::Polling).is_some_and(|due| Instant::now() < due)
    }
}

impl World {
    /// By which way each event was to be had first, so far; by event id.
    pub fn firsts(&self) -> &BTreeMap<u64, Transport> {
        &self.push.transports.firsts
    }
}
