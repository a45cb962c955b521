//! What others bring: live frames that wait for a read of the log, and hints that are answered behind its commits.

use std::time::Duration;

use agent_bridge::event::Via;
use agent_bridge::line::poll::feed::Live;
use serde_json::json;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::Instant;

use super::bench::{Story, chat};
use super::platform::Odd;

#[tokio::test(start_paused = true)]
async fn p3_frames_of_a_source_that_connects_wait_for_a_read_that_began_after() {
    let story = Story::live().await;
    story.ledger.always(Some(Odd::Held));
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(1).await;
    let first = story.says("while it was connecting");
    story.brings(&story.says("second")).await;
    story.brings(&first).await;
    story.pass_secs(1).await;
    assert_eq!(story.told(), [""; 0], "they wait");
    story.ledger.always(None);
    // The page that was asked for before has neither of them.
    story.ledger.let_go();
    story.pass_secs(1).await;
    assert_eq!(story.told(), ["second", "while it was connecting"], "in the order in which they came");
    assert_eq!(story.late(), [""; 0], "they were said in one instant");
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn p3_what_a_source_tells_before_it_says_that_it_is_there_waits_for_the_log() {
    let story = Story::live().await;
    let events: Vec<_> = (0..3).map(|n| story.said(1, n, &n.to_string())).collect();
    // A replay and what is live come in no order.
    for event in events.iter().rev() {
        story.brings(event).await;
    }
    story.pass_secs(2).await;
    let wanted: Vec<String> = (0..3).map(|n| n.to_string()).collect();
    assert_eq!((story.told(), story.late()), (wanted, Vec::new()));
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn p3_what_the_log_has_goes_before_what_a_source_brings_and_is_told_once() {
    let mut story = Story::joined().await;
    let events: Vec<_> = (0..15).map(|n| story.said(1, n, &n.to_string())).collect();
    story.start().await;
    story.pushes(Live::Up(Via::ActionCable)).await;
    for event in events.iter().rev() {
        story.brings(event).await;
    }
    story.until_live().await;
    story.pass_secs(5).await;
    let wanted: Vec<String> = (0..15).map(|n| n.to_string()).collect();
    assert_eq!((story.told(), story.late()), (wanted, Vec::new()));
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn beside_a_live_source_the_log_is_read_seldom_and_finds_what_the_source_left_out() {
    let story = Story::live().await;
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(5).await;
    let asked = story.asked();
    for n in 0..20 {
        let event = story.said(1, n, &n.to_string());
        if n != 7 {
            story.brings(&event).await;
        }
        story.pass_secs(1).await;
    }
    assert!(story.asked() - asked <= 1, "once a minute: {}", story.asked() - asked);
    assert_eq!(story.told().len(), 19, "frames are told at once");
    assert_eq!(story.cursor(), None, "and move no cursor");
    story.pass_secs(60).await;
    assert_eq!((story.told().len(), story.late()), (20, vec!["7".to_owned()]));
    assert_eq!(story.cursor().as_deref(), Some("age 0: 61"));
    assert!(story.status().live, "{:#?}", story.status());
    story.pushes(Live::Down(Via::ActionCable)).await;
    let asked = story.asked();
    story.pass_secs(20).await;
    assert!(story.asked() - asked >= 4, "alone it reads often again");
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn p10_more_frames_than_may_wait_are_dropped_and_the_log_has_them() {
    let mut story = Story::joined().await;
    story.timing.held_frames = 5;
    story.start().await;
    story.until_live().await;
    story.ledger.next([Odd::Held]);
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(1).await;
    for n in 0..30 {
        story.brings(&story.said(1, n, &n.to_string())).await;
        story.settle().await;
    }
    story.ledger.let_go();
    story.pass_secs(5).await;
    let mut told: Vec<u32> = story.told().iter().map(|text| text.parse().unwrap()).collect();
    let late = story.late().len();
    told.sort_unstable();
    assert_eq!(told, (0..30).collect::<Vec<_>>(), "none is lost, long before the next read is due by itself");
    assert!(late <= 30 - 5, "{late}");
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn p10_a_burst_that_is_too_much_beside_a_live_source_is_read_from_the_log_at_once() {
    let mut story = Story::joined().await;
    story.timing.held_frames = 5;
    story.start().await;
    story.until_live().await;
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(5).await;
    let begun = Instant::now();
    // The queue takes so many before the line takes the first of them.
    for n in 0..16 {
        story.brings(&story.said(1, n, &n.to_string())).await;
    }
    story.until("none is lost", |story| story.told().len() == 16).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "long before the minute is over: {:?}", begun.elapsed());
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn what_came_while_a_read_failed_does_not_wait_for_the_next_one() {
    let story = Story::live().await;
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(5).await;
    let asked = story.asked();
    story.ledger.next([Odd::HeldThen(500)]);
    story.ledger.always(Some(Odd::Answer(500, "")));
    let _hint = story.inlet().hint(None).unwrap();
    story.until("it is read", |story| story.asked() > asked).await;
    story.brings(&story.said(1, 1, "1")).await;
    story.settle().await;
    assert_eq!(story.told(), [""; 0], "it waits for what it may have overtaken");
    story.ledger.let_go();
    story.tells(&["1"]).await;
    assert_eq!(story.asked(), asked + 1, "and for no other read");
    story.ledger.always(None);
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn beside_a_live_source_no_minute_goes_by_without_a_read() {
    let story = Story::live().await;
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(5).await;
    for _ in 0..8 {
        let (asked, begun) = (story.asked(), Instant::now());
        story.until("it is read", |story| story.asked() > asked).await;
        // One step of the story's time on top.
        assert!(begun.elapsed() <= Duration::from_millis(60_250), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn p1_a_hint_is_answered_behind_the_commit_of_what_it_hints_at() {
    let story = Story::live().await;
    story.pass_secs(1).await;
    let event = story.says("1");
    let mut done = story.inlet().hint(Some(event.to_string())).unwrap();
    assert_eq!(done.try_recv(), Err(TryRecvError::Empty));
    story.ledger.next([Odd::Held, Odd::Page, Odd::Held]);
    story.pass_secs(2).await;
    assert_eq!((done.try_recv(), story.told().len()), (Err(TryRecvError::Empty), 0), "not before the page is here");
    let mut second = story.inlet().hint(None).unwrap();
    story.ledger.let_go();
    story.settle().await;
    assert_eq!((done.try_recv(), story.told()), (Ok(()), vec!["1".to_owned()]));
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty), "it came while that read ran: the next one is its own");
    story.ledger.let_go();
    story.pass_secs(1).await;
    assert_eq!(second.try_recv(), Ok(()));
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn p1_a_hint_whose_event_the_log_does_not_show_yet_waits_for_it() {
    let story = Story::live().await;
    let event = story.ledger.happens_unseen("chat.created", &json!(1), &story.at(0), chat("soon"));
    let mut done = story.inlet().hint(Some(event.to_string())).unwrap();
    let mut gives_up = story.inlet().hint(Some(event.to_string())).unwrap();
    story.pass_secs(4).await;
    assert_eq!(done.try_recv(), Err(TryRecvError::Empty));
    gives_up.close();
    story.ledger.show();
    story.pass_secs(2).await;
    assert_eq!((done.try_recv(), story.told()), (Ok(()), vec!["soon".to_owned()]));
    let asked = story.asked();
    story.pass_secs(20).await;
    assert!(story.asked() - asked <= 6, "nobody waits any more: {}", story.asked() - asked);
}

#[tokio::test(start_paused = true)]
async fn p1_a_log_that_never_comes_to_its_end_keeps_no_hint_and_no_frame_waiting() {
    let mut story = Story::joined().await;
    story.timing.held_frames = 5;
    story.start().await;
    story.until_live().await;
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(5).await;
    story.ledger.is_busy(true);
    for n in 0..12 {
        let text = n.to_string();
        let event = story.says(&text);
        let mut done = story.inlet().hint(Some(event.to_string())).unwrap();
        story.brings(&event).await;
        story.until("what is committed is said to be", |_| done.try_recv().is_ok()).await;
        let place = story.feed().iter().position(|it| it["data"]["message"]["text"] == text.as_str()).unwrap();
        let seq = u64::try_from(place).unwrap() + 1;
        let seen = |story: &Story| story.store.sighting(seq).unwrap().unwrap().lines.has(Via::ActionCable);
        story.until("the cable's frame is taken", seen).await;
    }
    story.ledger.is_busy(false);
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn row_28_hints_out_of_order_leave_the_order_to_the_log_and_a_storm_is_one_read() {
    let story = Story::live().await;
    story.pass_secs(1).await;
    let events: Vec<_> = (0..8).map(|n| story.said(1, n, &n.to_string())).collect();
    let asked = story.asked();
    let done: Vec<_> = events.iter().rev().map(|event| story.inlet().hint(Some(event.to_string())).unwrap()).collect();
    story.pass_secs(1).await;
    for mut done in done {
        assert_eq!(done.try_recv(), Ok(()));
    }
    assert_eq!(story.told(), (0..8).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(story.late(), [""; 0]);
    assert!(story.asked() - asked <= 4, "{}", story.asked() - asked);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_holds_no_source_back_for_ever() {
    let story = Story::live().await;
    story.ledger.always(Some(Odd::Answer(500, "")));
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(1).await;
    story.brings(&story.said(1, 1, "1")).await;
    story.pass_secs(1).await;
    assert_eq!(story.told().len(), 0, "first it waits");
    story.until("it is told without the log", |story| story.told() == ["1"]).await;
    story.brings(&story.said(1, 2, "2")).await;
    story.pass_secs(1).await;
    assert_eq!((story.told().len(), story.phase()), (2, "waiting"), "and so is what follows");
    story.ledger.always(None);
    story.is_sound().await;
    assert_eq!(story.cursor().as_deref(), Some("age 0: 44"));
}
