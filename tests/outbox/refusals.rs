//! What the platform refuses, what it cannot take at once, and in which order things go out.

use std::time::Duration;

use agent_bridge::action::State;
use agent_bridge::outbox::Limits;
use agent_bridge_sim::agentunited::{Armed, Fault};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::desk::{Desk, remote_ids};

const POST: &str = "POST /channels/{id}/messages";

fn failed(state: &State) -> (&str, Option<u16>, &str) {
    match state {
        State::Failed { kind, status, message } => (kind, *status, message),
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_403_fails_that_action_alone() {
    let desk = Desk::new().await;
    let hidden = desk.sim.channel("hidden");
    desk.sim.remove_member(&desk.agent, &hidden);
    let refused = desk.accept("send", json!({ "conversation": hidden, "text": "psst" })).await;
    let fine = desk.send("fine").await;
    let receipts = desk.settle(&[&refused, &fine]).await;
    let (kind, status, message) = failed(&receipts[0].state);
    assert_eq!((kind, status), ("refused", Some(403)));
    assert!(message.contains("no such channel"), "it says what that can mean: {message}");
    assert_eq!(desk.said(), ["fine"]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_and_nothing_is_sent_twice() {
    let desk = Desk::new().await;
    desk.sim.fault(POST, Fault::TooMany { retry_after: "40".into() });
    let begun = tokio::time::Instant::now();
    let id = desk.send("later").await;
    desk.settle(&[&id]).await;
    assert!(begun.elapsed() >= Duration::from_secs(40));
    assert_eq!((desk.said().len(), desk.posts()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn one_conversation_keeps_its_order_and_holds_up_no_other() {
    let desk = Desk::new().await;
    let other = desk.sim.channel("other");
    desk.sim.add_member(&desk.agent, &other);
    desk.sim.fault(POST, Fault::TooMany { retry_after: "3000".into() });
    let first = desk.send("one").await;
    let second = desk.send("two").await;
    desk.run_until(|| (desk.posts() == 1).then_some(())).await;
    let beside = desk.accept("send", json!({ "conversation": other, "text": "beside" })).await;
    desk.settle(&[&beside]).await;
    assert!(!desk.row(&second).state.settled(), "it waits behind the first");
    desk.settle(&[&first, &second]).await;
    assert_eq!(desk.said(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn however_many_conversations_wait_another_one_is_served() {
    let desk = Desk::new().await;
    let most = Limits::default().parallel;
    let room = async |n: usize| {
        let room = desk.sim.channel(&format!("room{n}"));
        desk.sim.add_member(&desk.agent, &room);
        desk.accept("send", json!({ "conversation": room, "text": "hello" })).await
    };
    let fault = Fault::TooMany { retry_after: "60".into() };
    desk.sim.arm(Armed { route: POST.into(), after: 0, count: u32::try_from(most).unwrap(), fault });
    let mut waiting = Vec::new();
    for n in 0..most {
        waiting.push(room(n).await);
    }
    desk.run_until(|| (desk.posts() == most).then_some(())).await;
    let beside = room(most).await;
    desk.settle(&[&beside]).await;
    assert!(waiting.iter().all(|id| !desk.row(id).state.settled()), "they wait as they were asked to");
    desk.settle(&waiting.iter().collect::<Vec<_>>()).await;
    assert_eq!(desk.posts(), 2 * most + 1);
}

#[tokio::test(start_paused = true)]
async fn parts_behind_one_that_failed_after_a_restart_are_told_once() {
    let desk = Desk::new().await;
    desk.sim.fault(POST, Fault::TooMany { retry_after: "60".into() });
    let id = desk.send(&"x".repeat(25_000)).await;
    desk.run_until(|| desk.row(&id).not_before).await;
    let desk = desk.restart().await;
    desk.sim.remove_member(&desk.agent, &desk.room);
    let after = desk.accept("mark_read", json!({ "conversation": desk.room })).await;
    let receipt = desk.settle(&[&id, &after]).await.remove(0);
    assert_eq!(failed(&receipt.state).1, Some(403));
    let told = desk.told();
    assert_eq!(told.iter().filter(|receipt| receipt["verb"] == "send").count(), 1, "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_long_text_goes_out_in_parts_and_has_one_receipt() {
    let desk = Desk::new().await;
    let text = "wörter und mehr ".repeat(2_000);
    let id = desk.send(&text).await;
    let after = desk.send("after").await;
    let receipts = desk.settle(&[&id, &after]).await;
    let said = desk.said();
    assert!(said.iter().all(|part| part.len() <= 10_000));
    assert_eq!((said[..said.len() - 1].concat(), said.last().map(String::as_str)), (text, Some("after")));
    assert_eq!(remote_ids(&receipts[0]).len(), said.len() - 1);
    assert_eq!(desk.told().len(), 2, "one receipt a wish, not one a part");
}

#[tokio::test(start_paused = true)]
async fn parts_survive_a_restart_between_them() {
    let desk = Desk::new().await;
    let text = "x".repeat(25_000);
    let id = desk.send(&text).await;
    desk.run_until(|| (desk.said().len() == 1).then_some(())).await;
    let desk = desk.restart().await;
    desk.settle(&[&id]).await;
    assert_eq!(desk.said().concat(), text);
    assert_eq!(desk.said().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn files_go_along_and_what_cannot_go_says_why() {
    let desk = Desk::new().await;
    let content = json!([{ "name": "brief.txt", "content": "aGVsbG8=" }]);
    let fine = desk.accept("send", json!({ "conversation": desk.room, "text": "see", "files": content })).await;
    let gone = json!([{ "path": "/nowhere/at/all.txt" }]);
    let missing = desk.accept("send", json!({ "conversation": desk.room, "text": "see", "files": gone })).await;
    let receipts = desk.settle(&[&fine, &missing]).await;
    assert_eq!(remote_ids(&receipts[0]).len(), 1);
    assert_eq!(desk.sim.history(&desk.room)[0].attachment, Some(("brief.txt".into(), 5)));
    let (kind, status, message) = failed(&receipts[1].state);
    assert_eq!((kind, status), ("no_such_file", None));
    assert!(message.contains("/nowhere/at/all.txt"));
}

#[tokio::test(start_paused = true)]
async fn the_other_verbs_reach_the_platform() {
    let desk = Desk::new().await;
    let read = desk.accept("mark_read", json!({ "conversation": desk.room })).await;
    let open = desk.accept("direct.open", json!({ "person": desk.person })).await;
    let receipts = desk.settle(&[&read, &open]).await;
    assert!(matches!(receipts[0].state, State::Confirmed { .. }));
    assert_eq!(remote_ids(&receipts[1]), [desk.sim.dm(&desk.agent, &desk.person)]);
}

#[tokio::test(start_paused = true)]
async fn posts_into_one_room_are_paced() {
    let desk = Desk::new().await;
    let begun = tokio::time::Instant::now();
    let ids = [desk.send("1").await, desk.send("2").await, desk.send("3").await, desk.send("4").await];
    desk.settle(&ids.each_ref()).await;
    assert!(begun.elapsed() >= Duration::from_millis(750), "250 ms between two of four");
    assert_eq!(desk.said(), ["1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_cannot_be_reached_is_tried_again_and_nothing_is_lost() {
    let desk = Desk::new().await;
    desk.unplug();
    let id = desk.send("patience").await;
    desk.run_until(|| desk.row(&id).not_before).await;
    assert!(desk.said().is_empty());
    desk.plug();
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!((remote_ids(&receipt).len(), desk.said()), (1, vec!["patience".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_teaches_a_workspace_joined_by_key_its_own_id() {
    let desk = Desk::stranger().await;
    let id = desk.send("who am I?").await;
    desk.settle(&[&id]).await;
    assert_eq!(desk.fact("user"), Some(desk.agent.clone()));
}

#[tokio::test(start_paused = true)]
async fn p8_a_receipt_quotes_no_credential_that_the_platform_quotes() {
    let desk = Desk::new().await;
    let key = desk.secrets()[0].expose_secret().to_owned();
    let words = format!("{}{key} may not speak here", "x".repeat(290));
    let answer = (http::StatusCode::FORBIDDEN, json!({ "error": words }).to_string());
    desk.serve(axum::Router::new().fallback(move || std::future::ready(answer.clone())));
    let id = desk.send("hello").await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert!(matches!(failed(&receipt.state), ("refused", Some(403), said) if said.contains("[sealed]")), "{receipt:?}");
    assert!(!format!("{:?}", desk.told()).contains(&key[..8]));
}
