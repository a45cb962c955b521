use std::time::Duration;

use super::super::protocol::{Disconnect, Ignored};
use super::*;

const LIMITS: Limits = Limits {
    open: Duration::from_secs(10),
    welcome: Duration::from_secs(6),
    stale: Duration::from_secs(6),
    resend: Duration::from_millis(500),
    subscribe: Duration::from_secs(5),
    settle: Duration::from_secs(10),
    rarely: Duration::from_mins(15),
};

/// A connection and its time, which only the test moves.
struct Bench {
    state: State,
    now: Instant,
}

impl Bench {
    fn opened() -> Self {
        let now = Instant::now();
        Self { state: State::opened(LIMITS, now, now), now }
    }

    /// Subscribed, from a cursor or not.
    fn subscribed(from: bool) -> Self {
        let mut bench = Self::opened();
        assert!(matches!(bench.said(Said::Welcome), Do::Subscribe { leave: false }));
        bench.state.subscribed(from, bench.now);
        bench
    }

    fn confirmed() -> Self {
        let mut bench = Self::subscribed(true);
        assert!(matches!(bench.said(Said::Confirmed), Do::Confirm));
        bench
    }

    fn said(&mut self, said: Said) -> Do {
        self.state.said(said, self.now)
    }

    /// Time goes on to the next thing that is due; how long that took, and what is done.
    fn due(&mut self) -> (Duration, Do) {
        let (before, due) = (self.now, self.state.due());
        assert!(matches!(self.state.wake(due.checked_sub(Duration::from_millis(1)).unwrap()), Do::Wait), "not before");
        self.now = due;
        (due - before, self.state.wake(due))
    }

    /// A ping every 3 s for as long; nothing else may be due.
    fn pings(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_secs(3);
            assert!(matches!(self.said(Said::Ping), Do::Wait));
            assert!(matches!(self.state.wake(self.now), Do::Wait));
        }
    }
}

fn error() -> Said {
    Said::Error("gap".into())
}

#[test]
fn nothing_is_sent_before_welcome_and_without_it_the_connection_ends() {
    let mut bench = Bench::opened();
    for early in [Said::Ping, Said::Confirmed, Said::Rejected, error(), Said::Message("{}".into())] {
        assert!(matches!(bench.said(early), Do::Wait));
    }
    // A server that beats and never greets.
    bench.now += Duration::from_secs(4);
    assert!(matches!(bench.said(Said::Ping), Do::Wait));
    assert!(matches!(bench.due(), (wait, Do::Drop(Fault::NoWelcome)) if wait == Duration::from_secs(2)));
}

#[test]
fn a_subscription_that_is_not_answered_is_sent_again_a_few_times_and_then_given_up() {
    let mut bench = Bench::subscribed(true);
    for _ in 0..RESENDS {
        assert!(matches!(bench.due(), (wait, Do::Resend) if wait == LIMITS.resend));
    }
    assert!(matches!(bench.said(Said::Ping), Do::Wait));
    assert!(matches!(bench.due(), (wait, Do::Drop(Fault::Unanswered)) if wait == Duration::from_secs(3)));
}

#[test]
fn a_confirmed_one_tells_and_a_second_confirmation_says_nothing_new() {
    let mut bench = Bench::subscribed(false);
    assert!(matches!(bench.said(Said::Message("1".into())), Do::Tell(body) if body == "1"), "replayed before");
    assert!(bench.state.confirmed().is_none());
    assert!(matches!(bench.said(Said::Confirmed), Do::Confirm));
    assert!(matches!(bench.said(Said::Confirmed), Do::Wait));
    assert!(matches!(bench.said(Said::Message("2".into())), Do::Tell(body) if body == "2"));
    assert!(matches!(bench.said(Said::Ignored(Ignored::Strange)), Do::Wait));
    assert!(matches!(bench.said(Said::Welcome), Do::Wait));
    assert_eq!(bench.state.confirmed(), Some(bench.now));
}

#[test]
fn two_missed_pings_are_the_end_whatever_it_was_doing() {
    let mut bench = Bench::confirmed();
    bench.pings(Duration::from_hours(1));
    assert!(matches!(bench.due(), (wait, Do::Drop(Fault::Silent(_))) if wait == Duration::from_secs(6)));
    let mut settling = Bench::subscribed(true);
    assert!(matches!(settling.said(error()), Do::Gap(_)));
    assert!(matches!(settling.due(), (wait, Do::Drop(Fault::Silent(_))) if wait == LIMITS.stale));
    let mut strange = Bench::confirmed();
    strange.now += Duration::from_secs(5);
    strange.said(Said::Ignored(Ignored::NotJson));
    assert!(strange.due().0 == LIMITS.stale, "anything that comes is a sign of life");
}

#[test]
fn after_an_error_it_is_polled_and_ten_seconds_later_subscribed_anew() {
    let mut bench = Bench::subscribed(true);
    assert!(matches!(bench.said(error()), Do::Gap(word) if word.contains("gap")));
    assert!(matches!(bench.said(Said::Rejected), Do::Wait), "the error came first");
    bench.pings(Duration::from_secs(9));
    assert!(matches!(bench.due(), (wait, Do::Subscribe { leave: false }) if wait == Duration::from_secs(1)));
    bench.state.subscribed(false, bench.now);
    assert!(matches!(bench.said(Said::Confirmed), Do::Confirm));
}

#[test]
fn a_subscription_that_the_server_may_still_have_is_ended_before_the_next() {
    let mut bench = Bench::confirmed();
    assert!(matches!(bench.said(error()), Do::Gap(_)));
    bench.pings(Duration::from_secs(9));
    assert!(matches!(bench.due().1, Do::Subscribe { leave: true }));
}

#[test]
fn a_rejection_without_a_word_suspects_the_cursor_first_and_then_the_channel() {
    let mut bench = Bench::subscribed(true);
    assert!(matches!(bench.said(Said::Rejected), Do::Gap(_)));
    bench.pings(Duration::from_secs(9));
    assert!(matches!(bench.due().1, Do::Subscribe { leave: false }));
    bench.state.subscribed(false, bench.now);
    assert!(matches!(bench.said(Said::Rejected), Do::Drop(Fault::Refused(_))));
}

#[test]
fn errors_that_no_other_cursor_mends_are_no_loop() {
    let mut bench = Bench::subscribed(true);
    for _ in 1..IN_VAIN {
        assert!(matches!(bench.said(error()), Do::Gap(_)));
        bench.pings(Duration::from_secs(9));
        assert!(matches!(bench.due().1, Do::Subscribe { .. }));
        bench.state.subscribed(false, bench.now);
    }
    assert!(matches!(bench.said(error()), Do::Drop(Fault::Refused(word)) if word.contains("gap")));
}

#[test]
fn a_new_connection_keeps_the_wait_of_the_old_one() {
    let now = Instant::now();
    let state = State::opened(LIMITS, now, now + Duration::from_secs(4));
    let mut bench = Bench { state, now };
    assert!(matches!(bench.said(Said::Welcome), Do::Wait));
    assert!(matches!(bench.due(), (wait, Do::Subscribe { leave: false }) if wait == Duration::from_secs(4)));
}

#[test]
fn a_disconnect_ends_it_in_every_phase() {
    let gone = || Said::Disconnect(Disconnect { reason: "remote".into(), reconnect: true });
    for mut bench in [Bench::opened(), Bench::subscribed(true), Bench::confirmed()] {
        assert!(matches!(bench.said(gone()), Do::Drop(Fault::Disconnected(_))));
    }
}
