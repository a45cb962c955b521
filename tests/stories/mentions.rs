//! Mentions by a webhook that carries no status, and what marks them as done.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::agentworkspace::{
    Armed, DocumentType, Fault, HookFault, MentionStatus, Notify, Options, Signing,
};
use serde_json::{Value, json};

use crate::bridge::{Agent, Delivery, until};
use crate::house::{accepted, ack};
use crate::lounge::ingress;
use crate::study::{NAME, Study};

/// Nothing is read but by a hint.
const SELDOM: &str = "every = \"10m\"\nbeside = \"10m\"";
/// Nothing is told but by reading.
const OFTEN: &str = "every = \"100ms\"\nbeside = \"100ms\"";
const LIST: &str = "GET /api/share/{token}/mentions";
const MARK: &str = "PATCH /api/share/{token}/mentions";
const SUGGEST: &str = "POST /api/share/{token}/suggest";

/// The action that the agent rides on its ack.
fn suggestion(search: &str) -> Value {
    json!([{ "verb": "suggest", "args": { "search": search, "text": "About 41% of" } }])
}

fn with_document(mut actions: Value, document: &str) -> Value {
    for action in actions.as_array_mut().unwrap() {
        action["args"]["conversation"] = document.into();
    }
    actions
}

async fn mentioned(agent: &mut Agent, mention: &str) -> Delivery {
    let told = agent.delivery_of("mention.created").await;
    assert_eq!(told.event["data"]["message"]["id"], mention);
    told
}

/// The receipt of the action that marks a mention, once it is settled.
async fn marked(agent: &mut Agent) -> Value {
    loop {
        let settled = agent.delivery_of("action.settled").await;
        ack(agent, &settled).await;
        let receipt = settled.event["data"]["receipt"].clone();
        if receipt["verb"] == "mention.done" {
            return receipt;
        }
    }
}

#[tokio::test]
async fn p3_a_webhook_makes_the_list_be_read_and_is_answered_once_the_mention_is_told() {
    let study = Study::new(SELDOM, &ingress()).await;
    let (url, mut agent) = (study.paste(), study.reader().await);
    assert_eq!(study.status().await["webhook_url"], url);
    assert!(study.home.ok(&["status", "study"]).await.contains(&url));
    for (signing, status) in [(Signing::Hex, 204), (Signing::Prefixed, 204), (Signing::Base64, 401)] {
        study.sim.reconfigure(|options| options.signing = signing);
        let mention = study.sim.mention("Pierre", &study.document, NAME, &format!("@Atlas, {signing:?}?"));
        if status == 204 {
            let told = mentioned(&mut agent, &mention).await;
            assert_eq!(told.event["data"]["author"]["name"], "Pierre");
            assert_eq!(told.event["subject"], study.document);
            ack(&mut agent, &told).await;
        }
    }
    study.is_answered(&[204, 204, 401]).await;
    drop(agent);
    study.end().await;
}

#[tokio::test]
async fn p3_the_webhook_of_a_mention_that_is_still_written_waits_until_it_is_sent() {
    let options = Options { notify: Notify::WhenTyped, ..Options::default() };
    let study = Study::of(options, SELDOM, &ingress(), true).await;
    study.paste();
    let mut agent = study.reader().await;
    let before = study.asked(LIST).len();
    let mention = study.sim.type_mention("Pierre", &study.document, NAME, "@Atlas, wait");
    until(|| async { (study.asked(LIST).len() > before + 1).then_some(()) }, || study.home.log()).await;
    assert!(study.sim.deliveries().is_empty(), "it was read, and does not wait yet");
    assert!(study.sim.send_mention(&mention));
    mentioned(&mut agent, &mention).await;
    study.is_answered(&[204, 204]).await;
    // One that has been told is taken again.
    assert!(study.sim.replay_hook(&mention));
    study.is_answered(&[204, 204, 204]).await;
    drop(agent);
    study.end().await;
}

