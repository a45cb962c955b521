//! Every way in which the cable goes wrong, by script.

use std::time::Duration;

use agent_bridge_sim::speakeasy::{CableFault, Reason, Turn};
use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, error::ProtocolError, protocol::frame::coding::CloseCode};

use crate::support::{OFFER, Stage, identifier};

#[tokio::test(start_paused = true)]
async fn a_subscribe_is_never_answered_as_often_as_asked() {
    let stage = Stage::new();
    stage.sim.arm_cable(Turn { after: 1, count: Some(2), fault: CableFault::NeverConfirm });
    stage.subscribed(None).await;
    let mut line = stage.dial().await;
    line.frame().await;
    for _ in 0..2 {
        line.subscribe(&identifier(None)).await;
        assert!(line.is_quiet().await);
    }
    stage.say("to nobody here");
    assert!(line.is_quiet().await);
    line.subscribe(&identifier(None)).await;
    assert_eq!(line.frame().await["type"], "confirm_subscription");
}

#[tokio::test(start_paused = true)]
async fn no_welcome_but_pings() {
    let stage = Stage::new();
    stage.sim.cable_fault(CableFault::NoWelcome);
    let mut line = stage.dial().await;
    let ping: Value = serde_json::from_str(&line.text().await.unwrap().unwrap()).unwrap();
    assert_eq!(ping["type"], "ping");
    assert!(line.is_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn pings_stop_and_events_go_on() {
    let stage = Stage::new();
    let mut line = stage.struck(CableFault::PingsStop).await;
    assert!(tokio::time::timeout(Duration::from_mins(1), line.text()).await.is_err());
    let event = stage.say("still here");
    assert_eq!(line.events(1).await, [event]);
}

#[tokio::test(start_paused = true)]
async fn a_mute_line_stays_open_and_says_nothing() {
    let stage = Stage::new();
    let mut line = stage.struck(CableFault::Mute).await;
    stage.say("unheard");
    line.socket.send(tokio_tungstenite::tungstenite::Message::Ping("?".into())).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_mins(1), line.text()).await.is_err());
    assert!(stage.sim.cables()[0].open);
    drop(line);
    stage.sim.wait_for(|world| world.cables().all(|it| !it.open)).await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_comes_once_or_always() {
    let stage = Stage::new();
    let cursor = stage.cursor();
    let mut line = stage.dial().await;
    line.frame().await;
    let wanted = identifier(Some(&cursor));
    stage.sim.arm_cable(Turn::always(CableFault::CursorGap));
    for _ in 0..3 {
        line.subscribe(&wanted).await;
        assert_eq!(line.frame().await["message"]["error"]["code"], "cursor_gap");
        assert_eq!(line.frame().await["type"], "reject_subscription");
    }
    stage.sim.heal_cable();
    line.subscribe(&wanted).await;
    assert_eq!(line.frame().await["type"], "confirm_subscription");
    stage.sim.cable_fault(CableFault::InvalidCursor);
    line.subscribe(&identifier(None)).await;
    assert_eq!(line.frame().await["message"]["error"]["code"], "invalid_cursor");
}

#[tokio::test(start_paused = true)]
async fn a_rejection_may_come_without_the_error() {
    let stage = Stage::new();
    stage.sim.cable_fault(CableFault::RejectSilently);
    let mut line = stage.dial().await;
    line.frame().await;
    line.subscribe(&identifier(None)).await;
    assert_eq!(line.frame().await, json!({"identifier": identifier(None), "type": "reject_subscription"}));
}

#[tokio::test(start_paused = true)]
async fn a_dial_may_be_turned_away_instead_of_welcomed() {
    let stage = Stage::new();
    stage.sim.cable_fault(CableFault::TurnAway { reason: Reason::InvalidRequest, reconnect: true });
    let (frame, code) = stage.dial().await.disconnected().await;
    assert_eq!(frame, json!({"type": "disconnect", "reason": "invalid_request", "reconnect": true}));
    assert_eq!(code, CloseCode::Normal);
}

#[tokio::test(start_paused = true)]
async fn a_line_is_dropped_in_mid_frame() {
    let stage = Stage::new();
    let mut line = stage.struck(CableFault::DropMidFrame).await;
    stage.say("cut in half");
    assert!(matches!(
        line.text().await,
        Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_)))
    ));
    // What was cut does not count as sent.
    assert!(stage.sim.cables()[0].subscriptions.values().all(|it| it.sent.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_line_is_dropped_without_a_word() {
    let stage = Stage::new();
    let mut line = stage.struck(CableFault::Drop).await;
    assert!(matches!(line.text().await, Some(Err(_))));
}

#[tokio::test(start_paused = true)]
async fn frames_that_are_nobody_s_come_before_the_event() {
    let stage = Stage::new();
    let mut line = stage.struck(CableFault::NotJson).await;
    let event = stage.say("after noise");
    let noise = line.text().await.unwrap().unwrap();
    assert!(serde_json::from_str::<Value>(&noise).is_err(), "{noise}");
    assert_eq!(line.events(1).await, [event]);
    stage.sim.cable_fault(CableFault::OtherIdentifier);
    let event = stage.say("after another's");
    assert_ne!(line.frame().await["identifier"], identifier(None));
    assert_eq!(line.events(1).await, [event]);
    stage.sim.cable_fault(CableFault::Say { text: r#"{"type":"surprise"}"#.into() });
    assert_eq!(line.frame().await, json!({"type": "surprise"}));
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_10_mb_long() {
    let stage = Stage::new();
    let mut line = stage.struck(CableFault::Oversize { bytes: 10_000_000 }).await;
    let event = stage.say("long");
    let text = line.text().await.unwrap().unwrap();
    assert!(text.len() > 10_000_000);
    let frame: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(frame["message"]["event_id"], event);
    let next = stage.say("short");
    assert_eq!(line.events(1).await, [next]);
}

#[tokio::test(start_paused = true)]
async fn events_come_twice_late_or_never() {
    let stage = Stage::new();
    let mut line = stage.struck(CableFault::Duplicate).await;
    let event = stage.say("twice");
    assert_eq!(line.events(2).await, [event, event]);
    stage.sim.cable_fault(CableFault::Lose);
    stage.say("never");
    stage.sim.cable_fault(CableFault::Reorder { events: 3 });
    let [one, two, three] = ["one", "two", "three"].map(|it| stage.say(it));
    assert_eq!(line.events(3).await, [three, two, one]);
    let after = stage.say("in order again");
    assert_eq!(line.events(1).await, [after]);
    stage
        .sim
        .wait_for(|world| {
            let mut sent = world.cables().flat_map(|it| it.subscriptions.values());
            sent.any(|it| it.sent == [event, event, three, two, one, after])
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_shows_late_comes_after_a_later_one() {
    let stage = Stage::new();
    let (mut line, _) = stage.subscribed(None).await;
    stage.sim.hold_events(1);
    stage.sim.say(crate::support::OWNER, stage.topic, "late");
    let later = stage.say("later");
    stage.sim.show_events();
    assert_eq!(line.events(2).await, [later, later - 1]);
}

#[tokio::test(start_paused = true)]
async fn another_subprotocol_is_chosen_or_none() {
    let stage = Stage::new();
    stage.sim.cable_fault(CableFault::Subprotocol { chosen: Some("actioncable-v2-msgpack".into()) });
    let refused = stage.dial_as(&stage.token, Some(OFFER)).await.map(|it| it.head);
    assert!(matches!(refused, Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)))), "{refused:?}");
    stage.sim.cable_fault(CableFault::Subprotocol { chosen: Some("actioncable-unsupported".into()) });
    assert_eq!(stage.dial().await.subprotocol(), Some("actioncable-unsupported"));
    stage.sim.cable_fault(CableFault::Subprotocol { chosen: None });
    let refused = stage.dial_as(&stage.token, Some(OFFER)).await.map(|it| it.head);
    assert!(matches!(refused, Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)))), "{refused:?}");
}
