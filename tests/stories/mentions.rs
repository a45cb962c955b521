//! Mentions by a webhook that carries no status, and what marks them as done.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::agentworkspace::{
    Armed, DocumentType, Fault, HookFault, MentionStatus, Notify, Options, Signing,
};
use serde_json::{Value, json};

use crate::bridge::{Agent, Delivery, until};
use crate::house::{accepted, ack};
use crate::lounge::ingress;
use crate::margin::{Margin, NAME};

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

/// The receipt of the action that marks the mention of this event, once it is settled.
async fn marked(study: &Margin, seq: u64) -> Value {
    let settled = async || {
        let told = study.home.ok(&["tail", "--from", "start", "--once", "--json", "--types", "action.settled"]).await;
        let mut receipts = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let its = |event: &Value| {
            let receipt = &event["data"]["receipt"];
            receipt["verb"] == "mention.done" && receipt["answers"] == seq
        };
        receipts.find(its).map(|event| event["data"]["receipt"].clone())
    };
    until(settled, || study.home.log()).await
}

#[tokio::test]
async fn p3_a_webhook_makes_the_list_be_read_and_is_answered_once_the_mention_is_told() {
    let study = Margin::new(SELDOM, &ingress()).await;
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
    let study = Margin::of(options, SELDOM, &ingress(), true).await;
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
    let study = Margin::of(options, SELDOM, &format!("{}\nwait = \"200ms\"", ingress()), true).await;
    study.paste();
    let mention = study.sim.type_mention("Pierre", &study.document, NAME, "@Atlas, wait");
    study.is_answered(&[503]).await;
    study.sim.send_mention(&mention);
    mentioned(&mut study.reader().await, &mention).await;
    study.end().await;
}

