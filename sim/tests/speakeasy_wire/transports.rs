//! How long each way of an event takes, and which one has it first.

use std::time::Duration;

use agent_bridge_sim::speakeasy::{Delays, Options, Transport};
use axum::{body::Body, http::Request};
use serde_json::Value;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::support::Stage;

const SECOND: Duration = Duration::from_secs(1);

async fn polled(stage: &Stage, cursor: &str) -> Vec<u64> {
    let asked = Request::get(format!("/api/v1/agent/events?cursor={cursor}")).header("x-auth-token", &stage.token);
    let Ok(reply) = stage.sim.router().oneshot(asked.body(Body::empty()).unwrap()).await;
    let body = axum::body::to_bytes(reply.into_body(), 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    body["events"].as_array().unwrap().iter().map(|it| it["event_id"].as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_way_takes_its_time_and_the_quickest_is_first() {
    let stage = Stage::new();
    let receiver = stage.receiving(&[]);
    let (mut line, _) = stage.subscribed(None).await;
    let cursor = stage.cursor();
    let begun = Instant::now();
    stage.sim.set_delays(Delays { polling: SECOND, webhook: 2 * SECOND, cable: 3 * SECOND });
    let slow = stage.say("in its time");
    stage.sim.set_delays(Delays { webhook: 5 * SECOND, ..Delays::default() });
    let quick = stage.say("at once by the cable");
    assert_eq!(line.events(1).await, [quick], "it overtakes");
    assert!(polled(&stage, &cursor).await.is_empty(), "nothing stands in the log before its time, nor behind it");
    tokio::time::sleep_until(begun + SECOND).await;
    assert_eq!(polled(&stage, &cursor).await, [slow, quick]);
    let letters = receiver.letters(1).await;
    assert_eq!((letters[0].event(), begun.elapsed()), (slow, 2 * SECOND));
    assert_eq!((line.events(1).await, begun.elapsed()), (vec![slow], 3 * SECOND));
    assert_eq!((receiver.letters(2).await[1].event(), begun.elapsed()), (quick, 5 * SECOND));
    let firsts = stage.sim.look(|world| (world.firsts()[&slow], world.firsts()[&quick]));
    assert_eq!(firsts, (Transport::Polling, Transport::Cable));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_sets_out_before_the_others_is_first() {
    let stage = Stage::with(Options::default(), Some(crate::support::HOOK));
    let receiver = stage.receiving(&[]);
    let (mut line, _) = stage.subscribed(None).await;
    let cursor = stage.cursor();
    stage.sim.set_delays(Delays { cable: SECOND, ..Delays::default() });
    let event = stage.say("by webhook");
    receiver.letters(1).await;
    assert_eq!((polled(&stage, &cursor).await, line.events(1).await), (vec![event], vec![event]));
    assert_eq!(stage.sim.look(|world| world.firsts()[&event]), Transport::Webhook);
}
