//! Who takes part in a conversation is asked before its first event is told, and holds nothing up that cannot be known.

use agent_bridge::event::Via;
use agent_bridge::line::policy::Policy;
use agent_bridge::line::poll::feed::Live;
use serde_json::{Value, json};

use super::bench::{ME, Story};
use super::platform::Odd;

const ANN: &str = "ann@x.example";
const BOB: &str = "bob@x.example";

async fn live() -> Story {
    running(Story::among_people().await).await
}

async fn running(mut story: Story) -> Story {
    story.start().await;
    story.until_live().await;
    story
}

/// How the conversation of each message is held, and whether the message is meant for the agent.
fn kinds(story: &Story) -> Vec<(String, Value, Value)> {
    let told = story.of("message.created");
    let one = |event: &Value| {
        let data = &event["data"];
        let text = data["message"]["text"].as_str().unwrap().to_owned();
        (text, data["conversation"]["kind"].clone(), data["mentions_me"].clone())
    };
    told.iter().map(one).collect()
}

fn direct(text: &str) -> (String, Value, Value) {
    (text.to_owned(), json!("direct"), json!(true))
}

fn group(text: &str) -> (String, Value, Value) {
    (text.to_owned(), json!("group"), json!(false))
}

fn unknown(text: &str) -> (String, Value, Value) {
    (text.to_owned(), Value::Null, json!(false))
}

#[tokio::test(start_paused = true)]
async fn direct_conversations_are_told_apart_once_for_all_their_events() {
    let story = live().await;
    story.ledger.gathers(1, &[ME, ANN]);
    story.ledger.gathers(2, &[ME, ANN, BOB]);
    for (topic, text) in [(1, "a"), (2, "b"), (1, "c"), (2, "d")] {
        story.said(topic, 0, text);
    }
    let hanging = json!({ "topic": { "parent_topic_id": 1 }, "chat": { "id": "m e", "plain": "e" } });
    story.ledger.happens("chat.created", &json!(3), &story.at(0), hanging);
    story.tells(&["a", "b", "c", "d", "e"]).await;
    story.said(1, 0, "f");
    story.tells(&["a", "b", "c", "d", "e", "f"]).await;
    assert_eq!(kinds(&story), [direct("a"), group("b"), direct("c"), group("d"), group("e"), direct("f")]);
    assert_eq!(story.ledger.wondered(), ["1", "2"], "once each, and what hangs from another is none");
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_first_by_a_push_source_waits_for_its_own_conversation_alone() {
    let story = live().await;
    story.ledger.gathers(1, &[ME, ANN]);
    story.ledger.gathers(2, &[ME, ANN, BOB]);
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.brings(&story.said(2, 0, "known")).await;
    story.tells(&["known"]).await;
    story.ledger.is_shy(Some(Odd::Held));
    story.brings(&story.said(1, 0, "first")).await;
    story.brings(&story.said(1, 1, "second")).await;
    story.brings(&story.said(2, 2, "beside")).await;
    story.tells(&["known", "beside"]).await;
    assert_eq!(kinds(&story), [group("known"), group("beside")]);
    story.ledger.let_go();
    story.tells(&["known", "beside", "first", "second"]).await;
    assert_eq!(kinds(&story), [group("known"), group("beside"), direct("first"), direct("second")]);
    story.ledger.is_shy(None);
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_direct_conversations_holds_the_very_first_message_back() {
    let mut story = Story::among_people().await;
    story.policy = Policy { direct: false, ..Policy::default() };
    let story = running(story).await;
    story.ledger.gathers(1, &[ME, ANN]);
    story.ledger.gathers(2, &[ME, ANN, BOB]);
    story.said(1, 0, "polled");
    story.said(2, 0, "told");
    story.tells(&["told"]).await;
    story.ledger.gathers(4, &[ANN, ME]);
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.brings(&story.said(4, 0, "pushed")).await;
    story.pass_secs(120).await;
    let held_back = story.store.held_back(&crate::bench::name()).unwrap();
    assert_eq!((story.told(), held_back), (vec!["told".to_owned()], 2));
}

#[tokio::test(start_paused = true)]
async fn who_comes_and_goes_makes_a_conversation_another_one() {
    let story = live().await;
    story.ledger.gathers(1, &[ME, ANN]);
    story.says("a");
    story.tells(&["a"]).await;
    story.ledger.gathers(1, &[ME, ANN, BOB]);
    let bob = json!({ "participant": { "handle": BOB } });
    story.ledger.happens("participant.added", &json!(1), &story.at(0), bob.clone());
    story.says("b");
    story.tells(&["a", "b"]).await;
    story.ledger.gathers(1, &[ME, ANN]);
    story.pushes(Live::Up(Via::ActionCable)).await;
    story.pass_secs(1).await;
    story.brings(&story.ledger.happens("participant.removed", &json!(1), &story.at(0), bob)).await;
    story.brings(&story.says("c")).await;
    story.tells(&["a", "b", "c"]).await;
    assert_eq!(kinds(&story), [direct("a"), group("b"), direct("c")]);
    // The log is read again and again meanwhile: who came is known.
    story.pass_secs(200).await;
    assert_eq!(story.ledger.wondered(), ["1", "1", "1"]);
    assert_eq!(story.of("participant.added")[0]["data"]["conversation"]["kind"], "group");
    story.is_sound().await;
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_known_holds_nothing_up_and_is_asked_for_later() {
    let troubles = [
        Odd::Answer(500, ""),
        Odd::Answer(502, ""),
        Odd::Answer(403, ""),
        Odd::Answer(200, "<html>"),
        Odd::Answer(200, "{}"),
        Odd::Later(429, "40"),
        Odd::Held,
    ];
    for odd in troubles {
        let story = live().await;
        story.ledger.gathers(1, &[ME, ANN]);
        story.ledger.is_shy(Some(odd.clone()));
        story.says("a");
        story.pass_secs(11).await;
        assert_eq!(kinds(&story), [unknown("a")], "{odd:?}");
        for _ in 0..20 {
            story.says("b");
            story.pass_secs(1).await;
        }
        assert!(story.ledger.wondered().len() < 6, "it is not hammered: {odd:?}, {:?}", story.ledger.wondered());
        story.ledger.is_shy(None);
        story.ledger.let_go();
        story.pass_secs(70).await;
        story.says("c");
        story.until("it is told", |story| story.told().contains(&"c".to_owned())).await;
        assert_eq!(kinds(&story).last(), Some(&direct("c")), "{odd:?}");
        story.is_sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn p10_a_platform_that_asks_for_patience_is_asked_nothing_meanwhile() {
    let story = live().await;
    for topic in 1..=8 {
        story.ledger.gathers(topic, &[ME, ANN]);
    }
    story.ledger.is_shy(Some(Odd::Later(429, "100")));
    story.said(1, 0, "a");
    story.tells(&["a"]).await;
    for topic in 2..=8 {
        story.said(topic, 0, "b");
        story.pass_secs(10).await;
    }
    assert_eq!(story.ledger.wondered(), ["1"]);
    story.ledger.is_shy(None);
    story.pass_secs(40).await;
    story.said(2, 0, "c");
    story.until("it is told", |story| story.told().contains(&"c".to_owned())).await;
    assert_eq!(kinds(&story).last(), Some(&direct("c")));
}

#[tokio::test(start_paused = true)]
async fn without_the_grant_nobody_is_asked() {
    let story = Story::live().await;
    story.ledger.gathers(1, &[ME, ANN]);
    story.says("a");
    story.tells(&["a"]).await;
    assert_eq!((kinds(&story), story.ledger.wondered().len()), (vec![unknown("a")], 0));
}
