//! What a stream does to its listener.

use std::time::Duration;

use agent_bridge::store::{Batch, Change};
use agent_bridge_sim::agentunited::{Burst, Fault, Options, StreamFault, UnknownCursor, World, burst_id, burst_text};

use crate::bench::{HISTORY, Story, documented, name, observed};

#[tokio::test(start_paused = true)]
async fn p1_what_is_said_is_told_in_order_with_its_cursor() {
    let mut story = Story::live(documented()).await;
    let ids: Vec<_> = (0..5).map(|n| story.say(&n.to_string())).collect();
    story.pass_secs(1).await;
    assert_eq!(story.created(&story.room), ids);
    let status = story.status();
    assert!(status.live && status.lag == 0, "{status:#?}");
    assert_eq!(status.lines[0].cursor.as_ref(), ids.last());
    let event = &story.of("message.created")[0];
    assert_eq!((&event["data"]["author"]["me"], &event["data"]["mentions_me"]), (&false.into(), &false.into()));
    assert_eq!(
        (&event["data"]["conversation"]["kind"], &event["data"]["conversation"]["title"]),
        (&"group".into(), &"general".into())
    );
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p7_a_token_that_expires_in_mid_stream_costs_one_login_and_no_event() {
    let mut story = Story::live(documented()).await;
    story.say("before");
    story.pass_secs(1).await;
    let logins = story.seen("POST /auth/login");
    story.sim.expire_token(&story.sim.members()[0]);
    story.say("meanwhile");
    story.until_live().await;
    story.is_sound(0).await;
    assert_eq!(story.seen("POST /auth/login"), logins + 1);
}

#[tokio::test(start_paused = true)]
async fn p1_a_drop_in_mid_event_leaves_the_cursor_and_the_event_comes_once() {
    for options in [documented(), observed()] {
        let mut story = Story::live(options).await;
        story.sim.stream_fault(&StreamFault::DropAfter { events: 1, bytes: Some(40) });
        for text in ["1", "2", "3"] {
            story.say(text);
        }
        story.is_sound(0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn p2_a_platform_that_replays_old_ids_and_doubles_new_ones_is_told_once() {
    for options in [documented(), observed()] {
        let mut story = Story::live(options).await;
        for text in ["1", "2", "3", "4"] {
            story.say(text);
        }
        story.pass_secs(1).await;
        story.sim.stream_fault(&StreamFault::ReplayOld { events: 4 });
        story.sim.stream_fault(&StreamFault::Duplicate { events: 2 });
        story.say("5");
        story.say("6");
        story.is_sound(0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn p1_a_platform_without_ids_loses_nothing_over_a_drop() {
    let mut story = Story::live(observed()).await;
    for round in 0..3 {
        story.say(&format!("{round} before"));
        story.sim.cut_streams();
        story.say(&format!("{round} while it is down"));
        story.pass_secs(4).await;
    }
    story.is_sound(0).await;
    assert_eq!(story.status().lines[0].cursor, None);
}

#[tokio::test(start_paused = true)]
async fn p3_cuts_every_15_seconds_over_two_minutes_cost_nothing_and_are_not_told() {
    let mut story = Story::live(observed()).await;
    for n in 0..40 {
        story.say(&n.to_string());
        story.pass_secs(3).await;
        assert_eq!(story.phase(), "live", "it is renewed before it is cut");
    }
    story.is_sound(0).await;
    assert!(story.sim.look(World::streams_opened) >= 8);
    assert!(story.sim.stream_count() <= 2, "what is renewed is let go");
    assert_eq!(story.of("workspace.connected").len(), 1);
    assert_eq!(story.of("workspace.disconnected").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn p3_what_a_stream_lost_before_what_it_told_comes_late() {
    let mut story = Story::live(documented()).await;
    story.say("1");
    story.say("2");
    story.pass_secs(1).await;
    story.sim.stream_fault(&StreamFault::HoldBack { events: 2 });
    story.say("3");
    story.say("4");
    story.say("5");
    story.pass_secs(1).await;
    story.sim.cut_streams();
    story.is_sound(2).await;
}

#[tokio::test(start_paused = true)]
async fn p3_what_a_stream_reorders_is_marked_late() {
    let mut story = Story::live(documented()).await;
    story.sim.stream_fault(&StreamFault::Reorder { events: 3 });
    for text in ["1", "2", "3"] {
        story.say(text);
        story.pass_secs(1).await;
    }
    story.is_sound(2).await;
}

#[tokio::test(start_paused = true)]
async fn p3_frames_wait_while_the_line_catches_up() {
    let mut story = Story::live(documented()).await;
    story.sim.cut_streams();
    story.say("while it is down");
    story.always(HISTORY, Fault::DelayReply { millis: 5_000 });
    story.until("it catches up", |story| story.phase() == "catching_up").await;
    story.pass_secs(1).await;
    story.say("while it catches up");
    story.pass_secs(1).await;
    assert!(story.created(&story.room).len() < 2, "it waits");
    story.sim.clear_faults();
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p10_more_frames_than_may_wait_make_it_dial_again() {
    let mut story = Story::joined(documented()).await;
    story.timing.held_frames = 20;
    story.start().await;
    story.until_live().await;
    story.always(HISTORY, Fault::DelayReply { millis: 3_000 });
    story.sim.cut_streams();
    story.until("it catches up", |story| story.phase() == "catching_up").await;
    for n in 0..60 {
        story.say(&n.to_string());
    }
    story.pass_secs(1).await;
    assert!(story.status().lines[0].error.as_ref().is_some_and(|error| error.contains("20 frames")));
    story.sim.clear_faults();
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p10_a_replay_that_is_more_than_may_wait_does_not_come_again_and_again() {
    let mut story = Story::joined(documented()).await;
    story.timing.held_frames = 20;
    story.start().await;
    story.until_live().await;
    story.say("before");
    story.pass_secs(1).await;
    story.stop().await;
    for n in 0..60 {
        story.say(&n.to_string());
    }
    // The read that every connect begins with takes longer than the replay.
    story.always(HISTORY, Fault::DelayReply { millis: 300 });
    story.start().await;
    story.until_live().await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p9_only_an_oversized_frame_is_set_aside_with_a_gap() {
    let mut story = Story::live(documented()).await;
    story.say("1");
    story.sim.stream_fault(&StreamFault::Oversize { bytes: 5 << 20 });
    story.say("too large on the stream");
    story.say("2");
    story.pass_secs(1).await;
    let gaps = story.of("workspace.gap");
    assert_eq!((gaps.len(), &gaps[0]["data"]["reason"]), (1, &"frame_too_large".into()));
    assert_eq!(story.created(&story.room).len(), 2);
    story.sim.cut_streams();
    // The history has it in its own size.
    story.is_sound(1).await;
}

#[tokio::test(start_paused = true)]
async fn p1_a_cursor_that_is_refused_is_forgotten_and_histories_fill_the_hole() {
    let mut story = Story::live(Options { unknown_cursor: UnknownCursor::Refuse, ..documented() }).await;
    let id = story.say("the cursor");
    story.pass_secs(1).await;
    story.sim.reconfigure(|options| options.forget_on_restart = true);
    story.sim.delete(&id);
    story.sim.restart();
    story.say("while it is down");
    story.until_live().await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_web_page_is_no_stream_and_the_status_says_so() {
    let mut story = Story::joined(documented()).await;
    story.always("GET /events/stream", Fault::Html);
    story.start().await;
    story.pass_secs(5).await;
    let trouble = story.status().trouble.unwrap_or_default();
    assert!(trouble.contains("text/html") && trouble.contains("not an event stream"), "{trouble}");
    story.sim.clear_faults();
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p10_a_platform_in_trouble_is_asked_less_and_less_and_throttling_is_obeyed() {
    let mut story = Story::joined(documented()).await;
    story.always("GET /events/stream", Fault::Status { status: 500 });
    story.start().await;
    story.pass_secs(120).await;
    let asked = story.seen("GET /events/stream");
    assert!((3..=9).contains(&asked), "{asked} tries in two minutes");
    story.sim.clear_faults();
    story.sim.fault("GET /events/stream", Fault::TooMany { retry_after: "90".into() });
    story.until("it is throttled", |story| story.seen("GET /events/stream") > asked).await;
    story.pass_secs(91).await;
    assert_eq!(story.seen("GET /events/stream"), asked + 1, "chance comes on top of it");
    story.pass_secs(60).await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p10_a_live_line_does_not_wait_long_for_a_slow_read() {
    let mut story = Story::joined(documented()).await;
    (story.timing.held_frames, story.timing.cut) = (5, Some(Duration::from_hours(24)));
    story.start().await;
    story.until_live().await;
    story.always(HISTORY, Fault::DelayReply { millis: 10_000 });
    story.roster().poll_soon(&name(), &story.room);
    story.pass_secs(1).await;
    story.say("1");
    story.pass_secs(1).await;
    assert_eq!(story.created(&story.room).len(), 0, "one waits");
    for n in 2..=20 {
        story.say(&n.to_string());
    }
    story.pass_secs(1).await;
    assert_eq!((story.created(&story.room).len(), story.phase()), (20, "live"), "many do not");
    story.sim.clear_faults();
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn p11_at_the_disk_budget_intake_pauses_and_goes_on_when_there_is_room() {
    let mut story = Story::live(documented()).await;
    story.stop().await;
    story.budget = 200_000;
    story.reopen().await;
    story.start().await;
    story.until_live().await;
    let before: Vec<_> = (0..40).map(|_| story.say(&burst_text(0, 0, 9_000))).collect();
    story.until("intake pauses", |story| story.phase() == "waiting").await;
    story.pass_secs(30).await;
    assert_eq!(story.sim.stream_count(), 0);
    let trouble = story.status().trouble.unwrap_or_default();
    assert!(trouble.contains("disk budget"), "{trouble}");
    let mut told = story.created(&story.room);
    for _ in 0..40 {
        let head = *story.store.head().borrow();
        story.store.commit(Batch::new().with(Change::Trim(head))).await.unwrap();
        story.pass_secs(10).await;
        told.extend(story.created(&story.room));
    }
    told.dedup();
    assert_eq!(told, before, "all of it, once, in order");
}

#[tokio::test(start_paused = true)]
async fn p10_thousands_at_once_neither_end_the_line_nor_seem_lost() {
    for options in [documented(), observed()] {
        let mut story = Story::live(options).await;
        let burst =
            Burst { channel: story.room.clone(), count: 12_000, bytes: 100, rate_per_s: None, seed: 7, first: 0 };
        assert!(story.sim.burst(&burst).await);
        let ids: Vec<_> = (0..burst.count).map(|n| burst_id(burst.seed, n)).collect();
        story.until("all are told", |story| story.store.head().borrow().ge(&12_000)).await;
        story.pass_secs(25).await;
        assert_eq!(story.created(&story.room), ids);
        assert_eq!((story.late(), story.of("workspace.gap").len()), (0, 0));
        story.owes(&ids);
        story.is_sound(0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_only_the_stream_fails_the_histories_are_read_all_the_same() {
    let mut story = Story::live(observed()).await;
    story.always("GET /events/stream", Fault::Status { status: 500 });
    story.sim.cut_streams();
    story.until("the line is down", |story| story.phase() == "waiting").await;
    let direct = story.direct();
    let id = story.say_in(&direct, "nobody streams this");
    story.until("it is read", |story| story.created(&direct).contains(&id)).await;
    assert_eq!(story.sim.stream_count(), 0, "the stream is still down");
    story.sim.clear_faults();
    story.until_live().await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_the_platform_puts_off_is_put_off() {
    let story = Story::live(documented()).await;
    story.always("GET /events/stream", Fault::TooMany { retry_after: "90".into() });
    let asked = story.seen("GET /events/stream");
    story.pass_secs(80).await;
    assert_eq!(story.status().lines[0].phase, "live", "the old stream goes on");
    assert_eq!(story.seen("GET /events/stream"), asked + 1, "Retry-After is obeyed");
}
