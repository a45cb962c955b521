//! A mention opens its document, and what the agent does about it is seen there for as long as it is so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::path::Path;

use agent_bridge_sim::agentworkspace::{DocumentType, World};
use serde_json::{Value, json};

use crate::bridge::{Agent, Delivery, until};
use crate::house::ack;
use crate::margin::Margin;
use crate::studio::Studio;

const OFTEN: &str = "every = \"100ms\"\nbeside = \"100ms\"";
const BRIEFLY: &str = "every = \"100ms\"\nbeside = \"100ms\"\ndocument_idle = \"300ms\"";

async fn reader(studio: &Studio) -> Agent {
    let mut agent = studio.home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.unwrap();
    agent
}

async fn mentioned(studio: &Studio, agent: &mut Agent) -> Delivery {
    studio.sim.mention("Pierre", &studio.draft, "Atlas", "@Atlas, numbers please");
    agent.delivery_of("mention.created").await
}

/// What the agent told of itself in the document, each change once.
fn said(world: &World) -> Vec<Value> {
    let lines = world.lines().flat_map(|line| line.said.clone());
    let mut words: Vec<Value> = lines.map(|said| said.get("status").cloned().unwrap_or_default()).collect();
    words.dedup();
    words
}

async fn is_said(studio: &Studio, wanted: &[Value]) {
    let seen = || async { (studio.sim.look(said) == wanted).then_some(()) };
    until(seen, || format!("{:?}: {}", studio.sim.look(said), studio.home.log())).await;
}

/// So many more reads of the lists: whatever was to be said meanwhile was.
async fn rounds(studio: &Studio, more: usize) {
    let reads = || studio.sim.log().iter().filter(|entry| entry.path.ends_with("/mentions")).count();
    let wanted = reads() + more;
    until(|| async { (reads() >= wanted).then_some(()) }, || studio.home.log()).await;
}

#[tokio::test]
async fn the_agent_is_seen_in_the_document_of_its_mention_at_what_it_does_until_it_leaves() {
    let studio = Studio::on("", BRIEFLY, "Rome.").await;
    let mut agent = reader(&studio).await;
    let told = mentioned(&studio, &mut agent).await;
    is_said(&studio, &[json!("reading")]).await;
    let read = || async {
        let asked = json!({ "workspace": "plans", "document": studio.draft.as_str() });
        let read = studio.home.agent().await.call("document", asked).await.unwrap();
        (read["item"]["live"] == true).then_some(())
    };
    until(read, || studio.home.log()).await;
    // Longer than an idle document is kept, for somebody is at it.
    rounds(&studio, 10).await;
    agent.call("extend", json!({ "seq": told.seq })).await.unwrap();
    is_said(&studio, &[json!("reading"), json!("thinking")]).await;
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "41%." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    is_said(&studio, &[json!("reading"), json!("thinking"), json!("acting")]).await;
    assert_eq!(studio.sim.lines().len(), 1, "all of it on one connection");
    ack(&mut agent, &told).await;
    let whole = [json!("reading"), json!("thinking"), json!("acting"), json!("completed"), Value::Null];
    is_said(&studio, &whole).await;
    studio.stands(studio.draft.as_str(), "closed").await;
    assert_eq!(studio.sim.lines()[0].said[0]["user"]["name"], "Atlas");
    studio.end().await;
}

#[tokio::test]
async fn a_mention_that_comes_back_lets_its_document_go() {
    let studio = Studio::on("", BRIEFLY, "Rome.").await;
    let mut agent = reader(&studio).await;
    let told = mentioned(&studio, &mut agent).await;
    is_said(&studio, &[json!("reading")]).await;
    rounds(&studio, 8).await;
    studio.stands(studio.draft.as_str(), "live").await;
    agent.call("nack", json!({ "seq": told.seq, "delay": "10m" })).await.unwrap();
    is_said(&studio, &[json!("reading"), json!("online"), Value::Null]).await;
    studio.stands(studio.draft.as_str(), "closed").await;
    studio.end().await;
}

