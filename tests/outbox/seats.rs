//! What a seat that cannot act means for the actions that wait for it.

use std::time::Duration;

use agent_bridge::action::State;
use agent_bridge::outbox::Limits;
use agent_bridge::store::Seat;
use agent_bridge_sim::agentunited::{Armed, Fault};
use serde_json::json;

use crate::desk::{Desk, remote_ids};

const POST: &str = "POST /channels/{id}/messages";

fn needs_action() -> Seat {
    Seat::NeedsAction { reason: "the key is not accepted".into(), command: "agent-bridge join …".into() }
}

#[tokio::test(start_paused = true)]
async fn an_action_waits_for_the_person_its_seat_needs_and_says_so() {
    let desk = Desk::new().await;
    desk.sit(needs_action()).await;
    let id = desk.send("when somebody has helped").await;
    let why = desk.run_until(|| desk.row(&id).waits).await;
    assert!(why.contains("the key is not accepted") && why.contains("agent-bridge join"), "{why}");
    assert_eq!((desk.row(&id).state, desk.posts()), (State::Accepted, 0));
    desk.sit(Seat::SignedIn).await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!((remote_ids(&receipt).len(), receipt.waits, receipt.tries), (1, None, 1));
}

#[tokio::test(start_paused = true)]
async fn every_conversation_says_for_whom_it_waits_however_many_they_are() {
    let desk = Desk::new().await;
    desk.sit(needs_action()).await;
    let mut ids = Vec::new();
    for n in 0..=Limits::default().parallel {
        ids.push(desk.accept("send", json!({ "conversation": format!("room{n}"), "text": "hello" })).await);
    }
    let waits = || ids.iter().map(|id| desk.row(id).waits).collect::<Option<Vec<_>>>();
    let why = desk.run_until(waits).await;
    assert!(why.iter().all(|why| why.contains("agent-bridge join")), "{why:?}");
}

#[tokio::test(start_paused = true)]
async fn patience_for_a_person_ends_with_the_time_for_retrying() {
    let desk = Desk::new().await;
    desk.sit(needs_action()).await;
    let id = desk.send("nobody helps").await;
    desk.pass(24 * 60 - 5);
    let begun = tokio::time::Instant::now();
    let receipt = desk.settle(&[&id]).await.remove(0);
    let State::Failed { kind, message, .. } = receipt.state else { panic!("{receipt:?}") };
    assert!(kind == "gave_up" && message.contains("the key is not accepted"), "{kind}: {message}");
    assert!(begun.elapsed() >= Duration::from_mins(5) && desk.posts() == 0);
    assert_eq!(desk.told().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn p6_a_seat_taken_away_fails_what_was_not_sent_and_leaves_a_lost_reply_unknown() {
    let desk = Desk::new().await;
    desk.sim.fault(POST, Fault::RequestLost);
    let lost = desk.send("lost").await;
    let behind = desk.send("behind it").await;
    desk.run_until(|| (desk.row(&lost).state == State::Doubtful).then_some(())).await;
    desk.sit(Seat::Revoked { reason: "removed".into() }).await;
    let receipts = desk.settle(&[&lost, &behind]).await;
    assert!(matches!(&receipts[0].state, State::Unknown { .. }), "{receipts:?}");
    assert!(matches!(&receipts[1].state, State::Failed { kind, .. } if kind == "revoked"), "{receipts:?}");
    assert_eq!((desk.posts(), desk.told().len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn patience_without_a_time_grows() {
    let desk = Desk::new().await;
    let nonsense = Fault::TooMany { retry_after: "soon".into() };
    desk.sim.arm(Armed { route: POST.into(), after: 0, count: 6, fault: nonsense });
    let begun = tokio::time::Instant::now();
    let id = desk.send("later").await;
    desk.settle(&[&id]).await;
    let waited = begun.elapsed();
    let bounds = Duration::from_secs(1 + 2 + 4 + 8 + 16 + 32)..Duration::from_secs(140);
    assert!(bounds.contains(&waited), "six waits took {waited:?}");
    assert_eq!((desk.posts(), desk.said().len()), (7, 1));
}