#[tokio::test]
async fn p3_a_mention_that_does_not_come_in_time_is_answered_503_and_told_once_it_is_sent() {
    let options = Options { notify: Notify::WhenTyped, ..Options::default() };
    let study = Study::of(options, SELDOM, &format!("{}\nwait = \"200ms\"", ingress()), true).await;
    study.paste();
    let mention = study.sim.type_mention("Pierre", &study.document, NAME, "@Atlas, wait");
    study.is_answered(&[503]).await;
    study.sim.send_mention(&mention);
    mentioned(&mut study.reader().await, &mention).await;
    study.end().await;
}

#[tokio::test]
async fn p8_a_document_in_which_the_agent_is_mentioned_is_added_and_its_token_is_told_nowhere() {
    let study = Study::new(SELDOM, &ingress()).await;
    study.paste();
    let mut agent = study.reader().await;
    let other = study.sim.document(&study.agent, "Budget", DocumentType::Markdown, "Numbers.");
    let mention = study.sim.mention("Anna", &other, NAME, "@Atlas, sum it up");
    let told = mentioned(&mut agent, &mention).await;
    assert_eq!(told.event["data"]["conversation"]["title"], "Budget");
    study.is_answered(&[204]).await;
    let listed = study.home.ok(&["document", "list", "study", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["documents"].as_array().unwrap().len(), 2, "{listed}");
    agent.call("ack", json!({ "seq": told.seq })).await.unwrap();
    study.stands(&mention, MentionStatus::Done).await;
    drop(agent);
    study.end().await;
}

#[tokio::test]
async fn a_document_is_not_added_where_the_operator_does_not_want_it_or_its_token_opens_another() {
    let strict = format!("{}\n[workspace.study]\nadopt_documents = false", ingress());
    let study = Study::new(SELDOM, &strict).await;
    study.paste();
    let other = study.sim.document(&study.agent, "Budget", DocumentType::Markdown, "Numbers.");
    study.sim.mention("Anna", &other, NAME, "@Atlas, sum it up");
    study.is_answered(&[503]).await;
    assert!(!study.home.ok(&["document", "list", "study"]).await.contains("Budget"));
    // Only the one share of the document known was ever opened.
    let opened = study.asked("GET /api/share/{token}").len();
    assert_eq!(opened, 1, "{:?}", study.asked("GET /api/share/{token}"));
    study.end().await;
}

#[tokio::test]
async fn a_webhook_that_is_not_the_platforms_is_refused_and_so_is_any_without_a_secret() {
    let study = Study::new(SELDOM, &ingress()).await;
    study.paste();
    for fault in [HookFault::WrongSignature, HookFault::NoSignature, HookFault::NotJson] {
        study.sim.hook_fault(fault);
        let before = study.sim.deliveries().len();
        study.sim.mention("Mallory", &study.document, NAME, &format!("@Atlas, {before}"));
        until(|| async { (study.sim.deliveries().len() > before).then_some(()) }, || study.home.log()).await;
    }
    study.is_answered(&[401, 401, 400]).await;
    study.end().await;

    let bare = Study::of(Options::default(), SELDOM, &ingress(), false).await;
    assert!(bare.said.contains("no `webhook_secret` was given") && !bare.said.contains("/hooks/"), "{}", bare.said);
    assert_eq!(bare.status().await["webhook_url"], Value::Null);
    bare.end().await;
}

#[tokio::test]
async fn a_mention_is_marked_done_behind_the_actions_of_its_ack() {
    let study = Study::new(OFTEN, "").await;
    let mut agent = study.reader().await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let told = mentioned(&mut agent, &mention).await;
    let actions = with_document(suggestion("The majority of"), &study.document);
    let answer = agent.call("ack", json!({ "seq": told.seq, "actions": actions })).await.unwrap();
    assert_eq!(accepted(&answer).len(), 1, "what the bridge does by itself is not the agent's: {answer}");
    let receipt = marked(&mut agent).await;
    assert_eq!((&receipt["state"], &receipt["answers"]), (&json!("confirmed"), &json!(told.seq)), "{receipt:#}");
    study.stands(&mention, MentionStatus::Done).await;
    let log = study.sim.log();
    let at =
        |method: &str| log.iter().position(|it| it.method == method && it.status == 200 && it.path.contains("share"));
    assert!(at("POST").unwrap() < at("PATCH").unwrap(), "the suggestion stands before the mark");
    assert_eq!(study.asked(MARK).len(), 1);
    // Without any action it is handled as well.
    let second = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, thank you");
    let told = mentioned(&mut agent, &second).await;
    ack(&mut agent, &told).await;
    study.stands(&second, MentionStatus::Done).await;
    // And where the agent says it itself it is said once.
    let third = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, bye");
    let told = mentioned(&mut agent, &third).await;
    let done = json!([{ "verb": "mention.done", "args": { "conversation": study.document, "message": third } }]);
    agent.call("ack", json!({ "seq": told.seq, "actions": done })).await.unwrap();
    assert_eq!(marked(&mut agent).await["state"], "confirmed");
    study.stands(&third, MentionStatus::Done).await;
    assert_eq!(study.asked(MARK).len(), 3);
    drop(agent);
    study.end().await;
}

#[tokio::test]
async fn a_mention_whose_answer_failed_is_not_marked_and_the_receipt_says_why() {
    let study = Study::new(OFTEN, "").await;
    let mut agent = study.reader().await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let told = mentioned(&mut agent, &mention).await;
    let actions = with_document(suggestion("words that stand nowhere"), &study.document);
    agent.call("ack", json!({ "seq": told.seq, "actions": actions })).await.unwrap();
    let receipt = marked(&mut agent).await;
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("ack_failed")), "{receipt:#}");
    let why = receipt["message"].as_str().unwrap();
    assert!(why.contains("`suggest` (act_") && why.contains("is failed"), "{why}");
    assert_eq!(study.sim.mention_status(&mention), Some(MentionStatus::Sent));
    assert!(study.asked(MARK).is_empty());
    drop(agent);
    study.end().await;
}

