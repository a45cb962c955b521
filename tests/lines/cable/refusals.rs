//! What a server says instead of serving: openings that are refused, and disconnects of every reason.

use std::sync::atomic::Ordering;
use std::time::Duration;

use agent_bridge::line::Reason;
use agent_bridge::line::action_cable::Stopped;
use agent_bridge::store::Seat;
use serde_json::json;

use super::bench::{CANARY, Ear, Platform};

#[tokio::test]
async fn f25_disconnects_bring_it_back_or_stop_it_as_each_asks() {
    for (reason, reconnect) in [("server_restart", true), ("remote", true), ("something new", true)] {
        let mut platform = Platform::start().await;
        let mut ear = Ear::on(&platform).await;
        let (mut peer, _) = platform.live().await;
        ear.is_welcomed().await;
        peer.disconnect(reason, reconnect).await;
        assert!(ear.down().await.0.contains(reason));
        platform.live().await;
        ear.is_welcomed().await;
    }
    for (reason, reconnect) in
        [("invalid_request", true), ("invalid_request", false), ("server_restart", false), ("remote", false)]
    {
        let mut platform = Platform::start().await;
        let mut ear = Ear::on(&platform).await;
        let mut peer = platform.welcome().await;
        peer.subscribe().await;
        peer.disconnect(reason, reconnect).await;
        assert!(matches!(ear.stopped().await, Stopped::Cable(why) if why.contains(reason)));
        peer.leaves().await;
        assert!(platform.is_quiet());
        assert_eq!(ear.status.borrow().phase, "stopped");
    }
}

#[tokio::test]
async fn f25_unauthorized_refreshes_the_session_once_and_what_refuses_the_new_one_too_is_left_for_long() {
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    let knock = platform.knock().await;
    assert_eq!(knock.token(), format!("{CANARY}-0"));
    let mut peer = knock.open().await;
    peer.disconnect("unauthorized", false).await;
    let knock = platform.knock().await;
    assert_eq!((knock.token(), platform.logins.load(Ordering::SeqCst)), (&*format!("{CANARY}-1"), 1));
    // Another way of saying it.
    knock.answer("401 Unauthorized", "").await;
    let (why, wait) = ear.down().await;
    assert!(why.contains("does not accept the session") && wait > Duration::from_mins(30), "{why} {wait:?}");
    assert_eq!(platform.logins.load(Ordering::SeqCst), 1, "never a loop on 401");
    assert!(platform.is_quiet());
    assert_eq!(ear.session.record().seat, Seat::SignedIn, "the rest of the platform may be well");
}

#[tokio::test]
async fn a_live_cable_that_is_shut_for_its_credential_is_down_until_it_is_back() {
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    let (mut peer, _) = platform.live().await;
    ear.is_welcomed().await;
    peer.disconnect("unauthorized", false).await;
    let (why, wait) = ear.down().await;
    assert!(why.contains("does not accept the session") && wait.is_zero(), "{why} {wait:?}");
    let knock = platform.knock().await;
    assert_ne!(ear.status.borrow().phase, "live");
    let mut peer = knock.open().await;
    peer.say(&json!({ "type": "welcome" })).await;
    let identifier = peer.subscribe().await;
    peer.kind("confirm_subscription", &identifier).await;
    ear.is_welcomed().await;
}

#[tokio::test]
async fn many_that_are_refused_together_do_not_come_back_together() {
    let (mut platform, mut waits) = (Platform::start().await, Vec::new());
    for _ in 0..8 {
        let mut ear = Ear::on(&platform).await;
        platform.knock().await.answer("404 Not Found", "").await;
        waits.push(ear.down().await.1);
    }
    waits.sort_unstable();
    assert!(waits[7] <= Duration::from_hours(1) && waits[0] >= Duration::from_mins(44), "{waits:?}");
    assert!(waits[7].saturating_sub(waits[0]) > Duration::from_mins(1), "{waits:?}");
}

#[tokio::test]
async fn a_refused_opening_is_opened_anew_with_another_credential() {
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    platform.knock().await.answer("401 Unauthorized", "").await;
    platform.live().await;
    ear.is_welcomed().await;
    assert_eq!(platform.logins.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn where_no_credential_can_be_got_a_person_is_called() {
    let mut platform = Platform::start().await;
    platform.refuses_logins.store(true, Ordering::SeqCst);
    let mut ear = Ear::on(&platform).await;
    platform.knock().await.open().await.disconnect("unauthorized", false).await;
    let stopped = ear.stopped().await;
    assert!(matches!(stopped, Stopped::Line(Reason::NeedsAction { .. })), "{stopped:?}");
    assert!(matches!(ear.session.record().seat, Seat::NeedsAction { .. }));
}

#[tokio::test]
async fn an_opening_that_is_refused_is_tried_again_after_its_own_time() {
    let hour = Duration::from_mins(30)..=Duration::from_hours(1);
    let at_once = Duration::ZERO..=Duration::from_millis(20);
    // And chance on top, or all that were told so would come back together.
    let seven = Duration::from_secs(1)..=Duration::from_millis(7_020);
    for (status, headers, range) in [
        ("403 Forbidden", "", &hour),
        ("404 Not Found", "", &hour),
        ("200 OK", "", &hour),
        ("429 Too Many Requests", "retry-after: 7\r\n", &seven),
        ("503 Service Unavailable", "retry-after: 7\r\n", &seven),
        ("503 Service Unavailable", "", &at_once),
        ("500 Internal Server Error", "", &at_once),
    ] {
        let mut platform = Platform::start().await;
        let mut ear = Ear::on(&platform).await;
        platform.knock().await.answer(status, headers).await;
        let (why, wait) = ear.down().await;
        assert!(range.contains(&wait), "{status}: {wait:?}");
        assert!(why.contains(&status[..3]) || headers.starts_with("retry"), "{why}");
    }
}

#[tokio::test]
async fn another_protocol_than_the_one_that_is_spoken_stops_it_for_good() {
    for chosen in ["actioncable-unsupported", "actioncable-v1-msgpack", ""] {
        let mut platform = Platform::start().await;
        let mut ear = Ear::on(&platform).await;
        let header = if chosen.is_empty() { String::new() } else { format!("sec-websocket-protocol: {chosen}\r\n") };
        let peer = platform.knock().await.open_as(&header).await;
        assert!(matches!(ear.stopped().await, Stopped::Cable(why) if why.contains(chosen)));
        peer.leaves().await;
        assert!(platform.is_quiet());
    }
}

#[tokio::test]
async fn what_does_not_prove_that_it_read_the_question_is_no_cable() {
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    let mut peer = platform.knock().await.switch("bm90IHRoZSBhbnN3ZXI=", "").await;
    let (why, wait) = ear.down().await;
    assert!(why.contains("proxy") && wait > Duration::from_mins(30), "{why}");
    // Nothing was sent to it.
    assert!(!matches!(peer.hears().await, Some(message) if message.is_text()));
    assert_eq!(json!(ear.status.borrow().phase), "waiting");
}
