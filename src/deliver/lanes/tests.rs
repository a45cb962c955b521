//! The lanes beside a naive model: nothing lost, nothing settled twice, order kept, no lane blocks another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::event::{Type, WorkspaceName};
use crate::store::{How, Way};

const READER: ReaderId = ReaderId(1);
const LIMITS: Limits = Limits { max_in_flight: 3, per_lane: 1, max_attempts: 3, ack_wait: 1_000 };
fn bounds() -> Bounds {
    Bounds { events: 6, bytes: 1 << 20, settled: 4, open: 1_000, ..Bounds::default() }
}

fn event(seq: u64, lane: u8) -> Arc<Stored> {
    let head = Head {
        workspace: WorkspaceName::new("acme").unwrap(),
        kind: Type::MessageCreated,
        conversation: format!("c{lane}"),
        author: None,
        author_kind: None,
        own: false,
        mentions_me: false,
        only_for: None,
    };
    Arc::new(Stored { seq, at: 0, head, bytes: format!("event {seq}").into() })
}

/// What a store would hold, and what really became of each event.
struct World {
    feed: Vec<Arc<Stored>>,
    unwanted: BTreeSet<u64>,
    limits: Limits,
    lanes: Lanes,
    now: Moment,
    mark: u64,
    rows: BTreeMap<u64, Exception>,
    letters: BTreeSet<u64>,
    failures: BTreeMap<u64, u32>,
    acked: BTreeSet<u64>,
    ways: BTreeMap<u64, Way>,
    sent: u64,
}

impl World {
    fn new(lanes: &[u8], limits: Limits) -> Self {
        let feed: Vec<_> = lanes.iter().zip(1..).map(|(lane, seq)| event(seq, lane % 4)).collect();
        let unwanted = lanes.iter().zip(1..).filter(|(lane, _)| **lane >= 4).map(|(_, seq)| seq).collect();
        let mut world = Self {
            feed,
            unwanted,
            limits,
            lanes: fresh(limits, 0, BTreeSet::new(), BTreeSet::new()),
            now: Moment { mono: 0, wall: 1_000_000 },
            mark: 0,
            rows: BTreeMap::new(),
            letters: BTreeSet::new(),
            failures: BTreeMap::new(),
            acked: BTreeSet::new(),
            ways: BTreeMap::new(),
            sent: 0,
        };
        world.settle_down();
        world
    }

    /// Loads what there is room for, and unsticks, as the task does.
    fn settle_down(&mut self) {
        self.lanes.lapse(self.now);
        loop {
            self.lanes.unstick(self.now);
            let scanned = self.lanes.scanned();
            let Some((count, _)) = self.lanes.hungry().filter(|_| scanned < self.feed.len() as u64) else { break };
            for event in self.feed.iter().filter(|event| event.seq > scanned).take(count) {
                self.lanes.load(event, !self.unwanted.contains(&event.seq));
            }
            self.lanes.pass((scanned + count as u64).min(self.feed.len() as u64));
        }
        self.write(false);
    }

    fn write(&mut self, mark: bool) {
        for change in self.lanes.take_changes(mark) {
            match change {
                Change::Mark { seq, .. } => {
                    assert!(seq > self.mark, "the mark only moves on");
                    self.mark = seq;
                    self.rows.retain(|at, row| *at > seq || *row != Exception::Settled);
                }
                Change::Except { seq, exception: Some(row), .. } => drop(self.rows.insert(seq, row)),
                Change::Except { seq, exception: None, .. } => drop(self.rows.remove(&seq)),
                Change::Way { last, way, .. } => self.left(last, way),
                Change::Dead { seq, letter: Some(_), .. } => drop(self.letters.insert(seq)),
                Change::Dead { seq, letter: None, .. } => assert!(self.letters.remove(&seq)),
                other => panic!("lanes do not write {other:?}"),
            }
        }
    }

