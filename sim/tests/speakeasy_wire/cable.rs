//! The cable as it should be: handshake, subscription, replay, live events, and its proper ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use agent_bridge_sim::speakeasy::{CableFault, Confirm, Options, Reason, World};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};

use crate::support::{OFFER, Stage, identifier};

#[tokio::test(start_paused = true)]
async fn the_server_picks_its_favourite_of_the_offered_subprotocols() {
    let stage = Stage::new();
    for (offer, chosen) in [
        (OFFER, "actioncable-v1-json"),
        ("actioncable-unsupported,actioncable-v1-json", "actioncable-v1-json"),
        ("mqtt, actioncable-unsupported", "actioncable-unsupported"),
    ] {
        let line = stage.dial_as(&stage.token, Some(offer)).await.unwrap();
        assert_eq!((line.head.status().as_u16(), line.subprotocol()), (101, Some(chosen)), "{offer}");
    }
    let mut line = stage.dial_as(&stage.token, None).await.unwrap();
    assert_eq!(line.subprotocol(), None);
    assert_eq!(line.frame().await["type"], "welcome");
    assert_eq!(stage.sim.look(World::cable_dials), 4);
}

#[tokio::test(start_paused = true)]
async fn a_bad_token_is_told_so_after_the_upgrade() {
    let stage = Stage::new();
    let unauthorized = json!({"type": "disconnect", "reason": "unauthorized", "reconnect": false});
    for token in ["", "nonsense"] {
        let mut line = stage.dial_as(token, Some(OFFER)).await.unwrap();
        assert_eq!(line.head.status().as_u16(), 101);
        assert_eq!(line.disconnected().await, (unauthorized.clone(), CloseCode::Normal));
    }
    assert!(stage.sim.cables().iter().all(|it| it.grant.is_none()));
}

