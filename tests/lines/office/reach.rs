//! Pages without a cursor: widened until they reach what is known, and where they cannot, that is said.

use agent_bridge_sim::office::{Options, Order, Shape};
use serde_json::Value;

use super::bench::{ME, Story, USER};

/// The agent has read one message, and then misses so many: directly and in the group.
async fn misses(options: Options, direct: usize, group: usize) -> Story {
    let mut story = Story::live(options).await;
    let office = story.sim.group();
    story.sim.say(USER, ME, "known");
    story.sim.say(USER, &office, "known");
    story.until("both are told", |story| story.texts().len() == 2).await;
    story.crash().await;
    for n in 0..direct {
        story.sim.say(USER, ME, &format!("d{n}"));
    }
    for n in 0..group {
        story.sim.say(USER, &office, &format!("g{n}"));
    }
    story.pass_secs(1).await;
    story.start().await;
    story.until_live().await;
    story.pass_secs(3).await;
    story
}

fn told(story: &Story, begin: char) -> Vec<String> {
    story.texts().into_iter().filter(|text| text.starts_with(begin)).collect()
}

fn numbered(begin: char, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("{begin}{n}")).collect()
}

#[tokio::test(start_paused = true)]
async fn p1_a_page_is_widened_down_to_what_is_known_on_groups_too() {
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let shape = Shape { order, ..Shape::default() };
        let story = misses(Options { shape, ..Options::default() }, 150, 90).await;
        assert_eq!(told(&story, 'd'), numbered('d', 0..150), "{order:?}");
        assert_eq!(told(&story, 'g'), numbered('g', 0..90), "{order:?}");
        assert_eq!(story.of("workspace.gap"), Vec::<Value>::new());
        let asked = |limit: &str| story.sim.log().iter().filter(|entry| entry.query.ends_with(limit)).count();
        assert_eq!((asked("limit=160"), asked("limit=320")), (2, 0), "once for each, and no wider");
    }
}

#[tokio::test(start_paused = true)]
async fn p9_a_page_that_does_not_grow_down_to_the_anchor_is_a_gap() {
    // The platform heeds no limit on groups, and gives 50.
    let story = misses(Options { group_limit: false, ..Options::default() }, 3, 80).await;
    assert_eq!(told(&story, 'g'), numbered('g', 30..80));
    assert_eq!(told(&story, 'd'), numbered('d', 0..3));
    let gaps = story.of("workspace.gap");
    assert_eq!(gaps.len(), 1, "{gaps:#?}");
    assert_eq!(gaps[0]["data"]["reason"], "history_repeats");
    assert_eq!(gaps[0]["data"]["conversation"]["id"], story.sim.group());
    let before_gap = story.texts().iter().position(|text| text == "g30").unwrap();
    let feed = story.feed();
    let gap = feed.iter().position(|event| event["type"] == "workspace.gap").unwrap();
    let first = feed.iter().position(|event| event["data"]["message"]["text"] == "g30").unwrap();
    assert!(gap < first && before_gap > 0, "the gap stands in front of what follows it");
    story.pass_secs(120).await;
    assert_eq!(story.of("workspace.gap").len(), 1, "once");
}

#[tokio::test(start_paused = true)]
async fn p9_the_widest_page_that_does_not_reach_is_a_gap() {
    let story = misses(Options { most: 200, ..Options::default() }, 230, 0).await;
    assert_eq!(told(&story, 'd'), numbered('d', 30..230));
    assert_eq!(story.of("workspace.gap").len(), 1);
    // The manifest's own bound, on a platform that would give more.
    let story = Story::begun(Options { most: 5_000, ..Options::default() });
    let story = story.mended("most: 1000", "most: 40").goes_live().await;
    story.sim.say(USER, ME, "known");
    story.until_told("known").await;
    story.reachable(false);
    for n in 0..60 {
        story.sim.say(USER, ME, &format!("d{n}"));
    }
    story.reachable(true);
    story.until_told("d59").await;
    assert_eq!(told(&story, 'd'), numbered('d', 20..60));
    assert_eq!(story.of("workspace.gap")[0]["data"]["reason"], "history_bound");
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_is_new_has_no_gap() {
    let story = Story::live(Options::default()).await;
    for n in 0..70 {
        story.sim.say("ann", ME, &format!("d{n}"));
    }
    story.until_told("d69").await;
    assert_eq!(told(&story, 'd'), numbered('d', 0..70));
    assert_eq!(story.of("workspace.gap"), Vec::<Value>::new());
}
