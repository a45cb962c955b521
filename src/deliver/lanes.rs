//! Decides for one consumer what goes out next and what is written about it. No I/O, no clock: time comes in.
//!
//! A **lane** is one (workspace, conversation). Its events go out in feed order; one that failed rests, and holds back
//! what follows it in its lane and nothing else (P3). The **mark** is below the lowest open event; when stuck events
//! keep it from moving while others flow, they become waiting rows beneath it and it moves on, so that neither
//! memory nor the rows above it grow.

mod leave;
mod limits;
mod mark;
#[cfg(test)]
mod tests;
mod way;
mod words;

pub use limits::{Bounds, Limits, MAX_IN_FLIGHT, Moment, lane_limit};
pub use words::{Missed, Place, Rest, Standing};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::subscription::ReaderId;
use crate::event::{Head, Stored};
use crate::retry::attempts::Chance;
use crate::store::{Change, Exception, Failure};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be sent when its lane and the limits allow.
    Queued,
    /// Failed; until then it holds its lane back.
    Resting { until: u64 },
    /// Leased to a reader, as its `index`th delivery.
    Out { reader: ReaderId, index: u64, until: u64 },
}

#[derive(Debug)]
struct Open {
    lane: u64,
    attempts: u32,
    state: State,
    /// When it last went out (wall time); 0 where it did not since the start.
    offered: u64,
    /// Its last attempts that failed.
    failures: Vec<Failure>,
    /// A waiting row for it stands in the store.
    row: bool,
    /// `None`: to be read from the feed when its turn comes.
    body: Option<Arc<Stored>>,
}

impl Open {
    /// When it last went out, as far as that is known.
    fn offered(&self) -> Option<u64> {
        (self.offered > 0).then_some(self.offered)
    }
}

#[derive(Debug, Default)]
struct Lane {
    /// Open and not out.
    queue: BTreeSet<u64>,
    out: usize,
    /// Its entry in `ready`.
    listed: Option<u64>,
}

/// What is next to go out.
#[derive(Clone, Debug)]
pub enum Next {
    /// This event, if there is room for it.
    Send(Arc<Stored>),
    /// This event, once it is [`Lanes::fetched`].
    Fetch(u64),
}

/// One consumer's position, lanes and leases.
#[derive(Debug)]
pub struct Lanes {
    name: String,
    limits: Limits,
    bounds: Bounds,
    hasher: RandomState,
    chance: Chance,
    mark: u64,
    written: u64,
    scanned: u64,
    open: BTreeMap<u64, Open>,
    settled: BTreeSet<u64>,
    by_id: HashMap<u64, Lane>,
    ready: BTreeSet<u64>,
    out: BTreeSet<u64>,
    timers: BTreeSet<(u64, u64)>,
    window: (usize, usize),
    /// Dead letters on file. A retried one stays there until its event is settled.
    dead: BTreeSet<u64>,
    changes: Vec<Change>,
}

impl Lanes {
    /// A consumer at `mark`, with what was settled beyond it; waiting rows follow by [`Lanes::park`].
    pub fn new(
        name: &str,
        limits: Limits,
        bounds: Bounds,
        mark: u64,
        settled: BTreeSet<u64>,
        dead: BTreeSet<u64>,
        chance: Chance,
    ) -> Self {
        Self {
            name: name.to_owned(),
            limits,
            bounds,
            hasher: RandomState::new(),
            chance,
            mark,
            written: mark,
            scanned: mark,
            open: BTreeMap::new(),
            settled,
            by_id: HashMap::new(),
            ready: BTreeSet::new(),
            out: BTreeSet::new(),
            timers: BTreeSet::new(),
            window: (0, 0),
            dead,
            changes: Vec::new(),
        }
    }

    /// Takes in a waiting row at start: only its lane is kept, the event is read when due.
    pub fn park(&mut self, seq: u64, head: &Head, attempts: u32, failures: Vec<Failure>, until: u64) {
        let state = State::Resting { until };
        self.timers.insert((until, seq));
        let lane = self.lane(head);
        self.admit(seq, Open { lane, attempts, state, offered: 0, failures, row: true, body: None });
    }

    /// How many events, and bytes of them, to read behind [`Lanes::scanned`]; `None` while there is enough.
    pub fn hungry(&self) -> Option<(usize, usize)> {
        let (events, bytes) = self.window;
        let full = events >= self.bounds.events || bytes >= self.bounds.bytes || self.open.len() >= self.bounds.open;
        (!full).then(|| (self.bounds.events - events, self.bounds.bytes - bytes))
    }

