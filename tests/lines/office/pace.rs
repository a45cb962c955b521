//! How much reading costs, and how soon what was said is told.

use std::time::Duration;

use agent_bridge_sim::office::Options;

use super::bench::{ME, STEP, Story, USER};

/// 199 direct conversations and the office's group, in all of which something was said.
async fn crowded(story: Story) -> Story {
    for n in 0..199 {
        story.sim.say(&person(n), ME, "hello");
    }
    story.sim.say(USER, &story.sim.group(), "hello");
    let mut story = story;
    story.join().await;
    story.registered().await;
    story.start().await;
    story.until_live().await;
    assert_eq!(story.line("rooms").conversations, 200);
    story
}

fn person(n: usize) -> String {
    format!("p{n:03}")
}

#[tokio::test(start_paused = true)]
async fn p10_200_conversations_5_of_them_lively_cost_at_most_25_000_requests_an_hour_and_come_in_time() {
    // Where the list tells nothing of what was said last: with that it is quicker.
    let moved = "        moved: [/lastMessageId, /lastMessage/id, /lastMessageAt, /lastMessage/sentAt, /updatedAt]\n";
    let story = crowded(Story::begun(Options::default()).mended(moved, "")).await;
    let lively: Vec<String> = (0..5).map(person).collect();
    for person in &lively {
        story.sim.say(person, ME, "shall we talk?");
    }
    story.pass_secs(60).await;
    let (before, mut slowest, mut quiet) = (story.requests(), Duration::ZERO, Duration::ZERO);
    // A quarter of an hour, in which somebody says something every ten seconds.
    for turn in 0..90_usize {
        let words = format!("turn {turn}");
        story.sim.say(&lively[turn % 5], ME, &words);
        let took = story.until_told(&words).await;
        slowest = slowest.max(took);
        story.pass(Duration::from_secs(10).saturating_sub(took)).await;
    }
    let asked = (story.requests() - before) * 4;
    assert!(asked <= 25_000, "{asked} requests an hour");
    assert!(asked > 15_000, "it was asked at all: {asked}");
    assert!(slowest <= Duration::from_secs(2), "where people talk: {slowest:?}");
    for n in [10, 60, 110, 198] {
        let words = format!("out of the quiet {n}");
        story.sim.say(&person(n), ME, &words);
        quiet = quiet.max(story.until_told(&words).await);
    }
    assert!(quiet <= Duration::from_mins(1), "where it was quiet: {quiet:?}");
    assert!(quiet > STEP * 20, "it was quiet there: {quiet:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_list_tells_of_the_last_message_is_looked_at_at_once_and_costs_no_more() {
    let story = crowded(Story::begun(Options::default())).await;
    story.pass_secs(90).await;
    let mut slowest = Duration::ZERO;
    for n in [20, 70, 120] {
        let words = format!("out of the quiet {n}");
        story.sim.say(&person(n), ME, &words);
        slowest = slowest.max(story.until_told(&words).await);
    }
    assert!(slowest <= Duration::from_secs(20), "the list is read every 15 s: {slowest:?}");
}

#[tokio::test(start_paused = true)]
async fn p10_a_quiet_office_is_read_seldom_and_a_lively_conversation_calms_down() {
    let story = Story::live(Options::default()).await;
    story.sim.say(USER, ME, "hello");
    story.until_told("hello").await;
    story.pass_secs(10).await;
    let reads = |story: &Story| story.asked("messages");
    let before = reads(&story);
    story.pass_secs(60).await;
    assert!((33..=42).contains(&(reads(&story) - before)), "every 1.6 s: {}", reads(&story) - before);
    story.pass_secs(300).await;
    let before = reads(&story);
    story.pass_secs(120).await;
    assert!((1..=4).contains(&(reads(&story) - before)), "every minute: {}", reads(&story) - before);
}

#[tokio::test(start_paused = true)]
async fn the_list_that_rewrites_memberships_is_read_every_ten_minutes_and_never_per_poll() {
    let mut story = Story::live(Options::default()).await;
    let rewrites = |story: &Story| story.sim.look(|world| world.books().rewrites);
    assert_eq!(rewrites(&story), 1, "when it begins");
    story.sim.say(USER, &story.sim.group(), "keep it lively");
    story.pass_mins(9).await;
    assert_eq!(rewrites(&story), 1);
    assert!(story.asked("conversations") > 20, "the others are read meanwhile");
    story.crash().await;
    story.start().await;
    story.until_live().await;
    story.reachable(false);
    story.until("it notices", |story| !story.status().live).await;
    story.reachable(true);
    story.until_live().await;
    assert_eq!(rewrites(&story), 1, "neither a restart nor an outage reads it");
    story.sim.say(USER, &story.sim.group(), "after the restart");
    story.until_told("after the restart").await;
    story.pass_mins(2).await;
    assert_eq!(rewrites(&story), 2);
    story.pass_mins(20).await;
    assert_eq!(rewrites(&story), 4);
}
