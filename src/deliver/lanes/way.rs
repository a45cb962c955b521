//! What is remembered of how events left, and how one stands that has not.

use super::{Lanes, Moment, Open, Place, Standing, State};
use crate::store::{Change, How, Way};

impl Lanes {
    /// How these leave by one ack: a row for each run without a gap. An event that failed has a row of its own.
    pub(super) fn acked(&self, seqs: &[u64]) -> Vec<Change> {
        let mut seqs: Vec<u64> = seqs.iter().copied().filter(|seq| self.place(*seq) != Place::Settled).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let alone = |seq: &u64| self.is_alone(*seq);
        let mut runs: Vec<(u64, Way)> = Vec::new();
        for seq in seqs {
            let way = self.way(seq, How::Acked);
            match runs.last_mut() {
                Some((last, run)) if *last + 1 == seq && joins(run, &way) && ![*last, seq].iter().any(alone) => {
                    *last = seq;
                    run.offered = run.offered.zip(way.offered).map(|((first, _), (_, latest))| (first, latest));
                }
                _ => runs.push((seq, way)),
            }
        }
        runs.into_iter().map(|(last, way)| self.change(last, way)).collect()
    }

    /// How one leaves for the dead letters.
    pub(super) fn buried(&self, seq: u64, how: How) -> Change {
        self.change(seq, self.way(seq, how))
    }

    fn change(&self, last: u64, way: Way) -> Change {
        Change::Way { consumer: self.name.clone(), last, way }
    }

    fn way(&self, seq: u64, how: How) -> Way {
        let open = self.open.get(&seq);
        let offered = open.and_then(Open::offered).map(|at| (at, at));
        // What failed for the last time is counted already.
        let under_way = |open: &Open| how != How::Dead && matches!(open.state, State::Out { .. });
        let attempts = open.map_or(0, |open| open.attempts + u32::from(under_way(open)));
        let failures = open.map(|open| open.failures.clone()).unwrap_or_default();
        Way { first: seq, offered, at: 0, attempts, how, failures }
    }

    /// A row may stand for it already, under its own sequence: the new one must take its place.
    fn is_alone(&self, seq: u64) -> bool {
        self.dead.contains(&seq) || self.open.get(&seq).is_some_and(|open| open.row)
    }

    /// How an event stands that was not settled.
    pub fn standing(&self, seq: u64, now: Moment) -> Standing {
        let wall = |mono: u64| now.wall + mono.saturating_sub(now.mono);
        match self.open.get(&seq) {
            Some(open) => match open.state {
                State::Out { until, .. } => {
                    Standing::Out { attempt: open.attempts + 1, at: open.offered, lease_until: wall(until) }
                }
                State::Resting { until } => Standing::Resting { until: wall(until) },
                State::Queued => Standing::InLine,
            },
            None if seq > self.scanned && !self.settled.contains(&seq) => Standing::Ahead,
            None => Standing::Left,
        }
    }
}

fn joins(run: &Way, next: &Way) -> bool {
    let plain = |way: &Way| way.failures.is_empty();
    plain(run) && plain(next) && run.attempts == next.attempts && run.offered.is_some() == next.offered.is_some()
}
