//! Every line of the push side's contract is served by some real exchange, and nothing else is recorded.

use std::{collections::BTreeSet, time::Duration};

use agent_bridge_sim::speakeasy::{CableFault, Confirm, HookFault, Options, PUSH_CONTRACT, Reason, Turn};
use axum::{body::Body, http::Request};
use serde_json::json;
use tower::ServiceExt as _;

use crate::lines;
use crate::support::{OFFER, Receiver, Stage, identifier};

type Served = BTreeSet<&'static str>;

fn collect(stage: &Stage, served: &mut Served) {
    let of_push = |line: &&str| line.starts_with("cable.") || line.starts_with("hook.");
    served.extend(stage.sim.look(|world| world.served_lines().clone()).into_iter().filter(of_push));
}

async fn dials(served: &mut Served) {
    let stage = Stage::new();
    let plain = Request::get("/cable").body(Body::empty()).unwrap();
    let Ok(reply) = stage.sim.router().oneshot(plain).await;
    assert_eq!(reply.status(), 404);
    stage.sim.cable_fault(CableFault::Refuse { status: 403 });
    assert!(stage.dial_as(&stage.token, Some(OFFER)).await.is_err());
    for offer in [Some(OFFER), Some("actioncable-unsupported"), None] {
        let mut line = stage.dial_as(&stage.token, offer).await.unwrap();
        assert_eq!(line.frame().await["type"], "welcome");
    }
    stage.dial_as("bad", Some(OFFER)).await.unwrap().disconnected().await;
    for reason in [Reason::Unauthorized, Reason::InvalidRequest, Reason::ServerRestart, Reason::Remote] {
        stage.sim.cable_fault(CableFault::TurnAway { reason, reconnect: true });
        assert_eq!(stage.dial().await.disconnected().await.0["reason"], reason.word());
    }
    collect(&stage, served);
}

async fn subscriptions(served: &mut Served) {
    let stage = Stage::new();
    let (mut line, wanted) = stage.subscribed(None).await;
    assert!(line.is_quiet().await, "pings alone");
    line.subscribe(&wanted).await;
    line.subscribe("{}").await;
    line.command(json!({"command": "message", "identifier": wanted, "data": "{}"})).await;
    line.command(json!({"command": "dance"})).await;
    let event = stage.say("live");
    assert_eq!(line.events(1).await, [event]);
    line.command(json!({"command": "unsubscribe", "identifier": wanted})).await;
    line.subscribe(&identifier(Some("nonsense"))).await;
    assert_eq!(line.frame().await["message"]["error"]["code"], "invalid_cursor");
    assert_eq!(line.frame().await["type"], "reject_subscription");
    stage.sim.cable_fault(CableFault::CursorGap);
    line.subscribe(&wanted).await;
    assert_eq!(line.frame().await["message"]["error"]["code"], "cursor_gap");
    line.frame().await;
    stage.sim.set_capability(stage.grant, "event_websocket", false);
    line.subscribe(&wanted).await;
    assert_eq!(line.frame().await["type"], "reject_subscription");
    collect(&stage, served);
}

async fn replays(served: &mut Served) {
    let stage = Stage::new();
    stage.sim.set_push(|it| (it.confirm, it.replay_overlap) = (Confirm::Last, 1));
    let cursor = stage.cursor();
    let event = stage.say("missed");
    let mut line = stage.dial().await;
    line.frame().await;
    line.subscribe(&identifier(Some(&cursor))).await;
    assert_eq!(line.events(2).await, [event, event]);
    assert_eq!(line.frame().await["type"], "confirm_subscription");
    stage.sim.expire_access(stage.grant);
    assert_eq!(line.disconnected().await.0["reason"], "unauthorized");
    collect(&stage, served);
    let stage = Stage::new();
    let (mut line, _) = stage.subscribed(None).await;
    stage.sim.revoke(stage.grant);
    assert_eq!(line.frame().await["message"]["event_type"], "grant.revoked");
    assert_eq!(line.disconnected().await.0["reason"], "remote");
    collect(&stage, served);
}

async fn hooks(served: &mut Served) {
    let stage = Stage::new();
    stage.sim.set_push(|it| it.hook_retries = vec![Duration::from_secs(1)]);
    let receiver = stage.receiving(&[500, 500]);
    let event = stage.say("in vain");
    receiver.letters(2).await;
    stage.sim.hook_fault(HookFault::Shuffle { events: 2 });
    stage.say("one");
    stage.say("two");
    receiver.letters(4).await;
    stage.sim.arm_hook(Turn::next(HookFault::OtherHeaders));
    stage.say("three");
    receiver.letters(5).await;
    assert!(stage.sim.replay_hook(event));
    receiver.letters(6).await;
    stage.sim.set_capability(stage.grant, "event_webhooks", false);
    stage.say("five");
    stage.sim.wait_for(|world| world.served_lines().contains("hook.no_capability")).await;
    stage.sim.set_capability(stage.grant, "event_webhooks", true);
    stage.sim.revoke(stage.grant);
    receiver.letters(7).await;
    collect(&stage, served);
    let stage = Stage::new();
    let receiver = stage.receiving_with(Receiver::together(2));
    stage.say("one");
    stage.say("two");
    receiver.letters(2).await;
    collect(&stage, served);
    let stage = Stage::with(Options::default(), None);
    stage.receiving(&[]);
    stage.say("to polling alone");
    stage.sim.wait_for(|world| world.served_lines().contains("hook.no_callback")).await;
    collect(&stage, served);
}

#[tokio::test(start_paused = true)]
async fn every_line_is_served() {
    let mut served = Served::new();
    let all = async {
        dials(&mut served).await;
        subscriptions(&mut served).await;
        replays(&mut served).await;
        hooks(&mut served).await;
    };
    tokio::time::timeout(Duration::from_hours(1), all).await.expect("nothing hangs");
    lines::all_served(PUSH_CONTRACT, &served);
}

#[test]
fn every_line_is_whole_and_named_once() {
    lines::whole(PUSH_CONTRACT);
}
