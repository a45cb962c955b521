//! Signed in by a refresh token that works once: lost replies, crashes, outages, fifty callers, wrong clocks.

use std::time::Duration;

use agent_bridge::session::{Error, Session};
use agent_bridge::store::Seat;

use crate::bench::{Bench, ask};
use crate::burrow::{Burrow, Fault};
use crate::door::{BURROW, burrow, knocks};

const REPAIR: &str = "agent-bridge join burrow https://burrow.test --as acme";

fn opened(bench: &Bench) -> Session {
    Session::open(bench.means.clone(), bench.manifest.clone(), bench.record().unwrap()).unwrap()
}

async fn joined(good_for: Option<u64>) -> (Burrow, Bench, Session) {
    let (burrow, bench) = burrow();
    bench.join(knocks(&bench)).await.unwrap();
    burrow.with(|inside| (inside.door, inside.good_for) = ("approved", good_for));
    bench.join(knocks(&bench)).await.unwrap();
    let session = opened(&bench);
    assert_eq!(session.record().seat, Seat::SignedIn);
    (burrow, bench, session)
}

async fn later(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

fn needs_action(error: &Error) {
    assert!(matches!(error, Error::NeedsAction { command, .. } if command == REPAIR), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_known_end_is_met_a_minute_before_and_both_tokens_are_durable() {
    let (burrow, mut bench, session) = joined(Some(3_600_000)).await;
    later(3_600 - 65).await;
    assert_eq!((ask(&session).await.unwrap().status, burrow.renewals().len()), (200, 0));
    later(5).await;
    assert_eq!((ask(&session).await.unwrap().status, burrow.renewals()), (200, vec!["renewal-1".to_owned()]));
    assert_eq!(bench.secret("renewal").as_deref(), Some("renewal-2"));
    assert_eq!((bench.secret("token").as_deref(), bench.secret("exchanging")), (Some("pass-2"), None));
    assert!(!bench.record().unwrap().facts.contains_key("exchanges"));
    drop(session);
    bench.restart().await;
    let session = opened(&bench);
    assert_eq!((ask(&session).await.unwrap().status, burrow.renewals().len()), (200, 1), "what is stored is good");
    later(3_600 - 50).await;
    assert_eq!((ask(&session).await.unwrap().status, burrow.renewals().len()), (200, 2), "and its end is known");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_tells_is_told_by_a_401_and_the_old_refresh_token_may_stay() {
    let (burrow, bench, session) = joined(None).await;
    burrow.with(|inside| inside.keeps_renewal = true);
    assert_eq!(session.expires(), None);
    for round in 1..=3 {
        later(40 * 86_400).await;
        assert_eq!((ask(&session).await.unwrap().status, burrow.renewals().len()), (200, round - 1));
        burrow.expire();
        assert_eq!((ask(&session).await.unwrap().status, burrow.renewals().len()), (200, round));
    }
    assert_eq!(burrow.renewals(), ["renewal-1"; 3]);
    assert_eq!(bench.secret("renewal").as_deref(), Some("renewal-1"));
}

#[tokio::test(start_paused = true)]
async fn f31_fifty_requests_that_meet_401_together_refresh_once() {
    let (burrow, _bench, session) = joined(None).await;
    burrow.expire();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { ask(&session).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status, 200);
    }
    assert_eq!(burrow.renewals(), ["renewal-1"]);
    assert!(burrow.with(|inside| inside.asked) <= 100, "each call is repeated once at most");
}

#[tokio::test(start_paused = true)]
async fn f29_a_lost_reply_is_followed_by_the_same_token_once_and_then_by_a_word_to_a_person() {
    for fault in [Fault::ReplyLost, Fault::Half, Fault::Then502] {
        let (burrow, bench, session) = joined(None).await;
        burrow.with(|inside| inside.renew_faults.push_back(fault));
        burrow.expire();
        assert!(matches!(ask(&session).await.unwrap_err(), Error::Waiting { .. }), "{fault:?}");
        let mut last = None;
        for _ in 0..60 {
            later(10).await;
            last = ask(&session).await.err();
        }
        // The platform has taken it the first time, and says so the second time.
        assert_eq!(burrow.renewals(), ["renewal-1", "renewal-1"], "{fault:?}");
        needs_action(&last.unwrap());
        assert!(matches!(bench.record().unwrap().seat, Seat::NeedsAction { .. }), "durably");
        assert_eq!(bench.secret("renewal").as_deref(), Some("renewal-1"), "nothing is wiped");
    }
}

#[tokio::test(start_paused = true)]
async fn f29_a_request_that_was_lost_on_its_way_is_made_good_by_the_second() {
    let (burrow, bench, session) = joined(None).await;
    burrow.with(|inside| inside.renew_faults.push_back(Fault::Lost));
    burrow.expire();
    ask(&session).await.unwrap_err();
    later(10).await;
    assert_eq!(ask(&session).await.unwrap().status, 200);
    assert_eq!(burrow.renewals(), ["renewal-1", "renewal-1"]);
    assert_eq!((bench.secret("renewal").as_deref(), bench.secret("exchanging")), (Some("renewal-2"), None));
}

#[tokio::test(start_paused = true)]
async fn f30_a_crash_before_the_new_tokens_are_stored_is_a_lost_reply() {
    for first_is_taken in [true, false] {
        let (burrow, mut bench, session) = joined(None).await;
        let fault = if first_is_taken { Fault::ReplyLost } else { Fault::Lost };
        burrow.with(|inside| inside.renew_faults.extend([fault, Fault::ReplyLost]));
        burrow.expire();
        ask(&session).await.unwrap_err();
        drop(session);
        bench.restart().await;
        assert_eq!(bench.secret("exchanging").as_deref(), Some("renewal-1"), "the intent is durable");
        let session = opened(&bench);
        ask(&session).await.unwrap_err();
        drop(session);
        bench.restart().await;
        let session = opened(&bench);
        needs_action(&ask(&session).await.unwrap_err());
        for _ in 0..100 {
            later(60).await;
            needs_action(&ask(&session).await.unwrap_err());
        }
        assert_eq!(burrow.renewals(), ["renewal-1", "renewal-1"], "two in all, over three lives");
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_arrived_or_was_not_taken_does_not_count_and_patience_is_obeyed() {
    let (burrow, bench, session) = joined(None).await;
    burrow.with(|inside| inside.renew_faults.extend([429, 503, 403, 404, 429].map(Fault::Refuses)));
    burrow.expire();
    for nth in 1..=5 {
        let error = ask(&session).await.unwrap_err();
        let Error::Waiting { retry_in, .. } = &error else { panic!("{error}") };
        assert!(*retry_in >= Duration::from_secs(7), "{nth}: {retry_in:?}");
        assert_eq!((burrow.renewals().len(), bench.secret("exchanging")), (nth, None));
        ask(&session).await.unwrap_err();
        assert_eq!(burrow.renewals().len(), nth, "not before that");
        tokio::time::advance(*retry_in).await;
    }
    assert_eq!(ask(&session).await.unwrap().status, 200);
    bench.network.unplug(BURROW);
    later(60).await;
    ask(&session).await.unwrap_err();
    assert_eq!(bench.secret("exchanging"), None);
}

#[tokio::test(start_paused = true)]
async fn an_outage_ahead_of_the_end_costs_no_seat() {
    let (burrow, bench, session) = joined(Some(3_600_000)).await;
    burrow.with(|inside| {
        inside.says = Some(502);
        inside.renew_faults.push_back(Fault::Lost);
    });
    later(3_600 - 55).await;
    // Everything is down: the last try waits until something answers.
    for _ in 0..60 {
        assert_eq!(ask(&session).await.unwrap().status, 502);
        later(10).await;
    }
    assert_eq!(burrow.renewals(), ["renewal-1"]);
    burrow.with(|inside| inside.says = None);
    assert_eq!(ask(&session).await.unwrap().status, 200, "the old token goes on");
    assert_eq!(ask(&session).await.unwrap().status, 200);
    assert_eq!(burrow.renewals(), ["renewal-1", "renewal-1"]);
    assert_eq!(bench.secret("renewal").as_deref(), Some("renewal-2"));
}

#[tokio::test(start_paused = true)]
async fn two_lost_replies_end_the_renewals_and_not_the_token_in_use() {
    let (burrow, bench, session) = joined(Some(3_600_000)).await;
    burrow.with(|inside| inside.renew_faults.extend([Fault::Lost, Fault::Lost]));
    later(3_600 - 55).await;
    for _ in 0..50 {
        assert_eq!(ask(&session).await.unwrap().status, 200);
        later(10).await;
    }
    assert_eq!(burrow.renewals().len(), 2);
    assert_eq!(bench.record().unwrap().seat, Seat::SignedIn);
    burrow.expire();
    needs_action(&ask(&session).await.unwrap_err());
    assert_eq!((burrow.renewals().len(), bench.secret("renewal").as_deref()), (2, Some("renewal-1")));
}

#[tokio::test(start_paused = true)]
async fn a_403_is_an_answer_and_no_reason_to_renew() {
    let (burrow, bench, session) = joined(None).await;
    burrow.with(|inside| inside.says = Some(403));
    for _ in 0..20 {
        assert_eq!(ask(&session).await.unwrap().status, 403);
        later(60).await;
    }
    assert_eq!((burrow.renewals().len(), bench.record().unwrap().seat), (0, Seat::SignedIn));
}

#[tokio::test(start_paused = true)]
async fn after_two_401s_in_a_row_it_holds_off_for_a_minute_and_a_short_trouble_costs_no_seat() {
    let (burrow, bench, session) = joined(None).await;
    burrow.with(|inside| inside.blind = true);
    assert_eq!((ask(&session).await.unwrap().status, burrow.renewals().len()), (401, 1));
    for _ in 0..59 {
        assert!(
            matches!(ask(&session).await, Err(Error::Waiting { retry_in, .. }) if retry_in <= Duration::from_mins(1))
        );
        later(1).await;
    }
    assert_eq!(burrow.renewals().len(), 1);
    later(1).await;
    assert_eq!((ask(&session).await.unwrap().status, burrow.renewals().len()), (401, 2));
    later(30).await;
    burrow.with(|inside| inside.blind = false);
    assert_eq!((ask(&session).await.unwrap().status, burrow.renewals().len()), (200, 2), "the newest token was good");
    assert_eq!(bench.record().unwrap().seat, Seat::SignedIn);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_nothing_accepts_are_not_renewed_for_ever() {
    let (burrow, _bench, session) = joined(None).await;
    burrow.with(|inside| inside.blind = true);
    let mut last = None;
    for _ in 0..120 {
        last = ask(&session).await.err();
        later(5).await;
    }
    needs_action(&last.unwrap());
    assert!(burrow.renewals().len() <= 4, "{:?}", burrow.renewals());
}

#[tokio::test(start_paused = true)]
async fn f32_a_clock_that_jumps_a_day_makes_no_storm_and_ends_no_token() {
    for jump in [86_400_000, -86_400_000] {
        let (burrow, bench, session) = joined(Some(3_600_000)).await;
        bench.clock.jump(jump);
        for _ in 0..20 {
            assert_eq!(ask(&session).await.unwrap().status, 200);
            later(60).await;
        }
        assert_eq!(burrow.renewals().len(), 0, "{jump}");
        // Opened again, and given a token, by the wrong clock: one renewal each at most.
        let session = opened(&bench);
        burrow.expire();
        for _ in 0..30 {
            assert_eq!(ask(&session).await.unwrap().status, 200);
            later(60).await;
        }
        assert!((1..=2).contains(&burrow.renewals().len()), "{jump}: {:?}", burrow.renewals());
        bench.clock.jump(-jump);
        for _ in 0..20 {
            assert_eq!(ask(&session).await.unwrap().status, 200);
            later(60).await;
        }
        assert!(burrow.renewals().len() <= 3, "{jump}: {:?}", burrow.renewals());
    }
}