#[tokio::test]
async fn p8_a_document_in_which_the_agent_is_mentioned_is_added_and_its_token_is_told_nowhere() {
    let study = Margin::new(SELDOM, &ingress()).await;
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
async fn a_document_is_not_added_where_the_operator_does_not_want_it() {
    let strict = format!("{}\n[workspace.study]\nadopt_documents = false", ingress());
    let study = Margin::new(SELDOM, &strict).await;
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
async fn attack_of_a_webhook_nothing_is_followed_but_what_the_platform_itself_says() {
    let study = Margin::new(SELDOM, &format!("{}\nwait = \"300ms\"", ingress())).await;
    let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let evil = format!("http://{}/api/share/{}", trap.local_addr().unwrap(), study.token);
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let endpoints = json!({ "read": evil, "draftToken": evil, "suggest": evil });
    let other = study.sim.document(&study.agent, "Budget", DocumentType::Markdown, "Numbers.");
    let token = study.sim.share(&other);
    let body = |document: &str, token: &str| {
        json!({
            "mentionId": mention, "documentId": document, "docTitle": "Another title", "shareToken": token,
            "context": "Another text", "authorName": "Mallory", "endpoints": endpoints,
        })
    };
    assert_eq!(study.delivers(&body(&study.document, "../../v1/docs")).await, 204);
    let told = mentioned(&mut study.reader().await, &mention).await;
    assert_eq!((told.text(), &told.event["data"]["author"]["name"]), ("@Atlas, numbers please", &json!("Pierre")));
    // A token that opens another document, one that opens none, and none at all.
    for token in [token.as_str(), "nothing", "../../api/v1/docs", ""] {
        assert_eq!(study.delivers(&body("11111111-2222-3333-4444-555555555555", token)).await, 503, "{token}");
    }
    assert_eq!(study.delivers(&json!({ "mentionId": mention })).await, 503);
    assert_eq!(study.delivers(&json!([])).await, 400);
    let listed: Value = serde_json::from_str(&study.home.ok(&["document", "list", "study", "--json"]).await).unwrap();
    assert_eq!(listed["documents"].as_array().unwrap().len(), 1, "{listed}");
    assert!(trap.accept().is_err(), "nobody came");
    study.end().await;
}

#[tokio::test]
async fn a_webhook_that_is_not_the_platforms_is_refused_and_so_is_any_without_a_secret() {
    let study = Margin::new(SELDOM, &ingress()).await;
    study.paste();
    for fault in [HookFault::WrongSignature, HookFault::NoSignature, HookFault::NotJson] {
        study.sim.hook_fault(fault);
        let before = study.sim.deliveries().len();
        study.sim.mention("Mallory", &study.document, NAME, &format!("@Atlas, {before}"));
        until(|| async { (study.sim.deliveries().len() > before).then_some(()) }, || study.home.log()).await;
    }
    study.is_answered(&[401, 401, 400]).await;
    study.end().await;

    let bare = Margin::of(Options::default(), SELDOM, &ingress(), false).await;
    assert!(bare.said.contains("no `webhook_secret` was given") && !bare.said.contains("/hooks/"), "{}", bare.said);
    assert_eq!(bare.status().await["webhook_url"], Value::Null);
    bare.end().await;
}

#[tokio::test]
async fn a_mention_is_marked_done_behind_the_actions_of_its_ack() {
    let study = Margin::new(OFTEN, "").await;
    let mut agent = study.reader().await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let told = mentioned(&mut agent, &mention).await;
    let actions = with_document(suggestion("The majority of"), &study.document);
    let answer = agent.call("ack", json!({ "seq": told.seq, "actions": actions })).await.unwrap();
    assert_eq!(accepted(&answer).len(), 1, "what the bridge does by itself is not the agent's: {answer}");
    let receipt = marked(&study, told.seq).await;
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
    assert_eq!(marked(&study, told.seq).await["state"], "confirmed");
    study.stands(&third, MentionStatus::Done).await;
    assert_eq!(study.asked(MARK).len(), 3);
    drop(agent);
    study.end().await;
}

#[tokio::test]
async fn a_mention_whose_answer_failed_is_not_marked_and_the_receipt_says_why() {
    let study = Margin::new(OFTEN, "").await;
    let mut agent = study.reader().await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let told = mentioned(&mut agent, &mention).await;
    let actions = with_document(suggestion("words that stand nowhere"), &study.document);
    agent.call("ack", json!({ "seq": told.seq, "actions": actions })).await.unwrap();
    let receipt = marked(&study, told.seq).await;
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
    let mut study = Margin::new(OFTEN, "").await;
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
    let study = Margin::new(OFTEN, "[workspace.study]\nmark_done = false").await;
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

/// The states that the platform was shown, each change once.
fn states(study: &Margin) -> Vec<String> {
    let mut states: Vec<String> = study.sim.look(|world| world.presences().map(|it| it.status.clone()).collect());
    states.dedup();
    states
}

/// The platform has been shown these states, in this order.
async fn is_shown(study: &Margin, wanted: &[&str]) {
    let shown = || async { (states(study) == wanted).then_some(()) };
    until(shown, || format!("{:?}: {}", states(study), study.home.log())).await;
}

#[tokio::test]
async fn what_the_agent_does_is_shown_by_itself_and_in_its_order() {
    let study = Margin::new(OFTEN, "").await;
    let mut agent = study.reader().await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let told = mentioned(&mut agent, &mention).await;
    is_shown(&study, &["reading"]).await;
    agent.call("extend", json!({ "seq": told.seq })).await.unwrap();
    is_shown(&study, &["reading", "thinking"]).await;
    let args = json!({ "conversation": study.document, "search": "The majority of", "text": "About 41% of" });
    let act = json!({ "workspace": "study", "verb": "suggest", "args": args, "wait": "30s" });
    assert_eq!(agent.call("act", act).await.unwrap()["state"], "confirmed");
    is_shown(&study, &["reading", "thinking", "acting"]).await;
    assert_eq!(study.sim.look(|world| world.present(&study.document).len()), 1, "people see it there");
    ack(&mut agent, &told).await;
    is_shown(&study, &["reading", "thinking", "acting", "completed"]).await;
    assert!(study.sim.look(|world| world.present(&study.document).is_empty()));
    // The next one begins anew, and acts by its ack alone.
    let second = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, more");
    let told = mentioned(&mut agent, &second).await;
    let first = ["reading", "thinking", "acting", "completed"];
    is_shown(&study, &[&first[..], &["reading"]].concat()).await;
    let actions = with_document(suggestion("travellers fly"), &study.document);
    agent.call("ack", json!({ "seq": told.seq, "actions": actions })).await.unwrap();
    is_shown(&study, &[&first[..], &["reading", "acting", "completed"]].concat()).await;
    // The agent may say it itself.
    let args = json!({ "conversation": study.document, "state": "thinking" });
    let act = json!({ "workspace": "study", "verb": "presence", "args": args });
    assert_eq!(agent.call("act", act).await.unwrap()["state"], "confirmed");
    assert_eq!(states(&study).last().unwrap(), "thinking");
    drop(agent);
    study.end().await;
}

/// The embedded manifest, with the time after which the agent's presence is said again shortened.
fn impatient(study_home: &std::path::Path) -> String {
    let folder = study_home.join("adapters");
    std::fs::create_dir_all(&folder).unwrap();
    let manifest = include_str!("../../adapters/agentworkspace.yaml");
    assert!(manifest.contains("every: 20s"));
    std::fs::write(folder.join("agentworkspace.yaml"), manifest.replace("every: 20s", "every: 100ms")).unwrap();
    format!("adapters_dir = \"{}\"\n", folder.display())
}

#[tokio::test]
async fn what_is_shown_is_said_again_until_the_event_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let study = Margin::on(&impatient(folder.path()), OFTEN).await;
    let mut agent = study.reader().await;
    let mention = study.sim.mention("Pierre", &study.document, NAME, "@Atlas, numbers please");
    let told = mentioned(&mut agent, &mention).await;
    let said = || study.sim.look(|world| world.presences().count());
    until(|| async { (said() >= 4).then_some(()) }, || study.home.log()).await;
    assert_eq!(states(&study), ["reading"]);
    // A lease that is given back: nobody deals with it, and nothing more is said of it.
    agent.call("nack", json!({ "seq": told.seq, "delay": "10m" })).await.unwrap();
    let second = study.sim.mention("Anna", &study.document, NAME, "@Atlas, and me?");
    let rounds = async |more: usize| {
        let listed = study.asked(LIST).len();
        until(|| async { (study.asked(LIST).len() > listed + more).then_some(()) }, || study.home.log()).await;
    };
    // What was on its way has come.
    rounds(5).await;
    let before = said();
    rounds(10).await;
    assert_eq!(said(), before, "while its lane waits nobody is shown at it");
    assert_eq!(study.sim.mention_status(&second), Some(MentionStatus::Sent));
    drop(agent);
    study.end().await;
}
