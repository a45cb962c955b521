//! The cursor: where reading begins, goes on and ends, and what becomes of a cursor that is refused, repeated or too new.

use std::time::Duration;

use agent_bridge::event::Via;
use agent_bridge::line::poll::feed::Live;
use agent_bridge::line::timing::Backfill;
use agent_bridge::store::{Batch, Change};
use serde_json::{Value, json};

use super::bench::{Story, chat};
use super::platform::Odd;
use crate::bench::{name, text};

#[tokio::test(start_paused = true)]
async fn p3_a_log_is_told_in_its_order_whatever_its_times_say() {
    let mut story = Story::joined().await;
    let texts: Vec<String> = (0..35).map(|n| n.to_string()).collect();
    for (n, text) in texts.iter().enumerate() {
        // Neither ids of conversations nor times go up: the order is the log's.
        story.said(u64::try_from(n % 2).unwrap(), i64::try_from(n * 7 % 10).unwrap(), text);
    }
    story.start().await;
    story.until_live().await;
    assert_eq!(story.told(), texts);
    assert_eq!(story.late(), [""; 0]);
    let status = story.status();
    assert_eq!((status.lines[0].line, status.lines[0].cursor.clone()), ("poll", story.cursor()));
    assert_eq!(story.cursor().as_deref(), Some("age 0: 76"));
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn p1_p2_a_restart_goes_on_where_it_was_and_tells_nothing_twice() {
    let mut story = Story::live().await;
    for round in 0..12 {
        story.says(&format!("{round} before"));
        for _ in 0..round * 7 {
            tokio::task::yield_now().await;
        }
        story.pass_secs(round % 4 * 3).await;
        story.crash().await;
        story.says(&format!("{round} while it is dead"));
        story.start().await;
    }
    story.is_sound().await;
    let wanted: Vec<String> = (0..12)
        .flat_map(|n| [format!("{n} before"), format!("{n} while it is dead")])
        .chain(["something new".into()])
        .collect();
    assert_eq!(story.told(), wanted);
}

#[tokio::test(start_paused = true)]
async fn p1_a_page_of_which_all_is_known_moves_the_cursor_all_the_same() {
    let mut story = Story::live().await;
    story.says("1");
    story.tells(&["1"]).await;
    story.crash().await;
    let forget = Change::Cursor { workspace: name(), line: "poll".into(), value: None };
    story.store.commit(Batch::new().with(forget)).await.unwrap();
    story.start().await;
    story.until_live().await;
    assert_eq!((story.told(), story.cursor().as_deref()), (vec!["1".to_owned()], Some("age 0: 42")));
}

#[tokio::test(start_paused = true)]
async fn an_idle_log_is_asked_at_its_pace_and_nothing_is_committed() {
    let story = Story::live().await;
    story.says("1");
    story.tells(&["1"]).await;
    // Until what was said is no longer read again.
    story.pass_secs(200).await;
    let (asked, bytes) = (story.asked(), story.store.size());
    let head = story.feed().len();
    story.pass_secs(100).await;
    let asked = story.asked() - asked;
    assert!((15..=26).contains(&asked), "each 5 s and a little more or less: {asked}");
    assert_eq!((story.feed().len(), story.store.size()), (head, bytes));
    assert!(story.status().live, "each answer proves it alive");
}

#[tokio::test(start_paused = true)]
async fn row_20_a_cursor_that_repeats_with_events_is_told_once_and_not_asked_again_at_once() {
    for next in [json!("age 0: 42"), Value::Null] {
        let story = Story::live().await;
        story.says("1");
        story.tells(&["1"]).await;
        story.ledger.always(Some(Odd::Next(next)));
        story.says("2");
        story.tells(&["1", "2"]).await;
        let asked = story.asked();
        story.pass_secs(50).await;
        assert!(story.asked() - asked <= 15, "no hot loop: {}", story.asked() - asked);
        assert!(story.status().live);
        story.ledger.always(None);
        story.is_sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn row_20_a_cursor_that_moves_on_nothing_and_cursors_in_a_circle_are_no_hot_loop() {
    let story = Story::live().await;
    let asked = story.asked();
    story.ledger.always(Some(Odd::Next(json!("age 0: 41"))));
    story.pass_secs(50).await;
    assert!(story.asked() - asked <= 30, "nothing stands there: {}", story.asked() - asked);
    story.says("1");
    story.pass_secs(60).await;
    assert!(story.asked() - asked <= 120, "it goes back each time: {}", story.asked() - asked);
    assert_eq!(story.told(), ["1"]);
    story.ledger.always(None);
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn row_20_pages_in_which_the_agent_may_see_nothing_are_not_the_end_of_the_log() {
    let story = Story::live().await;
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(5).await;
    for n in 0..30 {
        story.ledger.withholds(&story.says(&format!("withheld {n}")));
    }
    story.says("seen");
    let (asked, mut done) = (story.asked(), story.inlet().hint(None).unwrap());
    story.until("one read has ended", |_| done.try_recv().is_ok()).await;
    assert_eq!((story.told(), story.cursor().as_deref()), (vec!["seen".to_owned()], Some("age 0: 72")));
    assert!(story.asked() - asked <= 6, "{}", story.asked() - asked);
    // Nor do they say that the log has lost anything.
    story.ledger.refuse_cursors();
    story.pass_secs(70).await;
    story.is_sound().await;
    assert_eq!((story.of("workspace.gap").len(), story.told().len()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn row_20_a_cursor_that_moves_on_nothing_for_ever_is_not_followed_for_ever() {
    let story = Story::live().await;
    story.says("1");
    story.tells(&["1"]).await;
    let asked = story.asked();
    story.ledger.always(Some(Odd::Moves));
    story.pass_secs(50).await;
    assert!(story.asked() - asked <= 75, "a few for each read: {}", story.asked() - asked);
    assert!(story.status().live, "{:#?}", story.status());
    story.says("2");
    story.tells(&["1", "2"]).await;
    story.ledger.always(None);
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn row_19_a_refused_cursor_is_forgotten_and_the_log_read_again_without_a_doubt_or_a_double() {
    let story = Story::live().await;
    for n in 0..25 {
        story.says(&n.to_string());
    }
    story.until("all is told", |story| story.told().len() == 25).await;
    story.ledger.refuse_cursors();
    story.says("behind it");
    story.until("it is told", |story| story.told().len() == 26).await;
    let asked = story.asked();
    story.pass_secs(50).await;
    assert!(story.asked() - asked <= 15, "no loop: {}", story.asked() - asked);
    assert_eq!(story.of("workspace.gap").len(), 0, "the log reaches back to what is known");
    assert_eq!(story.late(), [""; 0]);
    assert_eq!(story.cursor().as_deref(), Some("age 1: 67"));
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn row_19_what_a_log_has_lost_behind_a_refused_cursor_is_told_as_a_gap_once() {
    let mut story = Story::live().await;
    story.says("1");
    story.tells(&["1"]).await;
    story.pass_secs(3).await;
    story.says("nobody will ever know");
    story.ledger.refuse_cursors();
    story.ledger.forget(43);
    story.pass_secs(1).await;
    story.says("2");
    story.tells(&["1", "2"]).await;
    story.crash().await;
    story.start().await;
    story.pass_secs(100).await;
    let gaps = story.of("workspace.gap");
    assert_eq!((gaps.len(), text(&gaps[0]["data"]["reason"])), (1, "cursor_refused".to_owned()), "{gaps:#?}");
    assert_eq!(gaps[0]["data"]["before"], "acme/message.created/44");
    assert_eq!(gaps[0]["data"]["after"], story.of("message.created")[0]["time"]);
    let types = story.types();
    let at = |kind: &str| types.iter().rposition(|it| it == kind);
    assert!(at("workspace.gap") < at("message.created"), "the gap stands before what was found: {types:?}");
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn row_19_a_cursor_that_is_refused_in_the_midst_of_a_read_leads_in_no_circle() {
    let mut story = Story::joined().await;
    for n in 0..25 {
        story.said(1, 0, &n.to_string());
    }
    story.ledger.next([Odd::Page, Odd::Page, Odd::Answer(400, "invalid cursor")]);
    story.start().await;
    story.until("all is told", |story| story.told().len() == 25).await;
    let line = story.status().lines[0].clone();
    assert_eq!((line.last_drop, story.of("workspace.gap").len()), (None, 0));
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn row_19_a_platform_that_refuses_whatever_is_asked_is_a_failure_and_no_loop() {
    let story = Story::live().await;
    story.says("1");
    story.tells(&["1"]).await;
    let asked = story.asked();
    story.ledger.always(Some(Odd::Answer(400, "invalid cursor")));
    story.pass_secs(120).await;
    assert!(story.asked() - asked <= 20, "with a growing wait: {}", story.asked() - asked);
    assert_eq!(story.phase(), "waiting");
    assert!(story.status().trouble.is_some_and(|why| why.contains("400")), "{:#?}", story.status());
    story.ledger.always(None);
    story.is_sound().await;
    assert_eq!(story.of("workspace.gap").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn row_21_what_becomes_visible_behind_a_newer_one_is_found_told_late_and_once() {
    for restart in [false, true] {
        let mut story = Story::live().await;
        story.says("41");
        story.tells(&["41"]).await;
        story.ledger.happens_unseen("chat.created", &json!(1), &story.at(0), chat("42"));
        story.ledger.happens_unseen("chat.created", &json!(2), &story.at(0), chat("42 elsewhere"));
        story.says("43");
        story.tells(&["41", "43"]).await;
        story.pass_secs(50).await;
        story.ledger.show();
        if restart {
            story.crash().await;
            story.start().await;
        }
        story.tells(&["41", "43", "42", "42 elsewhere"]).await;
        assert_eq!(story.late(), ["42"], "in its own conversation nothing stands behind the other one");
        story.pass_secs(150).await;
        story.is_sound().await;
        assert_eq!(story.late().len(), 1);
        assert_eq!(story.cursor().as_deref(), Some("age 0: 46"), "the cursor never went back");
    }
}

#[tokio::test(start_paused = true)]
async fn row_21_an_overlap_that_is_refused_costs_nothing_but_itself() {
    let story = Story::live().await;
    let mut overlap = None;
    for n in 0..12 {
        story.says(&n.to_string());
        story.pass_secs(15).await;
        overlap = story.overlap();
    }
    assert_ne!(overlap, None, "it has gone on from the beginning");
    assert_ne!(overlap, story.cursor());
    let asked = story.asked();
    story.ledger.refuses_only(overlap.as_deref());
    story.pass_secs(130).await;
    let cursors: Vec<_> = story.ledger.asked().split_off(asked).into_iter().flatten().collect();
    assert_eq!(cursors.iter().filter(|cursor| Some(*cursor) == overlap.as_ref()).count(), 1, "{cursors:?}");
    story.ledger.refuses_only(None);
    story.is_sound().await;
    assert_eq!(story.of("workspace.gap").len(), 0);
}

async fn backfilled(backfill: Backfill) -> Vec<(String, bool)> {
    let mut story = Story::joined().await;
    story.backfill = backfill;
    story.said(1, -40 * 24 * 3600, "long ago");
    for n in 0..12 {
        story.said(1, -3 * 24 * 3600, &format!("days ago {n}"));
    }
    story.said(1, 5, "after the join");
    story.start().await;
    story.until_live().await;
    assert_eq!(story.cursor().as_deref(), Some("age 0: 55"), "the cursor passes what is not told");
    // Neither a second read nor a refused cursor brings back what was passed over.
    story.pass_secs(70).await;
    story.ledger.refuse_cursors();
    story.pass_secs(20).await;
    story.crash().await;
    story.backfill = Backfill::All;
    story.start().await;
    story.pass_secs(70).await;
    let told = story.of("message.created");
    told.iter().map(|event| (text(&event["data"]["message"]["text"]), event["data"]["backfill"] == true)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_the_join_is_told_as_the_operator_wishes_and_marked() {
    let days: Vec<_> = (0..12).map(|n| (format!("days ago {n}"), true)).collect();
    let after = ("after the join".to_owned(), false);
    assert_eq!(backfilled(Backfill::None).await, vec![after.clone()]);
    let week = Backfill::Last(Duration::from_hours(7 * 24));
    assert_eq!(backfilled(week).await, [days.clone(), vec![after.clone()]].concat());
    let all = [vec![("long ago".to_owned(), true)], days, vec![after]].concat();
    assert_eq!(backfilled(Backfill::All).await, all);
}
