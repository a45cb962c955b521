//! How an event leaves a consumer, or comes back to it: ack, failure, rejection, a closed connection, age.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Lanes, Moment, Open, Place, Rest, State, except};
use crate::deliver::subscription::ReaderId;
use crate::event::{Head, Stored};
use crate::retry::attempts;
use crate::store::{Change, DeadLetter, Exception, Failure, How};

impl Lanes {
    /// Where an event stands.
    pub fn place(&self, seq: u64) -> Place {
        match self.open.get(&seq) {
            Some(Open { state: State::Out { reader, .. }, .. }) => Place::Open(Some(*reader)),
            Some(_) => Place::Open(None),
            None if self.dead.contains(&seq) => Place::Dead,
            None if seq <= self.scanned || self.settled.contains(&seq) => Place::Settled,
            None => Place::Ahead,
        }
    }

    /// The body of an open event, where it is in memory.
    pub fn body(&self, seq: u64) -> Option<Arc<Stored>> {
        self.open.get(&seq)?.body.clone()
    }

    /// What is leased up to `upto`: to `reader` and written to it (`written` deliveries so far), or to anybody.
    pub fn leased(&self, upto: u64, reader: Option<(ReaderId, u64)>) -> Vec<u64> {
        let held = |seq: &&u64| match (self.open[*seq].state, reader) {
            (State::Out { reader, index, .. }, Some((mine, written))) => reader == mine && index < written,
            (state, _) => matches!(state, State::Out { .. }),
        };
        self.out.range(..=upto).filter(held).copied().collect()
    }

    /// The agent has done with events: settles them for good, in whatever state they are.
    pub fn ack(&mut self, seqs: &[u64]) {
        let ways = self.acked(seqs);
        self.changes.extend(ways);
        self.settle(seqs);
    }

    /// Settles events without a word on how they left.
    pub fn settle(&mut self, seqs: &[u64]) {
        let mut left = Vec::with_capacity(seqs.len());
        for seq in seqs {
            match self.take(*seq) {
                Some(open) => left.push((*seq, open.row)),
                None if *seq > self.scanned && self.settled.insert(*seq) => {
                    self.changes.push(except(&self.name, *seq, Some(Exception::Settled)));
                }
                None => {}
            }
            if self.dead.remove(seq) {
                self.changes.push(Change::Dead { consumer: self.name.clone(), seq: *seq, letter: None });
            }
        }
        self.balance();
        for (seq, row) in left {
            self.write_left(seq, row);
        }
    }

    /// A failed attempt: rests, or goes to the dead letters after the last.
    pub fn fail(&mut self, seq: u64, reason: &str, rest: Rest, now: Moment) {
        let Some(open) = self.open.get_mut(&seq) else { return };
        open.attempts += 1;
        let (attempts, offered) = (open.attempts, open.offered());
        Failure::note(&mut open.failures, offered, now.wall, reason);
        if attempts >= self.limits.max_attempts
            && let Some(event) = open.body.clone()
        {
            return self.bury(&event, reason, How::Dead, now);
        }
        let backoff = attempts::wait(attempts, self.bounds.attempts, &mut self.chance);
        let rest = match rest {
            Rest::Backoff => backoff,
            Rest::Exactly(millis) => millis,
            Rest::AtLeast(millis) => backoff.max(millis),
        };
        let rest = rest.min(attempts::LONGEST.max(backoff));
        open.row = true;
        let (not_before, reason, failures) = (now.wall + rest, reason.to_owned(), open.failures.clone());
        let row = Exception::Waiting { attempts, not_before, reason, failures };
        self.changes.push(except(&self.name, seq, Some(row)));
        self.rest(seq, now.mono + rest);
    }

    /// Puts an event that is out back in line, no attempt counted, not before `mono`.
    pub fn give_back(&mut self, seq: u64, mono: u64) {
        if self.out.contains(&seq) {
            self.rest(seq, mono);
        }
    }

    /// To the dead letters, now. `event` is that event.
    pub fn bury(&mut self, event: &Stored, reason: &str, how: How, now: Moment) {
        let way = self.buried(event.seq, how);
        let Some(open) = self.take(event.seq) else { return };
        let text = String::from_utf8_lossy(&event.bytes).into_owned();
        let (reason, attempts, failures) = (reason.to_owned(), open.attempts, open.failures);
        let letter = Some(Box::new(DeadLetter { at: now.wall, reason, attempts, failures, event: text }));
        self.changes.push(way);
        self.changes.push(Change::Dead { consumer: self.name.clone(), seq: event.seq, letter });
        self.dead.insert(event.seq);
        self.balance();
        self.write_left(event.seq, open.row);
    }

    /// A lease starts anew; `None` where this reader (or anybody) holds none.
    pub fn extend(&mut self, seq: u64, now: Moment) -> Option<u64> {
        let open = self.open.get_mut(&seq)?;
        let State::Out { until, .. } = &mut open.state else { return None };
        self.timers.remove(&(*until, seq));
        *until = now.mono + self.limits.ack_wait;
        self.timers.insert((*until, seq));
        Some(now.wall + self.limits.ack_wait)
    }

    /// Time has passed: leases lapse, rests end.
    pub fn lapse(&mut self, now: Moment) {
        while let Some((at, seq)) = self.timers.first().copied().filter(|(at, _)| *at <= now.mono) {
            self.timers.remove(&(at, seq));
            match self.open.get_mut(&seq).map(|open| (&mut open.state, open.lane)) {
                Some((State::Out { .. }, _)) => self.fail(seq, "the lease lapsed", Rest::Backoff, now),
                Some((state, lane)) => {
                    *state = State::Queued;
                    self.refresh(lane);
                }
                None => {}
            }
        }
    }

