//! A log that fails: waited for, told, and never in the way of what can be read.

use agent_bridge::store::Seat;
use serde_json::{Value, json};

use super::bench::{Story, chat};
use super::platform::Odd;
use crate::bench::text;

#[tokio::test(start_paused = true)]
async fn a_platform_that_asks_for_a_pause_gets_it() {
    let story = Story::live().await;
    for odd in [Odd::Later(429, "90"), Odd::Later(503, "90")] {
        let asked = story.asked();
        story.ledger.next([odd]);
        story.until("it is asked for a pause", |story| story.asked() > asked).await;
        let asked = story.asked();
        story.pass_secs(85).await;
        assert_eq!(story.asked(), asked);
        story.until_live().await;
    }
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_kept_from_the_agent_is_said_and_asked_for_seldom() {
    for status in [403, 404] {
        let story = Story::live().await;
        story.ledger.always(Some(Odd::Answer(status, "")));
        story.until("it waits", |story| story.phase() == "waiting").await;
        let asked = story.asked();
        story.pass_secs(300).await;
        assert!(story.asked() - asked <= 5, "{}", story.asked() - asked);
        assert!(story.status().trouble.is_some_and(|why| why.contains(&status.to_string())));
        assert_eq!(story.of("workspace.disconnected").len(), 1);
        assert!(!story.status().live);
        story.ledger.always(None);
        story.is_sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn p7_a_key_that_is_refused_is_no_loop_on_401() {
    let story = Story::live().await;
    story.ledger.always(Some(Odd::Answer(401, "")));
    story.until("a person is called", |story| !story.of("workspace.needs_action").is_empty()).await;
    let asked = story.asked();
    story.pass_secs(300).await;
    assert_eq!(story.asked(), asked);
    assert!(matches!(story.status().seat, Some(Seat::NeedsAction { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_nobody_can_read_is_told_once_as_a_gap_and_read_when_it_can_be() {
    for page in ["<html>", r#"{"events": 7}"#, "[]"] {
        let mut story = Story::live().await;
        story.says("1");
        story.tells(&["1"]).await;
        story.ledger.always(Some(Odd::Answer(200, page)));
        story.says("2");
        story.until("the hole is told", |story| !story.of("workspace.gap").is_empty()).await;
        let asked = story.asked();
        story.pass_secs(300).await;
        assert!(story.asked() - asked <= 15, "{}", story.asked() - asked);
        story.crash().await;
        story.start().await;
        story.pass_secs(120).await;
        let gaps = story.of("workspace.gap");
        assert_eq!((gaps.len(), text(&gaps[0]["data"]["reason"])), (1, "page_unreadable".to_owned()));
        assert_eq!(gaps[0]["data"]["after"], "age 0: 42");
        story.ledger.always(None);
        story.tells(&["1", "2"]).await;
        story.is_sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn row_14_a_page_over_the_cap_of_a_body_is_asked_for_again_with_more_room() {
    let story = Story::live().await;
    story.says("1");
    let huge = "x".repeat(5 << 20);
    story.ledger.happens("chat.created", &json!(1), &story.at(0), json!({ "chat": { "id": "huge", "plain": huge } }));
    story.says("2");
    story.until("all are told", |story| story.ids() == ["m 1", "huge", "m 2"]).await;
    assert_eq!(story.of("message.created")[1]["data"]["truncated"], true);
    assert_eq!(story.of("workspace.gap").len(), 0);
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn what_no_mapping_knows_and_what_lacks_its_conversation_is_kept_once() {
    let mut story = Story::live().await;
    story.ledger.happens("poll.opened", &json!(1), &story.at(0), json!({ "options": [1, 2] }));
    story.ledger.happens("chat.created", &Value::Null, &story.at(0), chat("nowhere"));
    story.ledger.happens(
        "chat.created",
        &Value::Null,
        &story.at(0),
        json!({ "topic": { "id": 9 }, "chat": { "id": 5 } }),
    );
    story.says("1");
    story.until("all is told", |story| story.told().last().is_some_and(|last| last == "1")).await;
    story.ledger.refuse_cursors();
    story.pass_secs(10).await;
    story.crash().await;
    story.start().await;
    story.pass_secs(70).await;
    let kept = story.of("platform.other");
    let names: Vec<_> = kept.iter().map(|event| text(&event["data"]["name"])).collect();
    assert_eq!(names, ["poll.opened", "chat.created"]);
    assert_eq!(kept[0]["data"]["raw"]["payload"]["options"], json!([1, 2]));
    assert_eq!(kept[1]["id"], "acme/platform.other/43", "what can be read of it says which one it is");
    assert_eq!(story.of("message.created")[0]["data"]["conversation"]["id"], "9");
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn p11_a_store_at_its_budget_pauses_the_log_and_loses_nothing() {
    let mut story = Story::live().await;
    story.says("1");
    story.tells(&["1"]).await;
    story.budget = 1;
    story.crash().await;
    story.says("2");
    story.start().await;
    story.pass_secs(30).await;
    assert_eq!(story.told(), ["1"]);
    let asked = story.asked();
    story.pass_secs(60).await;
    assert_eq!(story.asked(), asked, "nothing is asked for that cannot be kept");
    story.budget = u64::MAX;
    story.crash().await;
    story.start().await;
    story.tells(&["1", "2"]).await;
    story.is_sound().await;
}
