//! Being signed in: renewals, 401s, keys, clocks; and what a person is told when only a person can help.

use std::time::Duration;

use agent_bridge::adapter::{Call, Scope};
use agent_bridge::http::{Failure, PrivateUrl, Request};
use agent_bridge::join;
use agent_bridge::session::{Error, Session};
use agent_bridge::store::Seat;
use agent_bridge_sim::agentunited::{Fault, Options};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::bench::{Bench, ORIGIN, ask, name, with_secret};

const LOGIN: &str = "POST /auth/login";
const ASK: &str = "GET /channels";

fn opened(bench: &Bench) -> Session {
    let record = bench.record().unwrap();
    Session::open(bench.means.clone(), bench.manifest.clone(), record).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_five_minutes_before_its_end_and_is_durable() {
    let mut bench = Bench::new(Options::default());
    let session = bench.joined().await;
    tokio::time::advance(Duration::from_mins(24 * 60 - 6)).await;
    assert_eq!((ask(&session).await.unwrap().status, bench.seen(LOGIN)), (200, 0));
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!((ask(&session).await.unwrap().status, bench.seen(LOGIN)), (200, 1));
    let left = session.expires().unwrap() - bench.clock.now();
    assert!(left > 86_000_000, "a day again: {left} ms");

    drop(session);
    bench.restart().await;
    let session = opened(&bench);
    assert_eq!((ask(&session).await.unwrap().status, bench.seen(LOGIN)), (200, 1), "the stored token is good");
}

#[tokio::test(start_paused = true)]
async fn fifty_calls_that_meet_401_together_log_in_once() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    bench.sim.expire_token(&bench.sim.members()[0]);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { ask(&session).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status, 200);
    }
    assert_eq!(bench.seen(LOGIN), 1);
    assert!(bench.seen(ASK) <= 101, "each call is repeated once at most");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_goes_on_when_its_caller_gives_up() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    bench.sim.expire_token(&bench.sim.members()[0]);
    bench.sim.fault(LOGIN, Fault::DelayReply { millis: 5_000 });
    let old = bench.secret("token");
    assert!(tokio::time::timeout(Duration::from_secs(1), ask(&session)).await.is_err(), "the caller gave up");
    bench.means.tasks.close();
    bench.means.tasks.wait().await;
    assert_ne!(bench.secret("token"), old);
    assert_eq!((ask(&session).await.unwrap().status, bench.seen(LOGIN)), (200, 1));
}

