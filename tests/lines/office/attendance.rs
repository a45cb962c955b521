//! The stream about who is there: changes are told once, it makes the lists be read at once, and its loss costs nothing.

use agent_bridge_sim::office::{BotStatus, EventStyle, Options, StreamFault};
use serde_json::{Value, json};

use super::bench::{ME, Story, USER};

async fn listening(options: Options) -> Story {
    let mut story = Story::begun(options);
    story.sim.colleague("ann");
    story.join().await;
    story.registered().await;
    story.start().await;
    story.until_live().await;
    story.until("it listens", |story| story.line("attendance").last_byte.is_some()).await;
    story
}

fn changes(story: &Story) -> Vec<Value> {
    let data = |event: &Value| {
        let data = &event["data"];
        json!([data["participant"]["name"], data["was"], data["state"]])
    };
    story.of("participant.changed").iter().map(data).collect()
}

#[tokio::test(start_paused = true)]
async fn only_changes_are_told_and_each_once() {
    for events in [EventStyle::Named, EventStyle::InData] {
        let mut story = listening(Options { events, ..Options::default() }).await;
        assert_eq!(changes(&story), Vec::<Value>::new(), "how they are is no change");
        story.sim.bot("ann", BotStatus::Error);
        story.sim.bot("ann", BotStatus::Error);
        story.sim.bot(ME, BotStatus::Offline);
        story.until("both are told", |story| changes(story).len() == 2).await;
        let wanted = [json!(["ann", "online", "error"]), json!([ME, "online", "offline"])];
        assert_eq!(changes(&story), wanted);
        let told = story.of("participant.changed");
        assert_eq!(
            (&told[0]["data"]["participant"]["origin"], &told[0]["data"]["participant"]["me"]),
            (&"provisioned".into(), &false.into())
        );
        assert_eq!(
            (&told[1]["data"]["participant"]["origin"], &told[1]["data"]["participant"]["me"]),
            (&"external".into(), &true.into())
        );

        story.sim.cut_streams();
        story
            .until("it listens again", |story| story.sim.look(agent_bridge_sim::office::World::stream_count) > 0)
            .await;
        story.pass_secs(5).await;
        assert_eq!(changes(&story).len(), 2, "the list of a new stream repeats nothing");
        story.crash().await;
        story.sim.bot("ann", BotStatus::Online);
        story.start().await;
        story.until("what was missed is told", |story| changes(story).len() == 3).await;
        assert_eq!(changes(&story)[2], json!(["ann", "error", "online"]));
        story.sim.leaves("ann");
        story.until("she is gone", |story| changes(story).len() == 4).await;
        assert_eq!(changes(&story)[3], json!(["ann", "online", "gone"]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_it_says_makes_the_lists_be_read_at_once() {
    let story = listening(Options::default()).await;
    story.pass_secs(120).await;
    for _ in 0..3 {
        story.sim.say("bob", ME, "hello");
        let before = story.asked("conversations");
        story.sim.bot("ann", BotStatus::Error);
        story.sim.bot("ann", BotStatus::Online);
        let took = story.until("the lists are read", |story| story.asked("conversations") > before).await;
        assert!(took.as_secs_f64() <= 1.5, "{took:?}");
        story.pass_secs(4).await;
    }
    assert!(story.texts().len() >= 3, "told: {:?}", story.texts());
}

#[tokio::test(start_paused = true)]
async fn its_loss_is_harmless_and_it_is_dialled_again_with_patience() {
    let story = listening(Options::default()).await;
    for fault in [StreamFault::Mute, StreamFault::NoInit, StreamFault::NotJson, StreamFault::DropMidFrame] {
        story.sim.stream_fault(fault);
        story.sim.cut_streams();
        story.sim.bot("ann", BotStatus::Error);
        story.sim.say(USER, ME, "goes on");
        story.pass_secs(10).await;
        assert!(story.status().live);
        story.sim.bot("ann", BotStatus::Online);
        story.pass_secs(200).await;
    }
    assert_eq!(story.texts().len(), 4);
    let opened = story.sim.look(agent_bridge_sim::office::World::streams_opened);
    assert!((5..=20).contains(&opened), "{opened}");
    let last = changes(&story).last().cloned();
    assert!(last.as_ref().is_none_or(|it| it[2] == "online"), "{last:?}");
}