    /// Each event is told to have left once, and how it did; only a dead letter may leave again, in its own row.
    fn left(&mut self, last: u64, way: Way) {
        let again = way.first == last && self.ways.remove(&last).is_some_and(|before| before.how != How::Acked);
        let failed = self.failures.get(&last).map_or(0, |count| *count as usize);
        assert!(again || way.failures.len() == failed, "{last}: {way:?}");
        let attempts = way.attempts as usize - failed.min(way.attempts as usize);
        assert!(again || attempts <= usize::from(way.how != How::Dead), "{last}: {way:?}");
        for seq in way.first..=last {
            assert_eq!(self.way_of(seq), None, "{seq} left before");
            assert!(way.how != How::Acked || self.acked.contains(&seq), "{seq} was not acked");
        }
        self.ways.insert(last, way);
    }

    /// As the store looks it up.
    fn way_of(&self, seq: u64) -> Option<&Way> {
        self.ways.range(seq..).next().map(|(_, way)| way).filter(|way| way.first <= seq)
    }

    fn gone(&self, seq: u64) -> bool {
        self.acked.contains(&seq) || self.letters.contains(&seq) || self.unwanted.contains(&seq)
    }

    /// Sends the next event, if there is one, and holds it against the promises.
    fn send(&mut self) -> Option<u64> {
        let seq = loop {
            match self.lanes.next(None) {
                None => return self.nothing_more(),
                Some(Next::Send(event)) => break event.seq,
                Some(Next::Fetch(seq)) => self.lanes.fetched(&self.feed[index(seq)].clone()),
            }
        };
        assert!(!self.gone(seq), "{seq} left already");
        let same_lane = |other: &&Arc<Stored>| other.head == self.feed[index(seq)].head && other.seq < seq;
        let before = self.feed.iter().filter(same_lane).filter(|other| !self.gone(other.seq));
        let overtaken: Vec<u64> = before.map(|other| other.seq).collect();
        let out = self.lanes.leased(u64::MAX, None);
        assert!(overtaken.iter().all(|other| self.limits.per_lane > 1 && out.contains(other)), "{seq}: {overtaken:?}");
        let (attempt, _) = self.lanes.send(seq, READER, self.sent, self.now).unwrap();
        assert_eq!(attempt, 1 + self.failures.get(&seq).copied().unwrap_or(0));
        self.sent += 1;
        self.settle_down();
        Some(seq)
    }

    /// Nothing to send although there is room: then the whole feed was looked at, and every event that is left waits
    /// behind one of its own lane that is out or rests.
    fn nothing_more(&self) -> Option<u64> {
        let out = self.lanes.leased(u64::MAX, None);
        if out.len() < self.limits.max_in_flight {
            assert_eq!(self.lanes.scanned(), self.feed.len() as u64, "a stuck lane holds back the feed");
            for event in self.feed.iter().filter(|event| !self.gone(event.seq)) {
                let rests = |seq: u64| matches!(self.lanes.open[&seq].state, State::Resting { .. });
                let held = |other: &&Arc<Stored>| {
                    other.head == event.head && !self.gone(other.seq) && (out.contains(&other.seq) || rests(other.seq))
                };
                assert!(self.feed.iter().any(|other| held(&other)), "{} is held back by nothing", event.seq);
            }
        }
        None
    }

    fn fail(&mut self, seq: u64) {
        let failures = self.failures.entry(seq).or_default();
        *failures += 1;
    }

    fn step(&mut self, kind: u8, pick: u64) {
        let out = self.lanes.leased(u64::MAX, None);
        let held = out.get(usize::try_from(pick).unwrap() % out.len().max(1)).copied();
        match (kind, held) {
            (0..=3, _) => drop(self.send()),
            (4 | 5, Some(seq)) => self.ack(&[seq]),
            (6, Some(seq)) => {
                self.fail(seq);
                self.lanes.fail(seq, "nacked", Rest::Backoff, self.now);
            }
            (7, Some(seq)) => self.lanes.bury(&self.feed[index(seq)].clone(), "rejected", How::Rejected, self.now),
            (8, Some(upto)) => self.ack(&self.lanes.leased(upto, Some((READER, self.sent)))),
            (9, _) => self.pass_time(1_000),
            (10, _) => self.close(pick),
            (11, _) => self.restart(),
            (12, _) => self.ack(&[1 + pick % self.feed.len() as u64]),
            (13, _) => self.lanes.set_aside(self.lanes.scanned(), self.now),
            (14, Some(seq)) => self.lanes.give_back(seq, self.now.mono + 500),
            _ => {}
        }
        self.settle_down();
    }