#[tokio::test]
async fn p5_a_kill_between_the_ack_and_the_mark_leaves_nothing_pending() {
    let mut study = Study::new(OFTEN, "").await;
    let fault = Fault::TooMany { retry_after: "1".to_owned() };
    study.sim.arm(Armed { route: SUGGEST.to_owned(), after: 0, count: 1_000, fault });
    let mut agent = study.reader().await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let told = mentioned(&mut agent, &mention).await;
    let actions = with_document(suggestion("The majority of"), &study.document);
    agent.call("ack", json!({ "seq": told.seq, "actions": actions })).await.unwrap();
    until(|| async { (!study.asked(SUGGEST).is_empty()).then_some(()) }, || study.home.log()).await;
    drop(agent);
    study.kill().await;
    assert_eq!(study.sim.mention_status(&mention), Some(MentionStatus::Sent), "the suggestion is not there yet");
    study.sim.clear_faults();
    study.stands(&mention, MentionStatus::Done).await;
    assert_eq!(study.sim.look(|world| world.suggestions().count()), 1);
    study.end().await;
}

#[tokio::test]
async fn nothing_is_marked_where_the_operator_does_not_want_it() {
    let study = Study::new(OFTEN, "[workspace.study]\nmark_done = false").await;
    let mut agent = study.reader().await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let told = mentioned(&mut agent, &mention).await;
    let actions = with_document(suggestion("The majority of"), &study.document);
    let answer = agent.call("ack", json!({ "seq": told.seq, "actions": actions })).await.unwrap();
    let receipt = json!({ "id": accepted(&answer)[0], "wait": "30s" });
    assert_eq!(agent.call("receipt", receipt).await.unwrap()["state"], "confirmed");
    let outbox = agent.call("workspaces", json!({})).await.unwrap();
    assert!(study.asked(MARK).is_empty() && !outbox.is_null());
    assert_eq!(study.sim.mention_status(&mention), Some(MentionStatus::Sent));
    drop(agent);
    study.end().await;
}
