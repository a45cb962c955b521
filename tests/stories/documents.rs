//! Documents that are opened by share links: a mention in one is told once it was sent, answered, and marked done.

use agent_bridge_sim::agentworkspace::{DocumentType, MentionStatus};
use serde_json::{Value, json};

use crate::bridge::until;
use crate::house::ack;
use crate::study::{ATLAS, PIERRE, Study};

async fn act(study: &Study, verb: &str, args: &[&str]) -> Value {
    let told = study.home.ok(&[&["act", "study", verb, "--json", "--wait", "30s"], args].concat()).await;
    serde_json::from_str(&told).expect("JSON")
}

#[tokio::test]
async fn a_mention_is_told_once_it_is_sent_and_once_only() {
    let mut study = Study::new("").await;
    let typed = study.sim.type_mention(PIERRE, &study.document, ATLAS, "@Atlas add a budget");
    let sent = study.sim.mention(PIERRE, &study.document, ATLAS, "@Atlas check the dates");
    let mut agent = study.agent().await;
    let first = agent.delivery_of("mention.created").await;
    let data = &first.event["data"];
    assert_eq!(data["message"]["id"], json!(sent), "what is still being typed is no instruction: {:#}", first.event);
    assert_eq!(data["message"]["text"], "@Atlas check the dates");
    assert_eq!(data["conversation"]["id"], json!(study.document));
    assert_eq!(
        (&data["conversation"]["kind"], &data["conversation"]["title"]),
        (&json!("document"), &json!("Trip to Italy"))
    );
    assert_eq!((&data["author"]["name"], &data["mentions_me"]), (&json!(PIERRE), &json!(true)));
    assert!(data["can"].as_array().expect("verbs").contains(&json!("suggest")), "{:#}", first.event);
    ack(&mut agent, &first).await;

    let document = format!("conversation={}", study.document);
    let receipt = act(&study, "suggest", &[&document, "search=the majority of", "text=most"]).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let suggested = study.sim.look(|world| world.suggestions().next().cloned()).expect("a suggestion");
    assert_eq!(suggested.author, ATLAS);
    act(&study, "mention.done", &[&document, &format!("message={sent}")]).await;
    assert_eq!(study.sim.mention_status(&sent), Some(MentionStatus::Done));

    study.kill().await;
    study.sim.send_mention(&typed);
    let mut agent = study.agent().await;
    let second = agent.delivery_of("mention.created").await;
    assert_eq!(second.event["data"]["message"]["id"], json!(typed), "the first is not told again: {:#}", second.event);
    let feed = study.home.ok(&["ask", "study", "document", "--document", &study.document]).await;
    assert!(feed.contains("Rome for the majority"), "{feed}");
    assert!(!second.event.to_string().contains(&study.token), "P8: {:#}", second.event);
    study.end().await;
}

#[tokio::test]
async fn documents_come_and_go_and_one_that_is_closed_is_its_own_trouble() {
    let study = Study::new("").await;
    let other = study.sim.document(&study.atlas, "Budget", DocumentType::Markdown, "Numbers.");
    let token = study.sim.share(&other);
    let link = study.sim.share_link(&token);
    let said = study.home.ok(&["document", "add", "study", &link]).await;
    assert!(said.contains("added `Budget`"), "{said}");
    let refused = study.home.cli(&["document", "add", "study", "no-such-token"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("does not open a document any more"), "{words}");
    assert!(study.home.ok(&["document", "list", "study"]).await.contains("Budget"));

    study.sim.revoke_share(&study.token);
    let closed = || async {
        let lines = study.status().await["lines"].clone();
        lines[0]["unreadable"].as_array().is_some_and(|lists| lists.len() == 1).then_some(())
    };
    until(closed, || study.home.log()).await;
    let mention = study.sim.mention(PIERRE, &other, ATLAS, "@Atlas sum it up");
    let mut agent = study.agent().await;
    let told = agent.delivery_of("mention.created").await;
    assert_eq!((&told.event["data"]["message"]["id"], &told.event["subject"]), (&json!(mention), &json!(other)));
    assert_eq!(study.status().await["live"], true, "one document's failure is its own");
    ack(&mut agent, &told).await;

    study.home.ok(&["document", "remove", "study", &other]).await;
    let gone =
        study.home.cli(&["act", "study", "suggest", &format!("conversation={other}"), "search=a", "text=b"]).await;
    let words = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(!gone.status.success() && words.contains("there is no document"), "{words}");
    assert!(!study.home.ok(&["document", "list", "study"]).await.contains("Budget"));
    study.end().await;
}

#[tokio::test]
async fn a_link_that_opens_nothing_joins_nothing() {
    let study = Study::new("").await;
    let link = study.sim.share_link("no-such-token");
    let output = study.home.cli(&["join", "agentworkspace", &link, "--as", "other"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("ask for a new one"), "{said}");
    assert!(!study.home.ok(&["status"]).await.contains("other"), "nothing is left of it");
    study.end().await;
}