    fn ack(&mut self, seqs: &[u64]) {
        self.lanes.ack(seqs);
        self.acked.extend(seqs);
        self.write(true);
    }

    fn pass_time(&mut self, millis: u64) {
        self.now = Moment { mono: self.now.mono + millis, wall: self.now.wall + millis };
        for seq in self.lanes.leased(u64::MAX, None) {
            if matches!(self.lanes.open[&seq].state, State::Out { until, .. } if until <= self.now.mono) {
                self.fail(seq);
            }
        }
        self.lanes.lapse(self.now);
    }

    fn close(&mut self, pick: u64) {
        let taken = self.sent - pick % (self.sent + 1).min(3);
        for seq in self.lanes.leased(u64::MAX, Some((READER, taken))) {
            self.fail(seq);
        }
        self.lanes.closed(READER, taken, self.now);
    }

    /// A crash: what was written is all there is.
    fn restart(&mut self) {
        self.settle_down();
        let settled = |(seq, row): (&u64, &Exception)| (*row == Exception::Settled).then_some(*seq);
        let settled = self.rows.iter().filter_map(settled).collect();
        self.lanes = fresh(self.limits, self.mark, settled, self.letters.clone());
        for (seq, row) in &self.rows {
            if let Exception::Waiting { attempts, not_before, failures, .. } = row {
                assert_eq!(*attempts, self.failures.get(seq).copied().unwrap_or(0));
                assert_eq!(failures.len(), *attempts as usize);
                let until = self.now.mono + not_before.saturating_sub(self.now.wall);
                self.lanes.park(*seq, &self.feed[index(*seq)].head, *attempts, failures.clone(), until);
            }
        }
    }

    fn drain(&mut self) {
        for _ in 0..self.feed.len() * 10 {
            while let Some(seq) = self.send() {
                self.ack(&[seq]);
                self.settle_down();
            }
            self.ack(&self.lanes.leased(u64::MAX, None));
            self.pass_time(100_000);
            self.settle_down();
        }
        self.write(true);
        let left: Vec<u64> = self.feed.iter().map(|event| event.seq).filter(|seq| !self.gone(*seq)).collect();
        assert_eq!(left, Vec::<u64>::new(), "lost");
        assert_eq!((self.mark, self.rows.len()), (self.feed.len() as u64, 0));
        assert_eq!(self.lanes.window, (0, 0));
        assert!(self.lanes.by_id.is_empty() && self.lanes.timers.is_empty() && self.lanes.ready.is_empty());
    }
}

fn index(seq: u64) -> usize {
    usize::try_from(seq).unwrap() - 1
}

fn fresh(limits: Limits, mark: u64, settled: BTreeSet<u64>, dead: BTreeSet<u64>) -> Lanes {
    Lanes::new("main", limits, bounds(), mark, settled, dead, Chance::seeded(7))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn p3_p4_lanes_agree_with_a_naive_model(
        lanes in prop::collection::vec(0_u8..5, 1..60),
        steps in prop::collection::vec((0_u8..15, 0_u64..64), 0..120),
        per_lane in prop::sample::select(vec![1, 2, usize::MAX]),
    ) {
        let mut world = World::new(&lanes, Limits { per_lane, ..LIMITS });
        for (kind, pick) in steps {
            world.step(kind, pick);
        }
        world.drain();
    }
}

