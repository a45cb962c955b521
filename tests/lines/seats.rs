//! The seat: what ends it, what is told of it, and workspaces that come and go while the bridge runs.

use agent_bridge::event::WorkspaceName;
use agent_bridge::store::{Batch, Change, Seat};

use agent_bridge_sim::agentunited::Fault;

use crate::bench::{HISTORY, Story, documented, name, observed};

#[tokio::test(start_paused = true)]
async fn p7_a_password_that_no_longer_works_needs_a_person_and_says_which_command() {
    let mut story = Story::live(documented()).await;
    let agent = story.sim.members()[0].clone();
    story.sim.wipe_password(&agent);
    story.sim.expire_token(&agent);
    story.until("a person is called", |story| !story.of("workspace.needs_action").is_empty()).await;
    let logins = story.seen("POST /auth/login");
    story.pass_secs(120).await;
    assert_eq!(story.seen("POST /auth/login"), logins, "never a loop on 401");
    let status = story.status();
    assert!(matches!(status.seat, Some(Seat::NeedsAction { .. })), "{status:#?}");
    assert!(status.command.is_some_and(|command| command.contains("join")));
    assert_eq!(story.of("workspace.needs_action").len(), 1);
    assert_eq!(story.types().last().map(String::as_str), Some("workspace.needs_action"), "the last in the feed");
    story.stop().await;
    story.start().await;
    story.pass_secs(5).await;
    assert_eq!(story.of("workspace.needs_action").len(), 1, "told once");
}

#[tokio::test(start_paused = true)]
async fn a_long_absence_is_told_once_and_so_is_the_return() {
    let mut story = Story::live(observed()).await;
    story.sim.set_offline(true);
    story.pass_secs(25).await;
    assert_eq!(story.of("workspace.disconnected").len(), 0, "not at once");
    story.pass_secs(120).await;
    assert_eq!(story.of("workspace.disconnected").len(), 1);
    let trouble = story.status().trouble.unwrap_or_default();
    assert!(trouble.contains("offline"), "{trouble}");
    assert!(story.status().lag > 60_000);
    story.sim.set_offline(false);
    // The next try may be a whole longest wait away.
    story.until_live().await;
    story.is_sound(0).await;
    assert_eq!(story.of("workspace.connected").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_is_stopped_and_started_while_the_bridge_runs() {
    let mut story = Story::live(observed()).await;
    let roster = story.roster().clone();
    assert!(roster.session(&name()).is_some());
    roster.stop(&name()).await;
    assert!(roster.status(&name()).is_none() && roster.session(&name()).is_none());
    story.pass_secs(1).await;
    assert_eq!(story.sim.stream_count(), 0);
    story.say("while it is stopped");
    roster.restart(&name()).await;
    story.until_live().await;
    story.is_sound(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_cannot_be_reached_is_waited_for() {
    let mut story = Story::joined(observed()).await;
    story.reachable(false);
    story.start().await;
    story.until("it waits", |story| story.status().lines[0].next_retry.is_some()).await;
    let status = story.status();
    assert!(!status.live, "{status:#?}");
    assert!(status.trouble.is_some_and(|trouble| trouble.contains("cannot be reached")));
    story.reachable(true);
    story.until_live().await;
    story.is_sound(0).await;
    assert_eq!(story.status().trouble, None, "what is mended is no trouble");
}

#[tokio::test(start_paused = true)]
async fn a_workspace_of_an_unknown_platform_says_what_to_do_and_disturbs_nobody() {
    let mut story = Story::live(observed()).await;
    let mut stranger = story.store.workspace(&name()).unwrap().unwrap();
    (stranger.name, stranger.platform) = (WorkspaceName::new("stranger").unwrap(), "nowhere".into());
    story.store.commit(Batch::new().with(Change::Workspace(Box::new(stranger.clone())))).await.unwrap();
    story.roster().start(&stranger.name).await;
    story.pass_secs(1).await;
    let trouble = story.roster().status(&stranger.name).and_then(|status| status.trouble).unwrap_or_default();
    assert!(trouble.contains("adapters_dir"), "{trouble}");
    story.is_sound(0).await;
    story.roster().stop(&stranger.name).await;
    assert_eq!(story.roster().statuses().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn p7_a_platform_that_opens_streams_and_refuses_every_history_is_no_loop_on_401() {
    let story = Story::live(documented()).await;
    story.always(HISTORY, Fault::Status { status: 401 });
    story.sim.cut_streams();
    story.until("a person is called", |story| !story.of("workspace.needs_action").is_empty()).await;
    let (logins, reads) = (story.seen("POST /auth/login"), story.seen(HISTORY));
    story.pass_secs(120).await;
    assert_eq!((story.seen("POST /auth/login"), story.seen(HISTORY)), (logins, reads));
}

#[tokio::test(start_paused = true)]
async fn rooms_that_are_broken_from_the_first_do_not_keep_the_stream_silent() {
    let mut story = Story::joined(observed()).await;
    story.always(HISTORY, Fault::Status { status: 500 });
    story.start().await;
    story.until_live().await;
    let id = story.say("over the stream");
    story.until("it is told", |story| story.created(&story.room).contains(&id)).await;
}
