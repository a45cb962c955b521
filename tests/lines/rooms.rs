//! Conversations: those that the stream leaves out, new ones, left ones, and what was before the join.

use std::time::Duration;

use agent_bridge::line::timing::Backfill;
use agent_bridge::workspace::keep_place;
use agent_bridge_sim::agentunited::Fault;
use serde_json::Value;

use crate::bench::{HISTORY, Story, documented, name, observed};

#[tokio::test(start_paused = true)]
async fn p1_a_direct_conversation_is_polled_though_the_stream_omits_it() {
    let mut story = Story::live(observed()).await;
    let direct = story.direct();
    story.say_in(&direct, "psst");
    story.pass_secs(19).await;
    assert_eq!(story.created(&direct).len(), 1, "within 15 s and a fifth");
    let event = &story.of("message.created")[0];
    assert_eq!(
        (&event["data"]["conversation"]["kind"], &event["data"]["mentions_me"]),
        (&"direct".into(), &true.into())
    );
    story.say_in(&direct, "and again");
    story.pass_secs(3).await;
    assert_eq!(story.created(&direct).len(), 2, "a lively one within 2 s and a fifth");
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p10_quiet_rooms_are_read_seldom() {
    let mut story = Story::joined(documented()).await;
    story.timing.cut = Some(Duration::from_hours(24));
    story.start().await;
    story.until_live().await;
    let before = story.seen(HISTORY);
    story.pass_secs(60).await;
    let read = story.seen(HISTORY) - before;
    assert!((3..=6).contains(&read), "the direct one every 15 s, the room not at all: {read}");
}

#[tokio::test(start_paused = true)]
async fn a_hint_reads_a_conversation_at_once() {
    let mut story = Story::live(observed()).await;
    let direct = story.direct();
    story.say_in(&direct, "psst");
    story.roster().poll_soon(&name(), &direct);
    story.pass_secs(1).await;
    assert_eq!(story.created(&direct).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_appears_later_is_told_whole() {
    for options in [documented(), observed()] {
        let mut story = Story::live(options).await;
        let new = story.sim.channel("news");
        for text in ["1", "2", "3"] {
            story.say_in(&new, text);
        }
        story.is_sound(0).await;
        assert_eq!(story.created(&new).len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_from_before_the_join_is_told() {
    let mut story = Story::begun(observed());
    let (later, bob) = (story.sim.channel("later"), story.sim.person("Bob"));
    for room in [story.room.clone(), later.clone()] {
        story.sim.say(&story.ann, &room, "before anybody joined");
    }
    story.pass_secs(60).await;
    story.join().await;
    story.sim.remove_member(&story.sim.members()[0], &later);
    story.start().await;
    story.until_live().await;
    story.pass_secs(20).await;
    assert_eq!(story.of("message.created").len(), 0);
    story.sim.say(&bob, &later, "before the agent was let in, after it joined");
    story.sim.add_member(&story.sim.members()[0], &later);
    story.say("hello");
    story.is_sound(0).await;
    assert_eq!(story.created(&later).len(), 1, "of the later room what came behind the join");
}

#[tokio::test(start_paused = true)]
async fn backfill_tells_what_was_before_and_marks_it() {
    for (backfill, wanted) in [(Backfill::All, 3), (Backfill::Last(Duration::from_hours(1)), 2)] {
        let mut story = Story::begun(observed());
        story.backfill = backfill;
        let room = story.room.clone();
        story.sim.say(&story.ann, &room, "long ago");
        story.pass(Duration::from_mins(1)).await;
        tokio::time::advance(Duration::from_hours(2)).await;
        story.say("an hour ago");
        story.say("an hour ago, too");
        story.pass_secs(60).await;
        story.join().await;
        story.start().await;
        story.until("it is told", |story| story.created(&room).len() == wanted).await;
        assert!(story.of("message.created").iter().all(|event| event["data"]["backfill"] == true));
        story.stop().await;
        story.start().await;
        story.say("after the join");
        story.until("it is told", |story| story.created(&room).len() == wanted + 1).await;
        let events = story.of("message.created");
        assert_eq!(events.last().map(|event| &event["data"]["backfill"]), Some(&Value::Null));
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_that_was_left_is_its_own_affair() {
    let mut story = Story::live(observed()).await;
    let other = story.sim.channel("other");
    story.pass_secs(20).await;
    story.sim.remove_member(&story.sim.members()[0], &other);
    story.sim.cut_streams();
    story.until("it notices", |story| story.phase() != "live").await;
    story.until_live().await;
    story.sim.say(&story.ann, &other, "not for the agent");
    story.is_sound(0).await;
    assert_eq!(story.created(&other).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn p1_what_is_said_between_the_join_and_the_first_run_is_told() {
    let mut story = Story::begun(observed());
    story.sim.say(&story.ann, &story.room, "before");
    story.join().await;
    keep_place(&story.context(), &name()).await.unwrap();
    let direct = story.direct();
    story.say("the agent has joined and does not run yet");
    story.say_in(&direct, "hello?");
    story.pass_secs(600).await;
    story.start().await;
    story.is_sound(0).await;
    assert_eq!(story.created(&direct).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn p9_a_room_that_fails_on_its_first_walk_keeps_its_backfill() {
    let mut story = Story::begun(observed());
    story.backfill = Backfill::All;
    story.say("long before the join");
    story.join().await;
    // Each try of the first page, then the next turns.
    story.always(HISTORY, Fault::Status { status: 500 });
    story.start().await;
    story.until_live().await;
    story.pass_secs(60).await;
    assert_eq!(story.created(&story.room).len(), 0);
    story.stop().await;
    story.sim.clear_faults();
    story.start().await;
    story.until("it is told", |story| story.created(&story.room).len() == 1).await;
    story.is_sound(0).await;
}
