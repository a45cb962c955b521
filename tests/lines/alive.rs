//! Is it alive? Both wrong answers: a dead stream that looks alive, and a quiet one that looks dead.

use std::time::Duration;

use agent_bridge::line::evidence::Evidence;
use agent_bridge::line::schedule::Pace;
use agent_bridge_sim::agentunited::{Fault, Options, StreamFault, World};

use crate::bench::{HISTORY, Story, documented};

const STREAM: &str = "GET /events/stream";

/// A platform whose streams live for ever, of which the bridge knows that; `heartbeat` is what it really does.
async fn lasting(heartbeat: Duration) -> Story {
    let mut story = Story::joined(Options { heartbeat, ..documented() }).await;
    story.timing.cut = Some(Duration::from_hours(1_000));
    story
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_beats_and_tells_nothing_is_found_deaf_and_dialled_again() {
    let mut story = lasting(Duration::from_secs(25)).await;
    story.timing.pace = Some(Pace { others: Duration::from_mins(1), ..Pace::default() });
    story.start().await;
    story.until_live().await;
    story.say("heard");
    story.pass_secs(1).await;
    story.sim.deafen_streams();
    story.say("not heard");
    story.until("a history has it", |story| story.created(&story.room).len() == 2).await;
    assert_eq!(story.seen(STREAM), 1, "the stream has its grace");
    story.until("it is dialled again", |story| story.seen(STREAM) == 2).await;
    story.until_live().await;
    let drop = story.status().lines[0].last_drop.clone().expect("it says why");
    assert!(drop.why.contains("deaf"), "{}", drop.why);
    story.is_sound(0).await;
    story.pass_secs(200).await;
    assert_eq!(story.seen(STREAM), 2, "the new one hears");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_on_a_quiet_platform_without_heartbeats_stays_open() {
    let mut story = lasting(Duration::from_hours(1_000)).await;
    story.start().await;
    story.until_live().await;
    for _ in 0..8 {
        story.pass_secs(60).await;
        let status = story.status();
        assert!(status.live && status.lag == 0, "{status:#?}");
    }
    assert_eq!(story.seen(STREAM), 1, "never dialled again");
    assert_eq!(story.status().lines[0].evidence, Some(Evidence::HeadCheck));
    let reads = story.seen(HISTORY);
    assert!(reads < 100, "{reads} reads in eight minutes");
    story.say("and it still tells");
    story.pass_secs(1).await;
    assert_eq!(story.created(&story.room).len(), 1, "at once, by the stream");
    story.is_sound(0).await;
    assert_eq!(story.seen(STREAM), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_byte_and_without_an_answer_it_is_dead_within_the_silence_bound() {
    let mut story = lasting(Duration::from_hours(1_000)).await;
    story.start().await;
    story.until_live().await;
    // Every direct conversation, every history, every new connection: nothing comes back any more.
    story.always("*", Fault::NeverAnswers { applied: false });
    let begun = tokio::time::Instant::now();
    story.until("it is noticed", |story| story.phase() != "live").await;
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(76), "{took:?} after the last evidence, or more");
    assert!(story.status().lines[0].last_drop.clone().expect("it says why").why.contains("silent"));
    story.say("meanwhile");
    story.sim.clear_faults();
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn one_lost_event_is_no_deafness_and_what_every_stream_leaves_out_is_polled() {
    let mut story = lasting(Duration::from_secs(25)).await;
    story.timing.pace = Some(Pace { others: Duration::from_mins(1), ..Pace::default() });
    story.start().await;
    story.until_live().await;
    story.sim.stream_fault(&StreamFault::HoldBack { events: 1 });
    story.say("lost on the way");
    story.until("a history has it", |story| story.created(&story.room).len() == 1).await;
    story.say("and the stream goes on");
    story.pass_secs(60).await;
    assert_eq!(story.seen(STREAM), 1, "it is not deaf");
    // A platform whose streams leave the conversation out for good.
    story.sim.stream_fault(&StreamFault::HoldBack { events: 1_000 });
    for n in 0..4 {
        story.say(&format!("{n}, which no stream tells"));
        story.pass_secs(100).await;
    }
    assert_eq!(story.seen(STREAM), 2, "dialled again once, not for ever");
    let id = story.say("polled");
    story.pass_secs(20).await;
    assert!(story.created(&story.room).contains(&id), "as what a stream leaves out");
    assert_eq!(story.sim.look(World::stream_count), 1);
    story.is_sound(0).await;
}
