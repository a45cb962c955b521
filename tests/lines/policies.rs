//! What the operator's policy holds back: known, counted once, and never told, while everything else goes on.

use agent_bridge::line::policy::Policy;
use agent_bridge::line::schedule::Pace;
use agent_bridge_sim::agentunited::Fault;

use crate::bench::{Story, documented, observed};

async fn under(policy: Policy, options: agent_bridge_sim::agentunited::Options) -> Story {
    let mut story = Story::joined(options).await;
    story.policy = policy;
    story.start().await;
    story.until_live().await;
    story
}

fn texts(story: &Story) -> Vec<String> {
    let told = story.of("message.created");
    told.iter().map(|event| event["data"]["message"]["text"].as_str().unwrap().to_owned()).collect()
}

fn held_back(story: &Story) -> u64 {
    story.store.held_back(&crate::bench::name()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn p2_what_is_held_back_is_counted_once_and_not_told_when_the_policy_changes() {
    for options in [documented(), observed()] {
        let mut story = Story::joined(options).await;
        let (open, shut) = (story.room.clone(), story.sim.channel("shut"));
        story.policy = Policy { allow_conversations: vec![open.clone()], ..Policy::default() };
        let secs = std::time::Duration::from_secs;
        story.timing.pace = Some(Pace { fast: secs(2), fast_for: secs(60), slow: secs(5), others: secs(10) });
        story.start().await;
        story.until_live().await;
        for text in ["1", "2", "3"] {
            story.sim.say(&story.ann, &shut, text);
            story.sim.say(&story.ann, &open, &format!("open {text}"));
        }
        story.until("the open ones are told", |story| texts(story).len() == 3).await;
        // Every history is read again meanwhile, and the stream is cut many times.
        story.pass_secs(60).await;
        assert_eq!(texts(&story), ["open 1", "open 2", "open 3"]);
        assert_eq!(held_back(&story), 3);
        story.stop().await;
        story.policy = Policy::default();
        story.reopen().await;
        story.start().await;
        story.until_live().await;
        story.sim.say(&story.ann, &shut, "4");
        story.until("the next one is told", |story| texts(story).len() == 4).await;
        story.pass_secs(60).await;
        assert_eq!(texts(&story)[3], "4");
        assert_eq!((held_back(&story), story.of("message.updated").len()), (3, 0), "the count survives");
        story.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn direct_topics_mentions_and_authors_each_govern_what_they_name() {
    let cases: [(&str, Policy, &[&str]); 4] = [
        ("no direct", Policy { direct: false, ..Policy::default() }, &["to all", "for @Agent"]),
        ("no topics", Policy { topics: false, ..Policy::default() }, &["psst"]),
        ("mentions", Policy { mention_only: true, ..Policy::default() }, &["for @Agent", "psst"]),
        ("authors", Policy { allow_authors: vec!["nobody".into()], ..Policy::default() }, &[]),
    ];
    for (what, policy, wanted) in cases {
        let mut story = under(policy, observed()).await;
        let (room, direct) = (story.room.clone(), story.direct());
        story.sim.say(&story.ann, &room, "to all");
        story.sim.say(&story.ann, &room, "for @Agent");
        story.sim.say(&story.ann, &direct, "psst");
        story.pass_secs(30).await;
        let mut told = texts(&story);
        told.sort();
        let mut wanted: Vec<_> = wanted.iter().map(|&text| text.to_owned()).collect();
        wanted.sort();
        assert_eq!(told, wanted, "{what}");
        assert_eq!(held_back(&story), 3 - told.len() as u64, "{what}");
        story.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn p1_the_cursor_moves_past_what_is_held_back() {
    let mut story = under(Policy { topics: false, ..Policy::default() }, documented()).await;
    let room = story.room.clone();
    story.sim.say(&story.ann, &room, "held back");
    story.until("it is counted", |story| held_back(story) == 1).await;
    let cursor = story.store.cursor(&crate::bench::name(), "sse").unwrap();
    assert!(cursor.is_some(), "the stream resumes behind it");
    story.sim.fault("GET /events/stream", Fault::Status { status: 500 });
    story.pass_secs(120).await;
    assert_eq!((held_back(&story), texts(&story).len()), (1, 0), "no replay counts it again");
    story.stop().await;
}
