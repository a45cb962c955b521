//! A join that has succeeded without chat: it is said, asked for, and once there is chat everything since the join is told.

use agent_bridge::workspace::keep_place;
use agent_bridge_sim::office::{Options, Unregistered};

use super::bench::{ME, Story, USER};
use crate::bench::name;

#[tokio::test(start_paused = true)]
async fn it_waits_says_so_and_goes_live_when_chat_appears() {
    for unregistered in [Unregistered::Absent, Unregistered::Empty, Unregistered::Refused(409)] {
        let mut story = Story::begun(Options { unregistered, ..Options::default() });
        story.join().await;
        assert_eq!(story.record().facts["registered"], false);
        story.start().await;
        story.until("it waits", |story| story.line("rooms").phase == "waiting").await;
        let status = story.status();
        assert!(status.trouble.as_ref().is_some_and(|why| why.contains("nothing to read yet")), "{status:#?}");
        assert!(!status.live && status.command.is_none());
        story.pass_mins(30).await;
        let asked = story.asked("conversations");
        assert!((20..=60).contains(&asked), "about once a minute: {asked}");
        let rewrites = story.sim.look(|world| world.books().rewrites);
        assert!(rewrites <= 4, "{rewrites}");
        assert_eq!(story.of("workspace.connected").len(), 0);

        story.sim.say(USER, &story.sim.group(), "before chat, in the group");
        story.sim.register_chat(ME);
        story.pass_mins(11).await;
        story.until_live().await;
        assert_eq!(story.record().facts["registered"], true, "{unregistered:?}");
        story.until_told("before chat, in the group").await;
        story.sim.say(USER, ME, "there you are");
        story.until_told("there you are").await;
        story.crash().await;
        story.start().await;
        story.until_live().await;
        assert_eq!(story.texts().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_the_agent_before_chat_is_wired_is_told() {
    for kept in [true, false] {
        let mut story = Story::begun(Options { unregistered: Unregistered::Refused(409), ..Options::default() });
        story.join().await;
        if kept {
            keep_place(&story.context(), &name()).await.unwrap_err();
        }
        story.pass_secs(5).await;
        story.sim.say(USER, ME, "are you there?");
        story.start().await;
        story.until("it waits", |story| story.line("rooms").phase == "waiting").await;
        story.pass_secs(90).await;
        story.sim.register_chat(ME);
        story.until_told("are you there?").await;
    }
}

#[tokio::test(start_paused = true)]
async fn chat_that_is_lost_again_is_waited_for() {
    let story = Story::live(Options { unregistered: Unregistered::Refused(409), ..Options::default() }).await;
    story.sim.lose_chat(ME);
    story.until("it waits", |story| story.line("rooms").phase == "waiting").await;
    let why = story.line("rooms").error.unwrap_or_default();
    assert!(why.contains("not registered with the chat"), "{why}");
    story.pass_secs(200).await;
    story.sim.register_chat(ME);
    story.sim.say(USER, ME, "back again");
    story.until_told("back again").await;
    story.until_live().await;
}
