//! Rows of a platform whose mentions stand in a list without cursors and come by a webhook without a memory, and whose
//! documents are edited over a connection of their own: 16, 17, 18, 27, 33. (Row 40 is a story: `stories/live.rs`.)

use agent_bridge_sim::agentworkspace::{Armed, Fault, HookFault, LiveFault, Memory, MentionId, MentionStatus, Turn};
use serde_json::{Value, json};

use crate::bridge::{Agent, until};
use crate::lounge::ingress;
use crate::margin::{Margin, NAME};
use crate::matrix;
use crate::namespace::{self, lo};
use crate::studio::Studio;

const SELDOM: &str = "every = \"10m\"\nbeside = \"10m\"";
const OFTEN: &str = "every = \"50ms\"\nbeside = \"50ms\"";
/// What is told is not marked there: the platform lists it as waiting for ever.
const UNMARKED: &str = "[workspace.study]\nmark_done = false";
const LIST: &str = "GET /api/share/{token}/mentions";
const MARK: &str = "PATCH /api/share/{token}/mentions";

/// The next mentions, acked: their ids.
async fn hears(agent: &mut Agent, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let told = agent.delivery_of("mention.created").await;
        heard.push(told.event["data"]["message"]["id"].as_str().expect("an id").to_owned());
        agent.call("ack", json!({ "seq": told.seq })).await.expect("it is acked");
    }
    heard
}

/// What the feed has of mentions, from its beginning: D, and their order.
async fn fed(study: &Margin) -> Vec<String> {
    let told = study.home.ok(&["tail", "--from", "start", "--once", "--json", "--types", "mention.created"]).await;
    let event = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    told.lines().map(|line| event(line)["data"]["message"]["id"].as_str().expect("an id").to_owned()).collect()
}

fn asks(study: &Margin, words: &str) -> MentionId {
    study.sim.mention("Pierre", &study.document, NAME, &format!("@Atlas, {words}"))
}

/// The list is read so many times more.
async fn is_read(study: &Margin, more: usize) {
    let before = study.asked(LIST).len();
    until(|| async { (study.asked(LIST).len() > before + more).then_some(()) }, || study.home.log()).await;
}

