//! Lost replies: one message on the platform, or a receipt that says so (P6).

use agent_bridge::action::State;
use agent_bridge_sim::agentunited::{Armed, Fault};
use serde_json::json;

use crate::desk::{Desk, remote_ids};

const POST: &str = "POST /channels/{id}/messages";
const PAGE: &str = "GET /channels/{id}/messages";

#[tokio::test(start_paused = true)]
async fn a_text_is_sent_once_and_its_receipt_names_it() {
    let desk = Desk::new().await;
    let id = desk.send("hello").await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!(remote_ids(&receipt), [desk.sim.history(&desk.room)[0].id.clone()]);
    assert_eq!((desk.said(), desk.posts()), (vec!["hello".to_owned()], 1));
    let told = desk.told();
    assert_eq!(told.len(), 1, "one action.settled");
    assert_eq!(told[0]["remote_ids"], json!(remote_ids(&receipt)));
}

#[tokio::test(start_paused = true)]
async fn p6_a_lost_reply_is_found_again_among_identical_texts() {
    let desk = Desk::new().await;
    let first = desk.send("yes").await;
    desk.settle(&[&first]).await;
    desk.sim.say(&desk.person, &desk.room, "yes");
    desk.sim.fault(POST, Fault::ReplyLost);
    let second = desk.send("yes").await;
    let receipts = desk.settle(&[&first, &second]).await;
    assert_ne!(remote_ids(&receipts[0]), remote_ids(&receipts[1]), "each receipt names its own message");
    assert_eq!((desk.said().len(), desk.posts()), (2, 2), "nothing was sent again");
}