#[test]
fn p3_a_failing_event_holds_back_its_own_lane_only() {
    let mut world = World::new(&[0, 0, 1, 0, 1, 1], LIMITS);
    assert_eq!(world.send(), Some(1));
    world.fail(1);
    world.lanes.fail(1, "nacked", Rest::Backoff, world.now);
    assert_eq!(world.send(), Some(3));
    world.ack(&[3]);
    assert_eq!(world.send(), Some(5));
    world.ack(&[5]);
    assert_eq!((world.send(), world.send()), (Some(6), None));
    world.pass_time(2_000);
    assert_eq!(world.send(), Some(1), "the failed one first");
}

#[test]
fn p3_a_stuck_event_neither_stops_the_mark_nor_fills_the_memory() {
    let lanes: Vec<u8> = (0..2_000).map(|n| u8::from(n % 3 != 0)).collect();
    let mut world = World::new(&lanes, LIMITS);
    assert_eq!(world.send(), Some(1));
    for _ in 0..1_333 {
        let seq = world.send().unwrap();
        world.ack(&[seq]);
        world.settle_down();
        assert!(world.lanes.window.0 <= bounds().events && world.lanes.settled.len() <= bounds().settled + 1);
    }
    assert!(world.mark > 1_900, "{}", world.mark);
    assert_eq!(world.lanes.place(1), Place::Open(Some(READER)));
    world.drain();
}

#[test]
fn p3_what_failed_beneath_the_mark_leaves_the_others_their_room() {
    let lanes: Vec<u8> = (0..26).map(|n| u8::from(n >= 6)).collect();
    let mut world = World::new(&lanes, Limits { max_in_flight: 6, per_lane: usize::MAX, ..LIMITS });
    world.lanes.set_aside(6, world.now);
    for expected in 1..=6 {
        assert_eq!(world.send(), Some(expected));
    }
    for seq in 1..=6 {
        world.fail(seq);
        world.lanes.fail(seq, "nacked", Rest::Backoff, world.now);
    }
    for expected in 7..=26 {
        assert_eq!(world.send(), Some(expected), "another lane flows");
        world.ack(&[expected]);
    }
    world.drain();
}

#[test]
fn up_to_means_what_this_connection_took() {
    let mut world = World::new(&[0, 1, 2, 3], Limits { max_in_flight: 4, ..LIMITS });
    for _ in 0..4 {
        world.send();
    }
    world.lanes.fail(2, "nacked", Rest::Backoff, world.now);
    assert_eq!(world.lanes.leased(4, Some((READER, 3))), [1, 3], "nothing nacked or unsent");
    assert_eq!(world.lanes.leased(4, Some((ReaderId(2), 9))), Vec::<u64>::new(), "nothing of another connection");
    assert_eq!(world.lanes.leased(3, None), [1, 3]);
}

#[test]
fn what_is_out_is_not_expired_and_the_rest_is_counted() {
    let mut world = World::new(&[0, 0, 0, 1], LIMITS);
    assert_eq!(world.send(), Some(1));
    assert_eq!(world.lanes.lowest_out(), Some(1));
    world.ack(&[1]);
    assert_eq!(world.lanes.expire(3).into_iter().map(|(seq, _)| seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(world.lanes.lowest_needed(), Some(4));
}

#[test]
fn a_retried_letter_stays_on_file_until_it_is_settled() {
    let mut world = World::new(&[0], LIMITS);
    assert_eq!(world.send(), Some(1));
    world.lanes.bury(&event(1, 0), "rejected", How::Rejected, world.now);
    world.write(false);
    world.lanes.revive(&event(1, 0), Vec::new(), world.now);
    world.write(false);
    assert!(world.letters.contains(&1) && world.rows.contains_key(&1));
    assert!(world.lanes.expire(1).is_empty(), "it does not need the feed");
    assert!(matches!(world.lanes.next(None), Some(Next::Send(_))));
    world.ack(&[1]);
    assert!(world.letters.is_empty() && world.rows.is_empty());
}
