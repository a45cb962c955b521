//! Decides whether a webhook that cannot be reached is the event's fault or the endpoint's. No I/O.
//!
//! An event that fails while others succeed is at fault itself: the failure counts as an attempt. Else the endpoint
//! is: the consumer pauses, 1 s doubling to 5 min, and then probes with one event at a time, each of another lane.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::clock::millis;
use crate::retry::Waits;
use crate::retry::attempts::{self, Chance};

/// Whose fault it is that a delivery did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The event's: an attempt, to be repeated not before this many milliseconds, if the endpoint named a time.
    Event(Option<u64>),
    /// The endpoint's: no attempt; nothing goes out before this moment (milliseconds, monotonic).
    Endpoint(u64),
}

#[derive(Debug)]
struct Pause {
    until: u64,
    count: u32,
    reason: String,
}

/// What is known of one endpoint.
#[derive(Debug)]
pub struct Reach {
    successes: u64,
    /// Of each event that is out or failed so: successes counted when it was first sent, or failed last.
    seen: HashMap<u64, u64>,
    /// The last pause, over or not; `None` after a success.
    pause: Option<Pause>,
    /// Events that the endpoint took with a 202, to settle them by the API: they may be out for hours.
    kept: BTreeSet<u64>,
    /// The event that went out last: the next probe takes another lane.
    last: u64,
    pauses: Waits,
    chance: Chance,
}

impl Reach {
    /// Nothing is known yet; an endpoint that cannot be reached is left alone for `pauses`.
    pub fn new(pauses: Waits) -> Self {
        let (seen, kept) = (HashMap::new(), BTreeSet::new());
        Self { successes: 0, seen, pause: None, kept, last: 0, pauses, chance: Chance::fresh() }
    }

    /// Whether an event may go out now, with so many on their way to the endpoint already.
    pub fn may_send(&self, now: u64, out: usize) -> bool {
        self.pause.as_ref().is_none_or(|pause| now >= pause.until && out == 0)
    }

    /// While probing: behind which event to look for the next.
    pub fn behind(&self) -> Option<u64> {
        self.pause.as_ref().map(|_| self.last)
    }

    /// An event went out.
    pub fn sent(&mut self, seq: u64) {
        self.last = seq;
        self.kept.remove(&seq);
        self.seen.entry(seq).or_insert(self.successes);
    }

    /// An event was taken with a 202: it stays out, but is not on its way any more.
    pub fn kept(&mut self, seq: u64) {
        self.kept.insert(seq);
        self.succeeded(seq);
    }

    /// How many of those that are out were taken with a 202.
    pub fn kept_of(&self, out: impl Fn(u64) -> bool) -> usize {
        self.kept.iter().filter(|seq| out(**seq)).count()
    }

    /// Whether deliveries wait for the endpoint, or probe it.
    pub fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// An event was taken.
    pub fn succeeded(&mut self, seq: u64) {
        self.successes += 1;
        self.answered(seq);
    }

    /// The endpoint answered, if not kindly: it can be reached.
    pub fn answered(&mut self, seq: u64) {
        self.seen.remove(&seq);
        self.pause = None;
    }

    /// An event did not arrive, or the endpoint asked to be left alone.
    pub fn failed(&mut self, seq: u64, reason: &str, retry_after: Option<Duration>, now: u64) -> Fault {
        let before = self.seen.insert(seq, self.successes).unwrap_or(self.successes);
        let asked = retry_after.map(|wait| millis(wait.max(self.pauses.first)).min(attempts::LONGEST));
        if self.successes > before {
            return Fault::Event(asked);
        }
        // Several that were out in one outage fail together: one pause.
        let running = self.pause.as_ref().filter(|pause| pause.until > now).map(|pause| (pause.until, pause.count));
        let count = running.map_or_else(|| self.pause.as_ref().map_or(1, |pause| pause.count + 1), |(_, count)| count);
        let own = || now + attempts::wait(count, self.pauses, &mut self.chance);
        let until = running.map_or_else(own, |(until, _)| until).max(asked.map_or(0, |asked| now + asked));
        self.pause = Some(Pause { until, count, reason: reason.to_owned() });
        Fault::Endpoint(until)
    }

    /// When the pause ends, while there is one.
    pub fn paused_until(&self) -> Option<u64> {
        self.pause.as_ref().map(|pause| pause.until)
    }

    /// The pause and its reason.
    pub fn paused(&self) -> Option<(u64, &str)> {
        self.pause.as_ref().map(|pause| (pause.until, pause.reason.as_str()))
    }

    /// Events tracked. Those that left by other ways than an answer stay until [`Reach::prune`].
    pub fn tracked(&self) -> usize {
        self.seen.len() + self.kept.len()
    }

    /// Forgets events that are not open any more.
    pub fn prune(&mut self, open: impl Fn(u64) -> bool) {
        self.seen.retain(|seq, _| open(*seq));
        self.kept.retain(|seq| open(*seq));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST_PAUSE: u64 = 300_000;

    fn reach() -> Reach {
        Reach::new(Waits { first: Duration::from_secs(1), longest: Duration::from_millis(LONGEST_PAUSE) })
    }

    fn until(fault: Fault) -> u64 {
        match fault {
            Fault::Endpoint(until) => until,
            Fault::Event(_) => panic!("the endpoint is at fault"),
        }
    }

    #[test]
    fn an_outage_pauses_and_doubles_and_ends_with_a_success() {
        let (mut reach, mut now, mut before) = (reach(), 0, 0);
        for _ in 0..12 {
            assert!(reach.may_send(now, 0));
            reach.sent(1);
            let end = until(reach.failed(1, "refused", None, now));
            assert!(end - now >= before.min(LONGEST_PAUSE / 2) && end - now <= LONGEST_PAUSE, "{}", end - now);
            assert!(!reach.may_send(end - 1, 0));
            (before, now) = (end - now, end);
        }
        assert!(before == LONGEST_PAUSE && !reach.may_send(now, 1), "one probe at a time");
        reach.sent(2);
        reach.succeeded(2);
        assert!(reach.may_send(now, 5));
    }

    #[test]
    fn an_event_that_fails_while_others_succeed_is_at_fault_itself() {
        let mut reach = reach();
        reach.sent(1);
        assert!(matches!(reach.failed(1, "504", None, 0), Fault::Endpoint(_)));
        reach.sent(2);
        reach.succeeded(2);
        reach.sent(1);
        assert_eq!(reach.failed(1, "504", None, 9), Fault::Event(None));
        reach.sent(1);
        assert!(matches!(reach.failed(1, "504", None, 20), Fault::Endpoint(_)), "nobody succeeded since");
    }

    #[test]
    fn retry_after_is_obeyed_and_clamped_and_those_out_together_pause_once() {
        let mut reach = reach();
        for seq in 1..=3 {
            reach.sent(seq);
        }
        let first = until(reach.failed(1, "down", None, 0));
        assert_eq!(until(reach.failed(2, "down", None, 0)), first);
        assert_eq!(until(reach.failed(3, "429", Some(Duration::from_secs(1 << 40)), 0)), attempts::LONGEST);
    }
}