#[tokio::test(start_paused = true)]
async fn while_the_login_is_down_a_good_token_goes_on_and_nothing_is_hammered() {
    for fault in [Fault::Status { status: 500 }, Fault::Html, Fault::ReplyLost, Fault::TruncatedJson] {
        let bench = Bench::new(Options::default());
        let session = bench.joined().await;
        bench.always(LOGIN, fault.clone());
        tokio::time::advance(Duration::from_mins(24 * 60 - 5)).await;
        for _ in 0..4 * 60 {
            assert_eq!(ask(&session).await.unwrap().status, 200, "{fault:?}: the old token is still good");
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(session.waiting().is_some());
        assert!((3..=10).contains(&bench.seen(LOGIN)), "{} logins in four minutes", bench.seen(LOGIN));

        tokio::time::advance(Duration::from_mins(5)).await;
        let error = ask(&session).await.unwrap_err();
        assert!(matches!(&error, Error::Waiting { retry_in, .. } if *retry_in <= Duration::from_mins(5)), "{error}");
        assert!(!error.may_have_happened());
        bench.sim.clear_faults();
        tokio::time::advance(Duration::from_mins(5)).await;
        assert_eq!(ask(&session).await.unwrap().status, 200, "{fault:?}: back without a person");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_asks_for_patience_gets_it_within_reason() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    bench.sim.expire_token(&bench.sim.members()[0]);
    bench.always(LOGIN, Fault::TooMany { retry_after: "99999999".into() });
    let error = ask(&session).await.unwrap_err();
    assert!(matches!(error, Error::Waiting { retry_in, .. } if retry_in == Duration::from_hours(1)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_needs_a_person_and_sends_nothing_more() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    let mut changes = session.changes();
    let user = bench.sim.members()[0].clone();
    bench.sim.wipe_password(&user);
    bench.sim.expire_token(&user);
    let error = ask(&session).await.unwrap_err();
    assert!(matches!(&error, Error::NeedsAction { .. }), "{error}");
    assert!(
        error.to_string().ends_with(&format!("agent-bridge join agentunited {ORIGIN} --as acme --secret password=-"))
    );
    assert!(matches!(changes.borrow_and_update().seat, Seat::NeedsAction { .. }));
    assert_eq!(bench.record().unwrap().seat, session.record().seat, "durably");
    let seen = bench.sim.log().len();
    for _ in 0..10 {
        ask(&session).await.unwrap_err();
        tokio::time::advance(Duration::from_hours(1)).await;
    }
    assert_eq!(bench.sim.log().len(), seen, "never a loop on 401");
}

#[tokio::test(start_paused = true)]
async fn a_401_that_no_token_cures_reaches_the_caller_and_never_loops() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    bench.always("GET /users", Fault::Status { status: 401 });
    let people = session.manifest().asks.get("people").unwrap().call.clone();
    let answer = session.call(&people, Scope::new()).await.unwrap();
    assert_eq!((answer.status, bench.seen("GET /users"), bench.seen(LOGIN)), (401, 2, 1));
    for _ in 0..600 {
        let _ = session.call(&people, Scope::new()).await;
        assert_eq!(ask(&session).await.unwrap().status, 200, "one route's 401 stops no other");
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(bench.seen(LOGIN) < 15, "{} logins in ten minutes", bench.seen(LOGIN));
}

#[tokio::test(start_paused = true)]
async fn tokens_that_nothing_accepts_end_in_a_word_to_a_person() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    bench.always(ASK, Fault::Status { status: 401 });
    let mut last = None;
    for _ in 0..60 {
        last = ask(&session).await.err();
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    assert!(last.is_some_and(|error| error.to_string().contains("gives tokens and accepts none of them")));
    assert!(bench.seen(LOGIN) <= 4, "{}", bench.seen(LOGIN));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_a_day_makes_no_login_at_all() {
    for jump in [86_400_000, -86_400_000] {
        let bench = Bench::new(Options::default());
        let session = bench.joined().await;
        bench.clock.jump(jump);
        for _ in 0..20 {
            assert_eq!(ask(&session).await.unwrap().status, 200);
            tokio::time::advance(Duration::from_mins(1)).await;
        }
        assert_eq!(bench.seen(LOGIN), 0, "{jump}");
        bench.sim.expire_token(&bench.sim.members()[0]);
        for _ in 0..20 {
            assert_eq!(ask(&session).await.unwrap().status, 200);
            tokio::time::advance(Duration::from_mins(1)).await;
        }
        assert_eq!(bench.seen(LOGIN), 1, "{jump}: a 401 has the last word, once");
        let again = opened(&bench);
        bench.clock.jump(-jump);
        assert_eq!((ask(&again).await.unwrap().status, bench.seen(LOGIN)), (200, 1), "{jump}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_goes_as_it_is_and_a_401_on_it_needs_a_person() {
    let bench = Bench::new(Options::default());
    let user = bench.sim.person("Ada");
    let key = bench.sim.api_key(&user);
    let record = bench.join(with_secret(bench.wants(ORIGIN), "api_key", &key)).await.unwrap();
    let session = Session::open(bench.means.clone(), bench.manifest.clone(), record).unwrap();
    assert_eq!((ask(&session).await.unwrap().status, session.expires()), (200, None));
    bench.sim.revoke_keys(&user);
    let error = ask(&session).await.unwrap_err().to_string();
    assert!(error.contains("--secret api_key=-"), "{error}");
    let seen = bench.sim.log().len();
    ask(&session).await.unwrap_err();
    assert_eq!(bench.sim.log().len(), seen);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_opened_again_with_a_new_token() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    bench.sim.expire_token(&bench.sim.members()[0]);
    let call = Call { method: http::Method::GET, ..bench.manifest.asks.get("conversations").unwrap().call.clone() };
    let mut extra = HeaderMap::new();
    extra.insert(http::header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    let stream = session.stream(&call, Scope::new(), extra).await.unwrap();
    assert_eq!((stream.status, bench.seen(LOGIN)), (200, 1));
}

#[tokio::test(start_paused = true)]
async fn a_credential_goes_to_its_own_origin_only_and_does_not_print() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    let request = |url: &str| Request {
        method: http::Method::GET,
        url: PrivateUrl::new(url.parse().unwrap()),
        headers: HeaderMap::new(),
        body: agent_bridge::http::Body::Empty,
        bounds: agent_bridge::http::Bounds::default(),
        bare: false,
    };
    for foreign in ["https://evil.test/api/v1/channels", "http://workspace.test/", "https://workspace.test:8443/"] {
        assert!(matches!(session.authorise(request(foreign)).await, Err(Error::Foreign { .. })), "{foreign}");
    }
    let request = session.authorise(request("https://workspace.test/api/v1/channels")).await.unwrap();
    let token = bench.secret("token").unwrap();
    assert!(request.headers["authorization"].to_str().unwrap().ends_with(&token));
    assert!(!format!("{request:?}").contains(&token));
    assert_eq!(bench.means.network.call(request).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_learnt_is_durable_and_a_left_workspace_stays_left() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    session.learn("seen_rooms", json!(3)).await.unwrap();
    assert_eq!(bench.record().unwrap().facts["seen_rooms"], 3);
    assert_eq!(bench.record().unwrap(), session.record());
    join::leave(&bench.means.store, &name()).await.unwrap();
    assert!(matches!(session.learn("late", json!(1)).await, Err(Error::Left(_))));
    bench.sim.expire_token(&bench.sim.members()[0]);
    ask(&session).await.unwrap_err();
    assert_eq!((bench.record(), bench.secret("token")), (None, None), "a renewal does not bring it back");
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_is_gone_is_a_failure_of_the_network() {
    let bench = Bench::new(Options::default());
    let session = bench.joined().await;
    bench.network.unplug(ORIGIN);
    let error = ask(&session).await.unwrap_err();
    assert!(matches!(&error, Error::Network(Failure::Unreachable { .. })), "{error}");
    assert!(!error.may_have_happened());
}
