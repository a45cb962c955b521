//! What history tells: holes, edits, deletions, crashes in between.

use agent_bridge_sim::agentunited::{Armed, Fault, StreamFault};
use serde_json::Value;

use crate::bench::{HISTORY, Story, documented, message, observed, text};

#[tokio::test(start_paused = true)]
async fn p1_what_was_said_while_the_bridge_was_away_is_told_whole() {
    let mut story = Story::live(observed()).await;
    story.stop().await;
    for n in 0..250 {
        story.say(&n.to_string());
    }
    story.start().await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p1_the_last_known_message_is_deleted_and_the_walk_ends_all_the_same() {
    let mut story = Story::live(observed()).await;
    let (first, last) = (story.say("1"), story.say("2"));
    story.until("both are told", |story| story.created(&story.room).len() == 2).await;
    story.pass_secs(20).await;
    story.stop().await;
    story.sim.delete(&last);
    story.say("3");
    story.start().await;
    story.is_sound(0).await;
    let gone: Vec<_> = story.of("message.deleted").iter().map(message).collect();
    assert_eq!(gone, [last]);
    assert_eq!(story.of("workspace.gap").len(), 0);
    assert!(story.created(&story.room).contains(&first));
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_replays_from_before_the_page_is_not_called_deleted() {
    let mut story = Story::begun(documented());
    for n in 0..250 {
        story.sim.say(&story.ann, &story.room, &n.to_string());
        story.pass_secs(1).await;
    }
    // The anchor remembers the newest page, and that page is all the next walk reads.
    story.join().await;
    story.start().await;
    story.until_live().await;
    story.sim.stream_fault(&StreamFault::ReplayOld { events: 200 });
    let new = story.say("a new one");
    story.until("all of the replay is told", |story| story.created(&story.room).contains(&new)).await;
    let walks = story.seen(HISTORY);
    story.until("the room is read again", |story| story.seen(HISTORY) > walks).await;
    story.pass_secs(10).await;
    assert_eq!(story.of("message.deleted").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn p1_a_crash_between_pages_begins_the_walk_again() {
    let mut story = Story::live(observed()).await;
    story.stop().await;
    for n in 0..250 {
        story.say(&n.to_string());
    }
    let armed = Armed { route: HISTORY.into(), after: 2, count: 1, fault: Fault::NeverAnswers { applied: false } };
    story.sim.arm(armed);
    story.start().await;
    story.pass_secs(5).await;
    assert_eq!(story.created(&story.room).len(), 0, "nothing of half a range is told");
    story.crash().await;
    story.start().await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p1_a_crash_between_the_commits_of_a_range_doubles_nothing() {
    let mut story = Story::live(observed()).await;
    story.stop().await;
    for n in 0..1_500 {
        story.say(&n.to_string());
    }
    story.start().await;
    let mut told = 0;
    while told == 0 {
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
        told = story.created(&story.room).len();
    }
    assert!(told < 1_500, "a range is told in several commits");
    story.crash().await;
    story.start().await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p2_two_edits_of_one_message_are_two_updates_each_told_once() {
    for options in [documented(), observed()] {
        let mut story = Story::live(options).await;
        let id = story.say("first");
        story.pass_secs(1).await;
        story.sim.edit(&id, "second");
        story.pass_secs(5).await;
        story.sim.edit(&id, "third");
        story.pass_secs(5).await;
        story.sim.cut_streams();
        story.is_sound(0).await;
        let texts: Vec<_> = story.of("message.updated").iter().map(|it| text(&it["data"]["message"]["text"])).collect();
        assert_eq!(texts, ["second", "third"]);
    }
}

#[tokio::test(start_paused = true)]
async fn p2_an_edit_while_the_bridge_was_away_is_told_from_history() {
    let mut story = Story::live(documented()).await;
    let id = story.say("first");
    story.pass_secs(1).await;
    story.stop().await;
    story.sim.edit(&id, "second");
    story.say("behind it");
    story.start().await;
    story.is_sound(0).await;
    let updates = story.of("message.updated");
    assert_eq!((updates.len(), &updates[0]["data"]["message"]["text"]), (1, &Value::from("second")));
}

#[tokio::test(start_paused = true)]
async fn p9_a_hole_larger_than_the_bound_is_told_before_what_was_found() {
    let mut story = Story::joined(observed()).await;
    story.timing.walk.messages = 50;
    story.start().await;
    story.until_live().await;
    story.stop().await;
    let many: Vec<_> = (0..220).map(|n| story.sim.say(&story.ann, &story.room, &n.to_string())).collect();
    story.start().await;
    story.until("the newest is told", |story| story.created(&story.room).contains(&many[219])).await;
    let found = story.created(&story.room);
    assert!(found.len() >= 50 && many.ends_with(&found), "the newest of them, whole");
    story.owes(&found);
    story.is_sound(0).await;
    let gaps = story.of("workspace.gap");
    assert_eq!(gaps.len(), 1);
    let told = story.created(&story.room);
    assert_eq!(gaps[0]["data"]["reason"], "history_bound");
    assert_eq!(
        (&gaps[0]["data"]["before"], &gaps[0]["subject"]),
        (&told[0].clone().into(), &story.room.clone().into())
    );
    let types = story.types();
    let gap = types.iter().position(|kind| kind == "workspace.gap");
    assert!(gap < types.iter().position(|kind| kind == "message.created"));
}

#[tokio::test(start_paused = true)]
async fn p1_a_room_that_fails_is_tried_again_and_the_others_flow() {
    let mut story = Story::live(observed()).await;
    story.stop().await;
    story.say("while it was away");
    story.sim.arm(Armed { route: HISTORY.into(), after: 0, count: 3, fault: Fault::Status { status: 500 } });
    story.start().await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_missing_between_two_is_told_as_deleted_once() {
    let mut story = Story::live(observed()).await;
    let ids: Vec<_> = (0..4).map(|n| story.say(&n.to_string())).collect();
    story.pass_secs(20).await;
    story.sim.delete(&ids[1]);
    story.pass_secs(40).await;
    let gone: Vec<_> = story.of("message.deleted").iter().map(message).collect();
    assert_eq!(gone, [ids[1].clone()]);
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_history_asks_for_is_kept_while_the_stream_flows() {
    let mut story = Story::live(observed()).await;
    let asked = story.seen(HISTORY);
    story.sim.fault(HISTORY, Fault::TooMany { retry_after: "60".into() });
    story.until("it is asked for a pause", |story| story.seen(HISTORY) > asked).await;
    let asked = story.seen(HISTORY);
    story.say("1");
    story.pass_secs(50).await;
    assert!(story.seen(HISTORY) <= asked + 1, "only what was under way");
    assert_eq!(story.created(&story.room).len(), 1);
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p1_killed_at_any_moment_it_goes_on_where_it_was() {
    for options in [documented(), observed()] {
        let mut story = Story::live(options).await;
        for round in 0..25_u32 {
            story.say(&format!("{round} before"));
            for _ in 0..round * 11 {
                tokio::task::yield_now().await;
            }
            if round % 3 == 0 {
                story.pass_secs(u64::from(round % 4)).await;
            }
            story.crash().await;
            story.say(&format!("{round} while it is dead"));
            story.start().await;
        }
        story.is_sound(0).await;
    }
}