    /// A connection closed that had taken `taken` deliveries: those count a failed attempt, the rest goes back.
    pub fn closed(&mut self, reader: ReaderId, taken: u64, now: Moment) {
        for seq in self.out.clone() {
            let State::Out { reader: holder, index, .. } = self.open[&seq].state else { continue };
            if holder == reader && index < taken {
                self.fail(seq, "the connection closed", Rest::Backoff, now);
            } else if holder == reader {
                self.give_back(seq, now.mono);
            }
        }
        self.lapse(now);
    }

    /// Settles without a word what is in line and no longer wanted.
    pub fn sift(&mut self, wanted: impl Fn(&Head) -> bool) {
        let unwanted = |open: &Open| {
            let out = matches!(open.state, State::Out { .. });
            !out && open.body.as_ref().is_some_and(|event| !wanted(&event.head))
        };
        let gone: Vec<u64> = self.open.iter().filter(|(_, open)| unwanted(open)).map(|(seq, _)| *seq).collect();
        self.settle(&gone);
    }

    /// Gives up what is in line up to `upto`, but for retried letters, and says what that is, with the bodies that
    /// are in memory. What is out stays out.
    pub fn expire(&mut self, upto: u64) -> Vec<(u64, Option<Arc<Stored>>)> {
        let old = |seq: &u64| !self.dead.contains(seq) && !self.out.contains(seq);
        let open = self.open.range(..=upto).filter(|(seq, _)| old(seq));
        let gone: Vec<_> = open.map(|(seq, open)| (*seq, open.body.clone())).collect();
        self.settle(&gone.iter().map(|(seq, _)| *seq).collect::<Vec<_>>());
        gone
    }

    /// Drops the row of an event that waits and is nowhere any more.
    pub fn forget(&mut self, seq: u64) {
        self.changes.push(except(&self.name, seq, None));
    }

    /// A dead letter back into delivery, with what is remembered of its failures; it stays on file until its event is
    /// settled.
    pub fn revive(&mut self, event: &Arc<Stored>, failures: Vec<Failure>, now: Moment) {
        let seq = event.seq;
        let reason = "put back by the operator".to_owned();
        let row = Exception::Waiting { attempts: 0, not_before: now.wall, reason, failures: failures.clone() };
        self.changes.push(except(&self.name, seq, Some(row)));
        self.settled.remove(&seq);
        let lane = self.lane(&event.head);
        let body = Some(event.clone());
        let state = State::Queued;
        self.admit(seq, Open { lane, attempts: 0, state, offered: 0, failures, row: true, body });
    }

    /// The lowest event that the feed must keep for this consumer; `None` where it needs nothing up to `scanned`.
    pub fn lowest_needed(&self) -> Option<u64> {
        self.open.keys().find(|seq| !self.dead.contains(seq)).copied()
    }

    /// The lowest event that is out.
    pub fn lowest_out(&self) -> Option<u64> {
        self.out.first().copied()
    }

    /// Dead letters on file.
    pub const fn dead(&self) -> &BTreeSet<u64> {
        &self.dead
    }

    /// (looked at, open, out, failed or beneath the mark).
    pub fn figures(&self) -> (u64, usize, usize, usize) {
        let waiting = self.open.values().filter(|open| open.row).count();
        (self.scanned, self.open.len(), self.out.len(), waiting)
    }

    /// Takes an event out of everything.
    fn take(&mut self, seq: u64) -> Option<Open> {
        let open = self.open.remove(&seq)?;
        if let State::Out { until, .. } | State::Resting { until } = open.state {
            self.timers.remove(&(until, seq));
        }
        let out = self.out.remove(&seq);
        if !out {
            self.leave_window(open.body.as_ref().map(|event| event.bytes.len()));
        }
        if let Some(lane) = self.by_id.get_mut(&open.lane) {
            lane.queue.remove(&seq);
            lane.out -= usize::from(out);
        }
        self.refresh(open.lane);
        Some(open)
    }

    /// Back into its lane's queue, resting.
    fn rest(&mut self, seq: u64, mono: u64) {
        let Some(open) = self.open.get_mut(&seq) else { return };
        if let State::Out { until, .. } | State::Resting { until } = open.state {
            self.timers.remove(&(until, seq));
        }
        open.state = State::Resting { until: mono };
        self.timers.insert((mono, seq));
        if seq <= self.mark {
            // It is read again when it is due: what rests beneath the mark must not fill the window.
            let body = open.body.take();
            if !self.out.contains(&seq) {
                let bytes = body.map(|event| event.bytes.len());
                self.leave_window(bytes);
            }
        }
        let Some(open) = self.open.get(&seq) else { return };
        let (lane, bytes) = (open.lane, open.body.as_ref().map(|event| event.bytes.len()));
        if self.out.remove(&seq) {
            if let Some(bytes) = bytes {
                self.window = (self.window.0 + 1, self.window.1 + bytes);
            }
            if let Some(lane) = self.by_id.get_mut(&lane) {
                lane.queue.insert(seq);
                lane.out -= 1;
            }
        }
        self.refresh(lane);
    }

    /// Writes that an event left: above the mark as settled, beneath it by dropping its waiting row.
    fn write_left(&mut self, seq: u64, row: bool) {
        if seq > self.mark {
            self.settled.insert(seq);
            self.changes.push(except(&self.name, seq, Some(Exception::Settled)));
        } else if row {
            self.changes.push(except(&self.name, seq, None));
        }
    }
}