#[tokio::test]
async fn a_bridge_that_stops_takes_the_agent_out_of_its_documents() {
    let mut studio = Studio::on("", OFTEN, "Rome.").await;
    let mut agent = reader(&studio).await;
    mentioned(&studio, &mut agent).await;
    is_said(&studio, &[json!("reading")]).await;
    studio.stands(studio.draft.as_str(), "live").await;
    studio.stop().await;
    let gone = || async { (studio.sim.look(said).last() == Some(&Value::Null)).then_some(()) };
    until(gone, || format!("{:?}: {}", studio.sim.look(said), studio.home.log())).await;
    studio.end().await;
}

#[tokio::test]
async fn a_document_that_is_not_edited_live_is_not_opened_by_a_mention() {
    let study = Margin::new(OFTEN, "").await;
    let mut agent = study.reader().await;
    let sheet = study.sim.document(&study.agent, "Budget", DocumentType::Sheet, "[]");
    study.home.ok(&["document", "add", "study", &study.sim.share_link(&study.sim.share(&sheet))]).await;
    study.sim.mention("Pierre", &study.document, "Atlas", "@Atlas, numbers please");
    let told = agent.delivery_of("mention.created").await;
    agent.call("extend", json!({ "seq": told.seq })).await.unwrap();
    let thinks = || async {
        let shown = study.sim.look(|world| world.presences().any(|it| it.status == "thinking"));
        shown.then_some(())
    };
    until(thinks, || study.home.log()).await;
    assert!(study.asked("POST /api/share/{token}/draft-token").is_empty() && study.sim.lines().is_empty());
    assert_eq!(study.status().await["documents"][0]["state"], "closed");
    drop(agent);
    study.end().await;
}

/// The embedded manifest, with the time after which presence is said again shortened.
fn impatient(folder: &Path) -> String {
    let manifest = include_str!("../../adapters/agentworkspace.yaml");
    assert!(manifest.contains("every: 20s"));
    std::fs::write(folder.join("agentworkspace.yaml"), manifest.replace("every: 20s", "every: 1s")).unwrap();
    format!("adapters_dir = \"{}\"\n", folder.display())
}

/// What the platform was shown by its own route, each change once.
fn states(studio: &Studio) -> Vec<String> {
    let mut states: Vec<String> = studio.sim.look(|world| world.presences().map(|it| it.status.clone()).collect());
    states.dedup();
    states
}

#[tokio::test]
async fn what_the_agent_says_of_itself_counts_more_until_it_is_through_with_the_mention() {
    let folder = tempfile::tempdir().unwrap();
    let studio = Studio::on(&impatient(folder.path()), OFTEN, "Rome.").await;
    let mut agent = reader(&studio).await;
    let told = mentioned(&studio, &mut agent).await;
    is_said(&studio, &[json!("reading")]).await;
    let args = json!({ "conversation": studio.draft.as_str(), "state": "acting" });
    let act = json!({ "workspace": "plans", "verb": "presence", "args": args });
    assert_eq!(agent.call("act", act).await.unwrap()["state"], "confirmed");
    is_said(&studio, &[json!("reading"), json!("acting")]).await;
    // What would be shown by itself now is less than the agent has said; and it is said again before it is forgotten.
    agent.call("extend", json!({ "seq": told.seq })).await.unwrap();
    let acting = || studio.sim.look(|world| world.presences().filter(|it| it.status == "acting").count());
    until(|| async { (acting() >= 3).then_some(()) }, || format!("{:?}: {}", states(&studio), studio.home.log())).await;
    assert_eq!(states(&studio), ["reading", "acting"]);
    is_said(&studio, &[json!("reading"), json!("acting")]).await;
    ack(&mut agent, &told).await;
    is_said(&studio, &[json!("reading"), json!("acting"), json!("completed")]).await;
    let shown = || async { (states(&studio) == ["reading", "acting", "completed"]).then_some(()) };
    until(shown, || format!("{:?}: {}", states(&studio), studio.home.log())).await;
    // The next one begins anew.
    let second = mentioned(&studio, &mut agent).await;
    let shown = || async { (states(&studio).last().unwrap() == "reading").then_some(()) };
    until(shown, || format!("{:?}: {}", states(&studio), studio.home.log())).await;
    ack(&mut agent, &second).await;
    drop(agent);
    studio.end().await;
}