#[tokio::test(start_paused = true)]
async fn it_beats_every_3_s_in_seconds_since_1970() {
    let time = Arc::new(AtomicU64::new(1_775_563_200_000));
    let clock = time.clone();
    let stage =
        Stage::with(Options { wall: Arc::new(move || clock.load(Ordering::SeqCst)), ..Options::default() }, None);
    let start = Instant::now();
    let mut line = stage.dial().await;
    assert_eq!(line.text().await.unwrap().unwrap(), r#"{"type":"welcome"}"#);
    for beat in 1..=3 {
        let ping: Value = serde_json::from_str(&line.text().await.unwrap().unwrap()).unwrap();
        let seconds = time.fetch_add(3_000, Ordering::SeqCst) / 1000;
        assert_eq!(ping, json!({"type": "ping", "message": seconds}));
        assert_eq!(start.elapsed().as_secs(), 3 * beat);
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_event_comes_with_the_identifier_byte_for_byte_and_the_envelope_of_polling() {
    let stage = Stage::new();
    let (mut line, identifier) = stage.subscribed(None).await;
    let event = stage.say("hi");
    let frame = line.frame().await;
    let polled = stage.sim.look(|world| world.events_after(stage.grant, None)).unwrap().pop().unwrap();
    assert_eq!(frame, json!({"identifier": identifier, "message": polled.body}));
    assert_eq!((polled.id, &frame["message"]["payload"]["chat"]["plain"]), (event, &json!("hi")));
    stage.sim.wait_for(|world| world.cables().any(|it| it.subscriptions[&identifier].sent == [event])).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_hears_of_another_grant() {
    let stage = Stage::new();
    let (mut line, _) = stage.subscribed(None).await;
    let other = stage.sim.grant("other@example.com", "Other", None);
    let elsewhere = stage.sim.topic("Elsewhere", &["other@example.com", &stage.sim.agent(other)]);
    stage.sim.say("other@example.com", elsewhere, "private");
    let event = stage.say("here");
    assert_eq!(line.events(1).await, [event]);
}

#[tokio::test(start_paused = true)]
async fn what_no_channel_and_no_command_is_gets_silence() {
    let stage = Stage::new();
    let mut line = stage.dial().await;
    line.frame().await;
    for unknown in [r#"{"channel":"ChatChannel"}"#, "no JSON", "{}"] {
        line.subscribe(unknown).await;
    }
    line.command(json!({"command": "dance"})).await;
    line.command(json!("subscribe")).await;
    line.command(json!({"command": "message", "identifier": identifier(None), "data": "{}"})).await;
    assert!(line.is_quiet().await);
    line.subscribe(&identifier(None)).await;
    assert_eq!(line.frame().await["type"], "confirm_subscription");
    // The same once more is no news.
    line.subscribe(&identifier(None)).await;
    assert!(line.is_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn an_unsubscribed_identifier_hears_nothing_until_it_subscribes_again() {
    let stage = Stage::new();
    let (mut line, identifier) = stage.subscribed(None).await;
    line.command(json!({"command": "unsubscribe", "identifier": identifier})).await;
    assert!(line.is_quiet().await);
    stage.say("unheard");
    assert!(line.is_quiet().await);
    line.subscribe(&identifier).await;
    assert_eq!(line.frame().await["type"], "confirm_subscription");
    let event = stage.say("heard");
    assert_eq!(line.events(1).await, [event]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_replays_what_came_after_it_then_goes_on_live() {
    let stage = Stage::new();
    stage.say("known");
    let cursor = stage.cursor();
    let missed = [stage.say("one"), stage.say("two"), stage.say("three")];
    let (mut line, _) = stage.subscribed(Some(&cursor)).await;
    assert_eq!(line.events(3).await, missed);
    let four = stage.say("four");
    assert_eq!(line.events(1).await, [four]);
}

#[tokio::test(start_paused = true)]
async fn replayed_and_live_events_interleave_and_repeat() {
    let stage = Stage::new();
    stage.sim.set_push(|it| (it.replay_overlap, it.replay_pace) = (2, Duration::from_secs(1)));
    let cursor = stage.cursor();
    let [one, two, three] = ["one", "two", "three"].map(|it| stage.say(it));
    let (mut line, _) = stage.subscribed(Some(&cursor)).await;
    assert_eq!(line.events(2).await, [one, two]);
    // Between two replayed ones a live one passes.
    let fresh = stage.say("fresh");
    assert_eq!(line.events(4).await, [fresh, two, three, three]);
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_may_come_after_the_replay() {
    let stage = Stage::new();
    stage.sim.set_push(|it| it.confirm = Confirm::Last);
    let cursor = stage.cursor();
    let missed = stage.say("missed");
    let mut line = stage.dial().await;
    line.frame().await;
    line.subscribe(&identifier(Some(&cursor))).await;
    assert_eq!(line.events(1).await, [missed]);
    assert_eq!(line.frame().await["type"], "confirm_subscription");
}

/// Subscribes and expects the error, then the rejection.
async fn refused(stage: &Stage, cursor: &str, code: &str) {
    let mut line = stage.dial().await;
    line.frame().await;
    let identifier = identifier(Some(cursor));
    line.subscribe(&identifier).await;
    let error = json!({"error": {"code": code, "recoverable": true, "recovery": "poll"}});
    assert_eq!(line.frame().await, json!({"identifier": identifier, "message": error}));
    assert_eq!(line.frame().await, json!({"identifier": identifier, "type": "reject_subscription"}));
    stage.say("unheard");
    assert!(line.is_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_cannot_be_replayed_is_an_error_and_then_a_rejection() {
    let stage = Stage::new();
    refused(&stage, "nonsense", "invalid_cursor").await;
    let cursor = stage.cursor();
    stage.sim.age_cursors();
    refused(&stage, &cursor, "cursor_gap").await;
    stage.say("new");
    let cursor = stage.cursor();
    stage.subscribed(Some(&cursor)).await;
}

#[tokio::test(start_paused = true)]
async fn a_grant_without_the_capability_is_rejected() {
    let stage = Stage::new();
    stage.sim.set_capability(stage.grant, "event_websocket", false);
    let mut line = stage.dial().await;
    line.frame().await;
    line.subscribe(&identifier(None)).await;
    assert_eq!(line.frame().await, json!({"identifier": identifier(None), "type": "reject_subscription"}));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_grant_hears_so_and_is_disconnected_for_good() {
    let stage = Stage::new();
    let (mut line, _) = stage.subscribed(None).await;
    stage.sim.revoke(stage.grant);
    assert_eq!(line.frame().await["message"]["event_type"], "grant.revoked");
    let remote = json!({"type": "disconnect", "reason": "remote", "reconnect": false});
    assert_eq!(line.disconnected().await, (remote, CloseCode::Normal));
    let (frame, _) = stage.dial().await.disconnected().await;
    assert_eq!(frame["reason"], "unauthorized");
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_ends_its_line() {
    let stage = Stage::new();
    let (mut line, _) = stage.subscribed(None).await;
    stage.sim.expire_access(stage.grant);
    let (frame, code) = line.disconnected().await;
    assert_eq!(
        (&frame["reason"], &frame["reconnect"], code),
        (&json!("unauthorized"), &json!(false), CloseCode::Normal)
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_runs_out_by_itself_is_noticed_by_the_beat() {
    let time = Arc::new(AtomicU64::new(1_775_563_200_000));
    let clock = time.clone();
    let stage =
        Stage::with(Options { wall: Arc::new(move || clock.load(Ordering::SeqCst)), ..Options::default() }, None);
    let (mut line, _) = stage.subscribed(None).await;
    time.fetch_add(2 * 3600 * 1000, Ordering::SeqCst);
    assert_eq!(line.disconnected().await.0["reason"], "unauthorized");
}

#[tokio::test(start_paused = true)]
async fn disconnect_frames_come_with_every_reason() {
    let stage = Stage::new();
    for reason in [Reason::Unauthorized, Reason::InvalidRequest, Reason::ServerRestart, Reason::Remote] {
        for reconnect in [true, false] {
            let (mut line, _) = stage.subscribed(None).await;
            stage.sim.cable_fault(CableFault::Disconnect { reason, reconnect });
            let says = json!({"type": "disconnect", "reason": reason.word(), "reconnect": reconnect});
            assert_eq!(line.disconnected().await, (says, CloseCode::Normal));
        }
    }
    stage.sim.wait_for(|world| world.cables().all(|it| !it.open)).await;
    assert_eq!(stage.sim.look(World::subscribed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_the_client_closes_is_closed() {
    let stage = Stage::new();
    let (mut line, _) = stage.subscribed(None).await;
    line.socket.close(None).await.unwrap();
    assert!(matches!(line.socket.next().await, Some(Ok(Message::Close(_)))), "the close frame is answered");
    stage.sim.wait_for(|world| world.cables().all(|it| !it.open)).await;
    let (line, _) = stage.subscribed(None).await;
    drop(line);
    stage.sim.wait_for(|world| world.cables().all(|it| !it.open)).await;
}

#[tokio::test(start_paused = true)]
async fn the_websocket_s_own_pings_are_answered() {
    let stage = Stage::new();
    let (mut line, _) = stage.subscribed(None).await;
    line.socket.send(Message::Ping("beat".into())).await.unwrap();
    assert_eq!(line.socket.next().await.unwrap().unwrap(), Message::Pong("beat".into()));
}

#[tokio::test(start_paused = true)]
async fn a_dial_may_be_refused_over_http() {
    let stage = Stage::new();
    for status in [403, 404, 500] {
        stage.sim.cable_fault(CableFault::Refuse { status });
        match stage.dial_as(&stage.token, Some(OFFER)).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status),
            other => panic!("refused: {:?}", other.map(|it| it.head)),
        }
    }
    stage.dial().await;
}