    /// Takes in the next event of the feed, if it matches and is not settled; moves past it in any case.
    pub fn load(&mut self, event: &Arc<Stored>, wanted: bool) {
        self.scanned = self.scanned.max(event.seq);
        if self.open.contains_key(&event.seq) {
            self.fetched(event);
        } else if wanted && !self.settled.contains(&event.seq) && event.seq > self.mark {
            let lane = self.lane(&event.head);
            let (state, body) = (State::Queued, Some(event.clone()));
            let failures = Vec::new();
            self.admit(event.seq, Open { lane, attempts: 0, state, offered: 0, failures, row: false, body });
        }
    }

    /// How far the feed was looked at.
    pub const fn scanned(&self) -> u64 {
        self.scanned
    }

    /// Events out now.
    pub fn in_flight(&self) -> usize {
        self.out.len()
    }

    /// Everything up to here was looked at.
    pub fn pass(&mut self, seq: u64) {
        self.scanned = self.scanned.max(seq);
        self.balance();
    }

    /// The body of an open event arrived.
    pub fn fetched(&mut self, event: &Arc<Stored>) {
        let Some(open) = self.open.get_mut(&event.seq) else { return };
        if open.body.is_none() {
            open.body = Some(event.clone());
            self.window = (self.window.0 + 1, self.window.1 + event.bytes.len());
        }
    }

    /// The next event to send: the oldest that may go, or with `after` the first behind it, around the corner.
    pub fn next(&self, after: Option<u64>) -> Option<Next> {
        if self.out.len() >= self.limits.max_in_flight {
            return None;
        }
        let behind = after.and_then(|after| self.ready.range(after + 1..).next());
        let seq = *behind.or_else(|| self.ready.first())?;
        Some(self.open[&seq].body.clone().map_or(Next::Fetch(seq), Next::Send))
    }

    /// Leases a queued event; its attempt and the end of the lease (wall time).
    pub fn send(&mut self, seq: u64, reader: ReaderId, index: u64, now: Moment) -> Option<(u32, u64)> {
        let open = self.open.get_mut(&seq).filter(|open| open.state == State::Queued)?;
        let until = now.mono + self.limits.ack_wait;
        open.state = State::Out { reader, index, until };
        open.offered = now.wall;
        let (attempt, lane) = (open.attempts + 1, open.lane);
        let bytes = open.body.as_ref().map(|event| event.bytes.len());
        self.leave_window(bytes);
        self.timers.insert((until, seq));
        self.out.insert(seq);
        if let Some(lane) = self.by_id.get_mut(&lane) {
            lane.queue.remove(&seq);
            lane.out += 1;
        }
        self.refresh(lane);
        Some((attempt, now.wall + self.limits.ack_wait))
    }

    /// When something lapses or rests no longer, by [`Moment::mono`].
    pub fn wake(&self) -> Option<u64> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes new limits.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
        let lanes: Vec<u64> = self.by_id.keys().copied().collect();
        for lane in lanes {
            self.refresh(lane);
        }
    }

    fn lane(&self, head: &Head) -> u64 {
        self.hasher.hash_one((&head.workspace, &head.conversation))
    }

    fn admit(&mut self, seq: u64, open: Open) {
        if let Some(event) = &open.body {
            self.window = (self.window.0 + 1, self.window.1 + event.bytes.len());
        }
        let lane = open.lane;
        self.open.insert(seq, open);
        self.by_id.entry(lane).or_default().queue.insert(seq);
        self.refresh(lane);
    }

    /// Sets right which event of a lane is ready, if any.
    fn refresh(&mut self, id: u64) {
        let Some(lane) = self.by_id.get_mut(&id) else { return };
        let first = lane.queue.first().copied().filter(|_| lane.out < self.limits.per_lane);
        let candidate = first.filter(|seq| self.open[seq].state == State::Queued);
        if candidate != lane.listed {
            if let Some(before) = lane.listed {
                self.ready.remove(&before);
            }
            self.ready.extend(candidate);
            lane.listed = candidate;
        }
        if lane.queue.is_empty() && lane.out == 0 {
            self.by_id.remove(&id);
        }
    }

    const fn leave_window(&mut self, bytes: Option<usize>) {
        if let Some(bytes) = bytes {
            self.window = (self.window.0 - 1, self.window.1 - bytes);
        }
    }
}

fn except(consumer: &str, seq: u64, exception: Option<Exception>) -> Change {
    Change::Except { consumer: consumer.to_owned(), seq, exception }
}
