//! Row 36: the log itself tells that the seat is gone, and that is its last word.

use agent_bridge::event::Via;
use agent_bridge::line::poll::feed::Live;
use agent_bridge::store::Seat;
use serde_json::{Value, json};

use super::bench::{ME, Story};
use super::platform::Odd;
use crate::bench::text;

fn revoke(story: &Story) -> Value {
    story.ledger.happens("grant.revoked", &Value::Null, &story.at(0), json!({}))
}

/// One event tells it, it is the last, and nothing is asked for any more.
async fn is_gone(story: &mut Story) {
    story.until("it is told", |story| !story.of("workspace.revoked").is_empty()).await;
    let asked = story.asked();
    story.pass_secs(100).await;
    story.crash().await;
    story.start().await;
    story.pass_secs(100).await;
    assert_eq!(story.asked(), asked, "calls stop");
    assert_eq!(story.of("workspace.revoked").len(), 1);
    assert_eq!(story.of("workspace.needs_action").len(), 0);
    assert_eq!(story.types().last().map(String::as_str), Some("workspace.revoked"), "{:?}", story.types());
    assert!(matches!(story.status().seat, Some(Seat::Revoked { .. })), "{:#?}", story.status());
}

#[tokio::test(start_paused = true)]
async fn row_36_a_seat_that_the_log_takes_away_has_its_last_word_behind_all_that_was_said() {
    let mut story = Story::live().await;
    for n in 0..12 {
        story.says(&n.to_string());
    }
    revoke(&story);
    story.says("behind it");
    is_gone(&mut story).await;
    assert_eq!((story.told().len(), story.of("workspace.gap").len()), (13, 0));
}

#[tokio::test(start_paused = true)]
async fn row_36_a_source_tells_it_first_and_the_log_is_read_once_more() {
    for by_hint in [false, true] {
        let mut story = Story::live().await;
        story.pushes(Live::Up(Via::ActionCable)).await;
        story.pass_secs(5).await;
        story.says("the source left this out");
        let gone = revoke(&story);
        if by_hint {
            let mut done = story.inlet().hint(Some(gone.to_string())).unwrap();
            story.pass_secs(1).await;
            assert_eq!(done.try_recv(), Ok(()), "the platform need not say it again");
        } else {
            story.brings(&gone).await;
        }
        is_gone(&mut story).await;
        assert_eq!((story.told().len(), story.of("workspace.gap").len()), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn row_36_what_was_said_last_is_read_although_other_calls_were_refused_meanwhile() {
    let mut story = Story::among_people().await;
    story.start().await;
    story.until_live().await;
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.ledger.is_shy(Some(Odd::Answer(401, "")));
    story.ledger.gathers(7, &[ME, "pierre@x.example"]);
    story.brings(&story.said(7, 0, "who takes part is asked")).await;
    story.said(7, 0, "the source left this out");
    story.brings(&revoke(&story)).await;
    story.until("it is told", |story| !story.of("workspace.revoked").is_empty()).await;
    assert_eq!(story.ledger.wondered(), ["7"]);
    assert_eq!(story.told().len(), 2);
    assert_eq!(story.types().last().map(String::as_str), Some("workspace.revoked"), "{:?}", story.types());
    assert_eq!(story.of("workspace.gap").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn row_36_a_last_read_that_is_refused_is_a_gap_before_the_last_word() {
    for status in [401, 403] {
        let mut story = Story::live().await;
        story.says("1");
        story.tells(&["1"]).await;
        story.ledger.always(Some(Odd::Answer(status, "")));
        story.brings(&revoke(&story)).await;
        is_gone(&mut story).await;
        let gaps = story.of("workspace.gap");
        assert_eq!((gaps.len(), text(&gaps[0]["data"]["reason"])), (1, "revoked_unread".to_owned()));
        assert_eq!(gaps[0]["data"]["after"], "age 0: 42");
    }
}

#[tokio::test(start_paused = true)]
async fn row_36_a_last_read_that_fails_is_tried_again_a_few_times() {
    let mut story = Story::live().await;
    story.ledger.next([Odd::Answer(500, ""), Odd::Answer(502, "")]);
    story.says("1");
    story.brings(&revoke(&story)).await;
    is_gone(&mut story).await;
    assert_eq!((story.told(), story.of("workspace.gap").len()), (vec!["1".to_owned()], 0));
}

#[tokio::test(start_paused = true)]
async fn row_36_a_crash_between_the_log_and_the_seat_forgets_nothing() {
    let mut story = Story::live().await;
    for n in 0..12 {
        story.says(&n.to_string());
    }
    revoke(&story);
    for n in 0..10 {
        story.says(&format!("behind it {n}"));
    }
    // The page with the farewell is committed; the one behind it does not come before the crash.
    story.ledger.answers(Some(2));
    story.until("it is committed", |story| story.cursor().as_deref() == Some("age 0: 61")).await;
    assert!(story.of("workspace.revoked").is_empty());
    story.crash().await;
    story.ledger.answers(None);
    story.ledger.always(Some(Odd::Answer(401, "")));
    story.start().await;
    story.until("it is told", |story| !story.of("workspace.revoked").is_empty()).await;
    assert_eq!(story.of("workspace.needs_action").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn row_36_what_a_source_told_survives_a_crash_and_its_hole_is_told_once() {
    let mut story = Story::live().await;
    for n in 0..12 {
        story.says(&n.to_string());
    }
    let gone = story.ledger.happens_unseen("grant.revoked", &Value::Null, &story.at(0), json!({}));
    // The first page is committed; the one behind it does not come before the crash.
    story.ledger.answers(Some(1));
    story.brings(&gone).await;
    story.until("a page is committed", |story| story.told().len() == 10).await;
    story.crash().await;
    assert!(story.of("workspace.revoked").is_empty());
    story.ledger.answers(None);
    story.ledger.always(Some(Odd::Answer(401, "")));
    story.start().await;
    is_gone(&mut story).await;
    assert_eq!(story.of("workspace.gap").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_late_deliveries_are_verified_with_goes_a_day_later_whatever_happens_meanwhile() {
    for by_an_older_version in [false, true] {
        let mut story = Story::live().await;
        for (field, value) in [("hook_secret", "CANARY"), ("hook_path", "CANARY"), ("token", "CANARY")] {
            story.seal(field, value).await;
        }
        story.crash().await;
        if by_an_older_version {
            story.seat_is(Seat::Revoked { reason: "gone".into() }).await;
            story.start().await;
        } else {
            story.start().await;
            story.until_live().await;
            revoke(&story);
            story.until("it is told", |story| !story.of("workspace.revoked").is_empty()).await;
        }
        story.until("the token goes", |story| story.sealed() == ["api_key", "hook_path", "hook_secret"]).await;
        story.pass_hours(23).await;
        story.crash().await;
        story.start().await;
        story.pass_secs(1).await;
        assert_eq!(story.sealed(), ["api_key", "hook_path", "hook_secret"], "late deliveries still come");
        story.pass_hours(2).await;
        assert_eq!(story.sealed(), ["api_key"], "what a person gave stays until they leave");
    }
}

#[tokio::test(start_paused = true)]
async fn row_36_a_seat_that_is_taken_anew_is_not_ended_by_the_last_ones_farewell() {
    let mut story = Story::live().await;
    story.says("1");
    revoke(&story);
    is_gone(&mut story).await;
    story.crash().await;
    story.seat("key-2", 2).await;
    story.start().await;
    story.until_live().await;
    story.ledger.refuse_cursors();
    story.pass_secs(20).await;
    story.is_sound().await;
    assert_eq!(story.of("workspace.revoked").len(), 1);
}