#[tokio::test]
async fn row_16_mentions_that_nobody_repeats_are_told_by_the_list() {
    matrix::row(16, async {
        let mut study = Margin::new(SELDOM, &ingress()).await;
        study.paste();
        let mut agent = study.reader().await;
        let first = asks(&study, "the first");
        assert_eq!(hears(&mut agent, 1).await, [first.as_str()]);
        // The only word of these is lost on its way, and nothing here reads by itself.
        study.sim.arm_hook(Turn { after: 0, count: Some(3), fault: HookFault::Lose });
        let mut wanted = vec![first];
        wanted.extend((0..3).map(|n| asks(&study, &format!("lost {n}"))));
        // While nobody listens nothing is kept for later, either.
        drop(agent);
        study.kill().await;
        wanted.extend((0..3).map(|n| asks(&study, &format!("meanwhile {n}"))));
        let mut agent = study.reader().await;
        wanted.push(asks(&study, "afterwards"));
        assert_eq!(hears(&mut agent, wanted.len() - 1).await, wanted[1..]);
        assert_eq!(fed(&study).await, wanted, "each is one event, in its order");
        drop(agent);
        study.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_17_mentions_that_are_shown_and_sent_again_and_again_are_told_once() {
    matrix::row(17, async {
        let mut study = Margin::new(OFTEN, &format!("{}\n{UNMARKED}", ingress())).await;
        study.paste();
        let mut agent = study.reader().await;
        let mut wanted = Vec::new();
        for n in 0..10 {
            wanted.push(asks(&study, &format!("number {n}")));
            assert_eq!(hears(&mut agent, 1).await, [wanted[n].as_str()]);
        }
        // The list has another order at each reading, the webhooks come again, and the bridge begins anew.
        study.sim.reconfigure(|options| options.shuffled = true);
        is_read(&study, 5).await;
        for mention in &wanted {
            assert!(study.sim.replay_hook(mention));
        }
        until(|| async { (study.sim.deliveries().len() >= 20).then_some(()) }, || study.home.log()).await;
        drop(agent);
        study.kill().await;
        is_read(&study, 5).await;
        assert!(study.sim.replay_hook(&wanted[0]));
        let mut agent = study.reader().await;
        wanted.push(asks(&study, "something new"));
        assert_eq!(hears(&mut agent, 1).await, wanted[10..], "V, and nothing old before it");
        assert_eq!(fed(&study).await, wanted);
        drop(agent);
        study.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_17_control_without_the_memory_of_ids_a_mention_is_told_again() {
    matrix::row(17, async {
        let mut study = Margin::new(OFTEN, UNMARKED).await;
        let mut agent = study.reader().await;
        let mention = asks(&study, "once, please");
        assert_eq!(hears(&mut agent, 1).await, [mention.as_str()]);
        drop(agent);
        study.kill_under(&[("AGENT_BRIDGE_WITHOUT", "once")]).await;
        let mut agent = study.reader().await;
        assert_eq!(hears(&mut agent, 1).await, [mention], "the double that the defence prevents");
        drop(agent);
        study.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_27_a_mention_that_webhook_and_poll_bring_at_once_is_told_once_and_in_order() {
    matrix::row(27, async {
        let study = Margin::new("every = \"20ms\"\nbeside = \"20ms\"", &ingress()).await;
        study.paste();
        study.sim.arm_hook(Turn { after: 0, count: None, fault: HookFault::Duplicate { times: 2 } });
        let mut agent = study.reader().await;
        let mut wanted = Vec::new();
        for round in 0..10 {
            wanted.extend((0..5).map(|n| asks(&study, &format!("round {round}, {n}"))));
            // Sixteen may wait at once; more would be sent away, to come again.
            let answered = || async { (study.sim.deliveries().len() >= 3 * wanted.len()).then_some(()) };
            until(answered, || format!("{}: {}", study.sim.deliveries().len(), study.home.log())).await;
        }
        assert_eq!(hears(&mut agent, wanted.len()).await, wanted);
        for mention in &wanted {
            study.stands(mention, MentionStatus::Done).await;
        }
        let refused: Vec<_> = study.sim.deliveries().into_iter().filter(|it| it.status != Some(204)).collect();
        assert!(refused.is_empty(), "{}: {refused:#?}", refused.len());
        study.sim.heal_hooks();
        wanted.push(asks(&study, "something new"));
        assert_eq!(hears(&mut agent, 1).await, wanted[50..]);
        assert_eq!(fed(&study).await, wanted);
        drop(agent);
        study.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_33_marks_and_edits_that_lost_their_replies_are_done_once() {
    matrix::row(33, async {
        let study = Margin::new(OFTEN, "").await;
        let mut agent = study.reader().await;
        for fault in [Fault::ReplyLost, Fault::StoredThen500, Fault::HalfBody] {
            study.sim.arm(Armed { route: MARK.to_owned(), after: 0, count: 1, fault });
            let mention = asks(&study, "and?");
            assert_eq!(hears(&mut agent, 1).await, [mention.as_str()]);
            study.stands(&mention, MentionStatus::Done).await;
        }
        let settled = async || {
            let told =
                study.home.ok(&["tail", "--from", "start", "--once", "--json", "--types", "action.settled"]).await;
            (told.lines().count() == 3).then_some(told)
        };
        let told = until(settled, || study.home.log()).await;
        assert_eq!(told.matches("\"state\":\"confirmed\"").count(), 3, "{told}");
        drop(agent);
        study.end().await;

        let studio = Studio::new("Rome is most of it.", "").await;
        let mut agent = studio.home.agent().await;
        for (n, fault) in [LiveFault::DropAfter, LiveFault::LoseTold].into_iter().enumerate() {
            studio.sim.live_fault(fault.clone());
            let text = format!("Answer {n}.");
            let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": text })).await;
            assert_eq!(receipt["state"], "confirmed", "{fault:?}: {receipt:#}\n{}", studio.home.log());
            assert_eq!(studio.seen().matches(&text).count(), 1, "{fault:?}: {}", studio.seen());
        }
        studio.sim.restart(Memory::Kept);
        let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Something new." })).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
        studio.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_18_a_document_whose_connection_is_half_open_is_noticed_and_resumed() {
    namespace::row(18, "asked::row_18_a_document_whose_connection_is_half_open_is_noticed_and_resumed", half_open())
        .await;
}

/// No packet passes any more, in either direction, and neither end is told. The agent edits, and the person types.
async fn half_open() {
    lo(true).await;
    let studio = Studio::often("Rome is most of it.").await;
    let mut agent = studio.home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it reads");
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Before." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    lo(false).await;
    let begun = studio.begin(&mut agent, json!({ "op": "append", "text": "While nothing passes." })).await;
    let begun = begun.expect("it is taken");
    assert!(studio.sim.types(&studio.draft, 4, ", Italy,"));
    let mention = studio.sim.mention("Pierre", &studio.draft, "Atlas", "@Atlas, are you there?");
    let noticed = || async { studio.home.log().contains("the document is not connected").then_some(()) };
    until(noticed, || studio.home.log()).await;
    assert!(!studio.seen().contains("While nothing passes."), "{}", studio.seen());
    lo(true).await;
    let receipt = agent.call("receipt", json!({ "id": begun["id"], "wait": "60s" })).await.expect("a receipt");
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}\n{}", studio.home.log());
    let seen = studio.seen();
    assert_eq!(
        (seen.matches("While nothing passes.").count(), seen.matches("Rome, Italy, is").count()),
        (1, 1),
        "{seen}"
    );
    let told = agent.delivery_of("mention.created").await;
    assert_eq!(told.event["data"]["message"]["id"], json!(mention), "{:#}", told.event);
    drop(agent);
    studio.end().await;
}
