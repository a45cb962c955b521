//! Joins that are cut short: lost replies, crashes, and what the next run makes of them.

use agent_bridge::join::{self, Error};
use agent_bridge::store::Seat;
use agent_bridge_sim::agentunited::{Armed, Fault, Options};

use crate::bench::{Bench, ORIGIN, with_secret};
use crate::joining::{ACCEPT, LOGIN, central, fact};

#[tokio::test(start_paused = true)]
async fn a_lost_reply_of_accept_is_looked_into_and_signs_in() {
    for fault in [Fault::ReplyLost, Fault::HalfBody, Fault::NeverAnswers { applied: true }] {
        for told in [true, false] {
            let bench = Bench::new(Options { dm_channel_id: told, ..Options::default() });
            bench.sim.fault(ACCEPT, fault.clone());
            let record = bench.join_by_invite().await.unwrap();
            assert_eq!((bench.seen(ACCEPT), bench.seen(LOGIN)), (1, 1), "{fault:?}");
            let dm = bench.sim.dm(&bench.sim.primary(), &bench.sim.members()[0]);
            assert_eq!(fact(&record, "direct"), dm);
        }
    }
    // Lost before it took effect: the invite is still good, and so is the password.
    let bench = Bench::new(Options::default());
    bench.sim.fault(ACCEPT, Fault::RequestLost);
    bench.join_by_invite().await.unwrap();
    assert_eq!((bench.seen(ACCEPT), bench.seen(LOGIN)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_500_after_the_fact_is_taken_up_by_the_next_run() {
    let bench = Bench::new(Options::default());
    let invite = bench.sim.invite(None);
    bench.sim.fault(ACCEPT, Fault::StoredThen500);
    let error = bench.join(bench.wants(&invite)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    assert_eq!(bench.record().unwrap().seat, Seat::Joining);
    let chosen = bench.secret("password");
    let other = with_secret(bench.wants(&invite), "password", "another-password");
    bench.join(other).await.unwrap_err();
    assert_eq!(bench.secret("password"), chosen, "the password that may be set there is not lost");
    let record = bench.join(bench.wants(&invite)).await.unwrap();
    assert_eq!((record.seat, bench.seen(LOGIN)), (Seat::SignedIn, 2));
}

#[tokio::test(start_paused = true)]
async fn p7_a_408_of_accept_forgets_no_password_that_may_be_set_there() {
    let bench = Bench::new(Options::default());
    let invite = bench.sim.invite(None);
    bench.sim.fault(ACCEPT, Fault::Status { status: 408 });
    bench.join(bench.wants(&invite)).await.unwrap_err();
    assert_eq!(bench.record().map(|record| record.seat), Some(Seat::Joining));
    bench.join(bench.wants(&invite)).await.unwrap();
}

/// Drops the join at each of its requests, opens the store anew, and runs it again: `heard` crashes once the answer
/// was read, otherwise before that.
async fn crash_everywhere(heard: bool) {
    let mut steps = 1;
    loop {
        let mut bench = Bench::new(Options { dm_channel_id: false, ..Options::default() });
        let (invite, jwt) = (bench.sim.invite(Some("agent@workspace.test")), bench.sim.central_jwt());
        let wants = |bench: &Bench| with_secret(bench.wants(&invite), "central_jwt", &jwt);
        let log = bench.sim.clone();
        let crashed = {
            let request = wants(&bench);
            let mut silence = |_: &str| {};
            let joining = std::pin::pin!(join::join(request, &bench.means, &mut silence));
            let struck = std::pin::pin!(log.wait_for(|world| world.log().count() >= steps));
            if heard { first(joining, struck).await } else { !first(struck, joining).await }
        };
        if !crashed {
            break;
        }
        bench.restart().await;
        let record = bench.join(wants(&bench)).await.unwrap_or_else(|error| panic!("after {steps}: {error}"));
        assert_eq!((record.seat, bench.sim.members().len()), (Seat::SignedIn, 1), "after {steps} requests");
        steps += 1;
    }
    assert!(steps > 2, "it was cut short at least twice");
}

/// Whether `b` was first; both ready, `a` is.
async fn first<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> bool {
    tokio::select! {
        biased;
        _ = a => false,
        _ = b => true,
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_request_is_survived() {
    crash_everywhere(true).await;
    crash_everywhere(false).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_the_token_is_durable_is_survived_in_the_newer_dialect() {
    for broken in ["POST /agents", "POST /agents/{id}/keys"] {
        let mut bench = Bench::new(central());
        let request = with_secret(bench.wants(&bench.sim.invite(None)), "central_jwt", &bench.sim.central_jwt());
        bench.sim.fault(broken, Fault::Status { status: 500 });
        bench.join(request).await.unwrap_err();
        assert_eq!(bench.record().unwrap().seat, Seat::Joining);
        bench.restart().await;
        let mut again = bench.wants(ORIGIN);
        again.target = None;
        let record = bench.join(again).await.unwrap();
        // One accept to find the dialect, one that counted.
        assert_eq!((record.session.as_str(), bench.seen(ACCEPT)), ("key", 2), "{broken}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_in_the_newer_dialect_asks_for_a_new_invite() {
    let bench = Bench::new(central());
    let invite = bench.sim.invite(None);
    let wants = || with_secret(bench.wants(&invite), "central_jwt", &bench.sim.central_jwt());
    let lost = Armed { route: ACCEPT.into(), after: 1, count: 1, fault: Fault::ReplyLost };
    bench.sim.arm(lost);
    for run in 1..3 {
        // The platform has wiped the password: no login can help.
        let error = bench.join(wants()).await.unwrap_err().to_string();
        assert!(error.contains("already been used") && error.contains("ask the owner for a new invite"), "{error}");
        assert_eq!((bench.record().unwrap().seat, bench.seen(LOGIN)), (Seat::Joining, run));
    }
    let record = bench.record().unwrap();
    let resume = agent_bridge::session::repair_command(&bench.manifest, &record);
    assert_eq!(resume, format!("agent-bridge join agentunited {ORIGIN} --as acme"));
    // Another way in ends the matter.
    let key = bench.sim.api_key(&bench.sim.members()[0]);
    let record = bench.join(with_secret(bench.wants(ORIGIN), "api_key", &key)).await.unwrap();
    assert_eq!((record.seat, record.session.as_str()), (Seat::SignedIn, "key"));
}
