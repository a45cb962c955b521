//! What is said reaches the feed once, from where the agent takes part and from nowhere else, across restarts.

use agent_bridge_sim::office::{MessageIds, Options, Others};

use super::bench::{ME, Story, USER};

#[tokio::test(start_paused = true)]
async fn a_direct_and_a_group_message_are_told_as_what_they_are() {
    let story = Story::live(Options::default()).await;
    let group = story.sim.group();
    story.sim.say(USER, ME, "psst");
    story.sim.say(USER, &group, "hello team");
    story.until_told("psst").await;
    story.until_told("hello team").await;
    let events = story.of("message.created");
    let event = |room: &str| events.iter().find(|event| event["subject"] == room).expect(room);
    let direct = &event(USER)["data"];
    assert_eq!((&direct["conversation"]["kind"], &direct["mentions_me"]), (&"direct".into(), &true.into()));
    assert_eq!((&direct["author"]["id"], &direct["author"]["me"]), (&USER.into(), &false.into()));
    let group = &event(&group)["data"];
    assert_eq!(group["conversation"]["kind"], "group");
    assert_eq!((&group["conversation"]["title"], &group["mentions_me"]), (&"Headquarters".into(), &false.into()));
}

#[tokio::test(start_paused = true)]
async fn the_agents_own_word_is_known_by_its_name() {
    let story = Story::live(Options::default()).await;
    story.sim.say(ME, USER, "from me");
    story.sim.say(USER, ME, "jared, are you there?");
    story.until_told("jared, are you there?").await;
    let own: Vec<bool> =
        story.of("message.created").iter().map(|event| event["data"]["author"]["me"] == true).collect();
    assert_eq!(own, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn p8_what_others_say_to_each_other_is_never_read() {
    let story = Story::live(Options { others: Others::Told, ..Options::default() }).await;
    story.sim.colleague("ann");
    story.sim.colleague("bob");
    story.sim.say("ann", "bob", "between us");
    story.sim.say(USER, "ann", "for ann");
    story.sim.say("ann", ME, "for the agent");
    story.until_told("for the agent").await;
    story.pass_secs(120).await;
    assert_eq!(story.texts(), ["for the agent"]);
    assert!(story.sim.served().contains("view.conversations_of_others"), "they were listed");
    assert_eq!(story.sim.look(|world| world.books().reads_of_others), 0);
    assert_eq!(story.line("rooms").conversations, 2, "with ann, and the group");
    let strange = |of: &[String]| of.len() == 2 && of != [ME, "ann"];
    assert!(!story.sim.look(|world| world.books().reads.iter().any(|read| strange(&read.of))));
}

#[tokio::test(start_paused = true)]
async fn p2_ids_that_come_back_in_another_conversation_are_other_messages() {
    let story = Story::live(Options { ids: MessageIds::PerConversation, ..Options::default() }).await;
    let group = story.sim.group();
    for (from, to, words) in [(USER, ME, "one"), ("ann", ME, "two"), (USER, &*group, "three")] {
        assert_eq!(story.sim.say(from, to, words), "1");
    }
    story.until("all three", |story| story.texts().len() == 3).await;
    story.pass_secs(60).await;
    let mut texts = story.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["one", "three", "two"]);
}

#[tokio::test(start_paused = true)]
async fn p1_nothing_is_lost_or_told_twice_over_crashes_and_nothing_from_before_the_join_is_told() {
    let mut story = Story::begun(Options::default());
    story.sim.person("ann");
    story.pass_secs(5).await;
    story.join().await;
    story.registered().await;
    story.sim.say("ann", ME, "before the first run, behind the join");
    story.start().await;
    story.until_live().await;
    story.pass_secs(5).await;
    for round in 0..3 {
        story.sim.say(USER, ME, &format!("{round} before the crash"));
        story.pass_secs(1).await;
        story.crash().await;
        story.sim.say(USER, ME, &format!("{round} while it is down"));
        story.sim.say(USER, &story.sim.group(), &format!("{round} in the group"));
        story.start().await;
        story.until_told(&format!("{round} while it is down")).await;
        story.until_told(&format!("{round} in the group")).await;
    }
    let ids = story.created(USER);
    let said: Vec<_> = story.sim.between(USER, ME).into_iter().map(|message| message.id).collect();
    assert_eq!(ids, said, "each once, in order");
    assert_eq!(story.created(&story.sim.group()).len(), 3);
    assert_eq!(story.of("workspace.gap"), Vec::<serde_json::Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_group_that_the_agent_made_is_read_though_no_list_has_it_and_still_after_a_restart() {
    let mut story = Story::live(Options::default()).await;
    let made = story.makes_a_group("plans").await;
    story.sim.say(USER, &made, "in the new group");
    story.until_told("in the new group").await;
    story.crash().await;
    story.sim.say(USER, &made, "while it is down");
    story.start().await;
    story.until_told("while it is down").await;
    assert_eq!(story.created(&made).len(), 2);
    assert_eq!(story.of("message.created")[0]["data"]["conversation"]["kind"], "group");
}

#[tokio::test(start_paused = true)]
async fn p9_a_platform_that_is_away_is_said_to_be_and_what_it_was_told_meanwhile_follows() {
    let story = Story::live(Options::default()).await;
    story.reachable(false);
    story.until("it notices", |story| !story.status().live).await;
    story.until("it is told", |story| story.of("workspace.disconnected").len() == 1).await;
    story.sim.say(USER, ME, "while it was away");
    story.reachable(true);
    story.until_told("while it was away").await;
    story.until_live().await;
    // It is live before that is committed.
    story.until("its return is told", |story| story.of("workspace.connected").len() == 2).await;
}

#[tokio::test(start_paused = true)]
async fn p7_a_key_that_is_refused_needs_a_person_and_is_not_asked_with_again() {
    let story = Story::live(Options::default()).await;
    story.sim.revoke_key(ME);
    story.until("a person must act", |story| !story.of("workspace.needs_action").is_empty()).await;
    let before = story.requests();
    story.pass_mins(30).await;
    assert!(story.requests() - before <= 3, "the dashboard at most: {}", story.requests() - before);
}