#[tokio::test(start_paused = true)]
async fn p6_stored_and_then_500_is_a_lost_reply_and_no_failure() {
    for fault in [Fault::StoredThen500, Fault::HalfBody, Fault::TruncatedJson] {
        let desk = Desk::new().await;
        desk.sim.fault(POST, fault.clone());
        let id = desk.send("once").await;
        let receipt = desk.settle(&[&id]).await.remove(0);
        assert_eq!((remote_ids(&receipt).len(), desk.said().len()), (1, 1), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn p6_a_message_that_is_not_there_after_two_reads_is_sent_once_more() {
    let desk = Desk::new().await;
    desk.sim.fault(POST, Fault::RequestLost);
    let id = desk.send("again").await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!((remote_ids(&receipt).len(), desk.said(), desk.posts()), (1, vec!["again".to_owned()], 2));
    assert_eq!(desk.row(&id).resends, 1);
}

#[tokio::test(start_paused = true)]
async fn p6_two_losses_stay_unknown_and_are_never_sent_a_third_time() {
    let desk = Desk::new().await;
    desk.sim.arm(Armed { route: POST.into(), after: 0, count: 5, fault: Fault::RequestLost });
    let id = desk.send("lost").await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert!(matches!(receipt.state, State::Unknown { .. }), "{receipt:?}");
    assert_eq!((desk.posts(), desk.said().len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn p6_a_read_that_fails_counts_for_nothing() {
    let desk = Desk::new().await;
    desk.sim.fault(POST, Fault::ReplyLost);
    // The first page is the fence; the reads after the loss fail in every way.
    for (after, fault) in [(1, Fault::Status { status: 500 }), (1, Fault::Html), (1, Fault::ReplyLost)] {
        desk.sim.arm(Armed { route: PAGE.into(), after, count: 1, fault });
    }
    let id = desk.send("patience").await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!((remote_ids(&receipt).len(), desk.posts()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn p6_a_restart_in_mid_request_reads_before_it_sends() {
    let desk = Desk::new().await;
    desk.sim.fault(POST, Fault::NeverAnswers { applied: true });
    let id = desk.send("crash").await;
    desk.run_until(|| (desk.said().len() == 1).then_some(())).await;
    assert_eq!(desk.row(&id).state, State::Trying);
    let desk = desk.restart().await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!((remote_ids(&receipt).len(), desk.said().len(), desk.posts()), (1, 1, 1));
    assert_eq!(desk.told().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn p5_the_same_key_is_the_same_action_across_a_restart() {
    let desk = Desk::new().await;
    let args = json!({ "conversation": desk.room, "text": "keyed" });
    let first = desk.accept_with_key("send", args.clone(), Some("k1")).await;
    desk.settle(&[&first]).await;
    let desk = desk.restart().await;
    let second = desk.accept_with_key("send", args, Some("k1")).await;
    assert_eq!(first, second);
    desk.settle(&[&second]).await;
    assert_eq!(desk.said(), ["keyed"]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_or_a_delete_with_a_lost_reply_is_simply_done_again() {
    let desk = Desk::new().await;
    let sent = desk.send("draft").await;
    let message = remote_ids(&desk.settle(&[&sent]).await[0])[0].clone();
    desk.sim.fault("PATCH /messages/{id}", Fault::ReplyLost);
    let edit = desk.accept("edit", json!({ "message": message, "text": "final" })).await;
    desk.settle(&[&edit]).await;
    assert_eq!(desk.said(), ["final"]);
    desk.sim.fault("DELETE /messages/{id}", Fault::ReplyLost);
    let delete = desk.accept("delete", json!({ "message": message })).await;
    let receipt = desk.settle(&[&delete]).await.remove(0);
    assert!(matches!(receipt.state, State::Confirmed { .. }), "the second try finds it gone: {receipt:?}");
    assert!(desk.said().is_empty());
}

#[tokio::test(start_paused = true)]
async fn p6_a_fence_that_was_deleted_lets_nothing_older_count() {
    let desk = Desk::new().await;
    // The agent said the same once from elsewhere, long before; and nobody polls here, so no anchor tells what is older.
    desk.sim.say(&desk.agent, &desk.room, "ok");
    let fence = desk.sim.say(&desk.person, &desk.room, "shall I?");
    desk.sim.fault(POST, Fault::RequestLost);
    let id = desk.send("ok").await;
    desk.run_until(|| (desk.posts() == 1).then_some(())).await;
    desk.sim.delete(&fence);
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert!(desk.said().len() == 2 || matches!(receipt.state, State::Unknown { .. }), "{receipt:?}");
    assert!(!matches!(&receipt.state, State::Confirmed { .. } if desk.said().len() == 1), "{receipt:?}");
}

#[tokio::test(start_paused = true)]
async fn p6_a_room_so_busy_that_the_fence_is_out_of_reach_allows_no_resend() {
    let desk = Desk::new().await;
    desk.sim.say(&desk.person, &desk.room, "before");
    desk.sim.fault(POST, Fault::NeverAnswers { applied: true });
    let id = desk.send("once").await;
    desk.run_until(|| (desk.said().len() == 1).then_some(())).await;
    for n in 0..2_100 {
        desk.sim.say(&desk.person, &desk.room, &n.to_string());
    }
    let desk = desk.restart().await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert!(matches!(receipt.state, State::Unknown { .. }), "{receipt:?}");
    assert_eq!((desk.posts(), desk.said().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn p6_a_text_that_the_platform_tidied_up_is_found_again() {
    let desk = Desk::new().await;
    desk.sim.fault(POST, Fault::NeverAnswers { applied: true });
    let id = desk.send("one \r\ntwo\r\n").await;
    desk.run_until(|| (desk.said().len() == 1).then_some(())).await;
    let message = desk.sim.history(&desk.room)[0].id.clone();
    desk.sim.edit(&message, "one\ntwo");
    let desk = desk.restart().await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!((remote_ids(&receipt), desk.posts()), (&[message][..], 1));
}

#[tokio::test(start_paused = true)]
async fn p6_a_text_that_is_a_number_is_found_again() {
    let desk = Desk::new().await;
    desk.sim.fault(POST, Fault::ReplyLost);
    let id = desk.accept("send", json!({ "conversation": desk.room, "text": 42 })).await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!((remote_ids(&receipt).len(), desk.said(), desk.posts()), (1, vec!["42".to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn a_repeatable_verb_that_always_ends_in_500_is_neither_hammered_nor_in_the_way_for_a_day() {
    let desk = Desk::new().await;
    let patch = "PATCH /messages/{id}";
    desk.sim.arm(Armed { route: patch.into(), after: 0, count: u32::MAX, fault: Fault::Status { status: 500 } });
    let id = desk.accept("edit", json!({ "message": "no-such-id", "text": "x" })).await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert!(matches!(receipt.state, State::Unknown { .. }), "{receipt:?}");
    assert!((2..=20).contains(&receipt.tries), "{receipt:?}");
}

#[tokio::test(start_paused = true)]
async fn p6_what_the_same_account_said_since_the_last_walk_is_not_taken_for_the_lost_one() {
    let desk = Desk::new().await;
    let walked = desk.sim.say(&desk.person, &desk.room, "shall I?");
    desk.anchor(&walked).await;
    // The same account says the same from elsewhere; the stream tells it, and no walk has been there since.
    let elsewhere = desk.sim.say(&desk.agent, &desk.room, "yes");
    desk.tell(&elsewhere).await;
    desk.sim.fault(POST, Fault::RequestLost);
    let id = desk.send("yes").await;
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_eq!(desk.row(&id).fence, Some(elsewhere.clone()), "the newest that the feed knows");
    assert_ne!(remote_ids(&receipt), [elsewhere]);
    assert_eq!((desk.posts(), desk.said()), (2, vec!["yes".to_owned(), "yes".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn p6_a_fence_newer_than_the_last_walk_that_was_deleted_leaves_what_the_feed_told_before_it() {
    let desk = Desk::new().await;
    let walked = desk.sim.say(&desk.agent, &desk.room, "yes");
    desk.tell(&walked).await;
    desk.anchor(&walked).await;
    let newest = desk.sim.say(&desk.person, &desk.room, "shall I?");
    desk.tell(&newest).await;
    desk.sim.fault(POST, Fault::RequestLost);
    let id = desk.send("yes").await;
    desk.run_until(|| (desk.posts() == 1).then_some(())).await;
    desk.sim.delete(&newest);
    let receipt = desk.settle(&[&id]).await.remove(0);
    assert_ne!(remote_ids(&receipt), [walked]);
    assert_eq!((desk.posts(), desk.said().len()), (2, 2));
}
