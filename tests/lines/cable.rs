//! A cable, against a real websocket server that a test plays by hand.

#[path = "cable/bench.rs"]
mod bench;
#[path = "cable/hostile.rs"]
mod hostile;
#[path = "cable/paused.rs"]
mod paused;
#[path = "cable/refusals.rs"]
mod refusals;

use std::time::Duration;

use agent_bridge::line::action_cable::Counts;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use bench::{Ear, Platform, patient};

#[tokio::test]
async fn it_offers_its_protocols_subscribes_behind_the_welcome_and_tells_what_the_channel_says() {
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    ear.at("c/1=");
    let knock = platform.knock().await;
    assert_eq!(knock.header("sec-websocket-protocol"), "actioncable-v1-json, actioncable-unsupported");
    assert_eq!(knock.header("origin"), platform.origin, "Rails refuses an opening of another origin, or of none");
    assert!(knock.head.starts_with("GET /cable?agent_access_token="), "{}", knock.head);
    let mut peer = knock.open().await;
    peer.say(&json!({ "type": "ping", "message": 1 })).await;
    peer.say(&json!({ "type": "welcome" })).await;
    let identifier = peer.subscribe().await;
    assert_eq!(identifier, r#"{"channel":"Events","cursor":"c/1="}"#);
    // What is replayed comes before the confirmation.
    peer.tell(&identifier, json!({ "id": 1 })).await;
    peer.kind("confirm_subscription", &identifier).await;
    peer.tell(&identifier, json!({ "id": 2 })).await;
    assert_eq!(ear.frame().await, r#"{"id":1}"#);
    ear.is_welcomed().await;
    assert_eq!(ear.frame().await, r#"{"id":2}"#);
    assert_eq!((ear.status.borrow().phase, ear.status.borrow().error.clone()), ("live", None));
}

#[tokio::test]
async fn what_is_of_no_subscription_or_no_protocol_is_passed_over_and_counted() {
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    let (mut peer, identifier) = platform.live().await;
    assert_eq!(identifier, r#"{"channel":"Events"}"#, "no cursor, no key");
    ear.is_welcomed().await;
    peer.tell(r#"{"channel": "Events"}"#, json!({ "id": 1 })).await;
    peer.kind("reject_subscription", "another").await;
    for strange in ["", "{", "[]", r#"{"type":"dance"}"#] {
        peer.send(Message::text(strange)).await;
    }
    peer.send(Message::binary(vec![0xff, 0x00])).await;
    peer.tell(&identifier, json!({ "id": 2 })).await;
    assert_eq!(ear.frame().await, r#"{"id":2}"#);
    assert_eq!(ear.counts(), Counts { strange: 5, elsewhere: 2 });
}

#[tokio::test]
async fn pings_and_closes_of_the_websocket_are_answered_and_it_comes_back() {
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    let (mut peer, _) = platform.live().await;
    ear.is_welcomed().await;
    peer.send(Message::Ping(b"here?".to_vec().into())).await;
    assert_eq!(peer.hears().await, Some(Message::Pong(b"here?".to_vec().into())));
    peer.send(Message::Close(None)).await;
    assert!(matches!(peer.hears().await, Some(Message::Close(_)) | None));
    assert!(ear.down().await.0.contains("closed"));
    platform.live().await;
    ear.is_welcomed().await;
}

#[tokio::test]
async fn f23_a_cursor_that_is_refused_is_polled_over_and_never_asked_with_again() {
    for rejects in [true, false] {
        let mut platform = Platform::start().await;
        let mut ear = Ear::on(&platform).await;
        ear.at("old");
        let mut peer = platform.welcome().await;
        let old = peer.subscribe().await;
        assert!(old.contains("old"));
        peer.tell(&old, json!({ "error": { "code": "cursor_gap", "recoverable": true, "recovery": "poll" } })).await;
        if rejects {
            peer.kind("reject_subscription", &old).await;
        }
        assert!(ear.gap().await.contains("cursor_gap"));
        if !rejects {
            // The server may still have it, and would tell everything twice.
            assert_eq!(peer.command().await, ("unsubscribe".to_owned(), old));
        }
        let without = peer.subscribe().await;
        assert_eq!(without, r#"{"channel":"Events"}"#);
        peer.kind("confirm_subscription", &without).await;
        ear.is_welcomed().await;
        ear.at("new");
        peer.disconnect("server_restart", true).await;
        ear.down().await;
        assert!(platform.live().await.1.contains("new"), "polling has brought another");
        ear.is_welcomed().await;
    }
}

#[tokio::test]
async fn f23_where_the_cursor_behind_a_refused_one_is_refused_as_well_it_goes_without() {
    for same_connection in [true, false] {
        let mut platform = Platform::start().await;
        let mut ear = Ear::on(&platform).await;
        ear.at("1");
        let mut peer = platform.welcome().await;
        for next in ["2", "3"] {
            let identifier = peer.subscribe().await;
            assert!(identifier.contains("cursor"), "{identifier}");
            ear.at(next);
            peer.tell(&identifier, json!({ "error": { "code": "invalid_cursor" } })).await;
            peer.kind("reject_subscription", &identifier).await;
            ear.gap().await;
            if !same_connection {
                peer.disconnect("remote", true).await;
                ear.down().await;
                peer = platform.welcome().await;
            }
        }
        let without = peer.subscribe().await;
        assert_eq!(without, r#"{"channel":"Events"}"#, "what it would have replayed is polled");
        peer.kind("confirm_subscription", &without).await;
        ear.is_welcomed().await;
        // Once it is confirmed, a cursor is worth a try again.
        peer.disconnect("remote", true).await;
        ear.down().await;
        assert_eq!(platform.live().await.1, r#"{"channel":"Events","cursor":"3"}"#);
        ear.is_welcomed().await;
    }
}

#[tokio::test]
async fn a_rejection_without_its_error_is_taken_for_the_cursors_and_then_for_the_channels() {
    let mut platform = Platform::start().await;
    let mut ear = Ear::on(&platform).await;
    ear.at("old");
    let mut peer = platform.welcome().await;
    let old = peer.subscribe().await;
    peer.kind("reject_subscription", &old).await;
    ear.gap().await;
    let without = peer.subscribe().await;
    peer.kind("reject_subscription", &without).await;
    let (why, wait) = ear.down().await;
    assert!(why.contains("refuses the subscription") && wait > Duration::from_mins(30), "{why} {wait:?}");
    assert!(platform.is_quiet());
}

#[tokio::test]
async fn f24_a_subscription_that_nobody_answers_is_repeated_and_then_the_cable_is_dialled_again() {
    let mut platform = Platform::start().await;
    let mut timing = patient();
    (timing.cable.resend, timing.cable.subscribe) = (Duration::from_millis(5), Duration::from_secs(3));
    let mut ear = Ear::with(&platform, timing).await;
    let mut peer = platform.welcome().await;
    let first = peer.subscribe().await;
    for _ in 0..4 {
        assert_eq!(peer.subscribe().await, first, "the same, byte for byte");
    }
    assert!(ear.down().await.0.contains("not answered"));
    peer.leaves().await;
    platform.knock().await;
}

#[tokio::test]
async fn f26_a_peer_that_has_stopped_is_noticed_although_its_connection_stays() {
    let mut platform = Platform::start().await;
    let mut timing = patient();
    timing.cable.stale = Duration::from_secs(2);
    let mut ear = Ear::with(&platform, timing).await;
    let (_stopped, _) = platform.live().await;
    ear.is_welcomed().await;
    let (why, wait) = ear.down().await;
    assert!(why.contains("silent") && wait <= Duration::from_millis(20), "{why} {wait:?}");
    // A platform that hangs in the opening is left, too.
    let _hangs = platform.knock().await.open().await;
    assert!(ear.down().await.0.contains("silent"));
    platform.knock().await;
}

#[tokio::test]
async fn a_welcome_that_never_comes_is_not_waited_for() {
    let mut platform = Platform::start().await;
    let mut timing = patient();
    timing.cable.welcome = Duration::from_secs(1);
    let mut ear = Ear::with(&platform, timing).await;
    let mut peer = platform.knock().await.open().await;
    peer.say(&json!({ "type": "ping" })).await;
    assert!(ear.down().await.0.contains("no `welcome`"));
    platform.knock().await;
}

#[tokio::test]
async fn an_opening_that_is_never_answered_is_given_up() {
    let mut platform = Platform::start().await;
    let mut timing = patient();
    timing.cable.open = Duration::from_secs(2);
    let mut ear = Ear::with(&platform, timing).await;
    let _hangs = platform.knock().await;
    assert!(ear.down().await.0.contains("no whole answer within"));
    platform.live().await;
    ear.is_welcomed().await;
}
