//! Documents that are opened by share links: a mention in one is told once it was sent, answered, and marked done.

use agent_bridge_sim::agentworkspace::{DocumentType, MentionStatus};
use serde_json::{Value, json};

use crate::bridge::until;
use crate::cabinet::{ATLAS, Cabinet, PIERRE};
use crate::house::ack;

async fn act(cabinet: &Cabinet, verb: &str, args: &[&str]) -> Value {
    let told = cabinet.home.ok(&[&["act", "cabinet", verb, "--json", "--wait", "30s"], args].concat()).await;
    serde_json::from_str(&told).expect("JSON")
}

#[tokio::test]
async fn a_mention_is_told_once_it_is_sent_and_once_only() {
    let mut cabinet = Cabinet::new("").await;
    let typed = cabinet.sim.type_mention(PIERRE, &cabinet.document, ATLAS, "@Atlas add a budget");
    let sent = cabinet.sim.mention(PIERRE, &cabinet.document, ATLAS, "@Atlas check the dates");
    let mut agent = cabinet.agent().await;
    let first = agent.delivery_of("mention.created").await;
    let data = &first.event["data"];
    assert_eq!(data["message"]["id"], json!(sent), "what is still being typed is no instruction: {:#}", first.event);
    assert_eq!(data["message"]["text"], "@Atlas check the dates");
    assert_eq!(data["conversation"]["id"], json!(cabinet.document));
    assert_eq!(
        (&data["conversation"]["kind"], &data["conversation"]["title"]),
        (&json!("document"), &json!("Trip to Italy"))
    );
    assert_eq!((&data["author"]["name"], &data["mentions_me"]), (&json!(PIERRE), &json!(true)));
    assert!(data["can"].as_array().expect("verbs").contains(&json!("suggest")), "{:#}", first.event);
    ack(&mut agent, &first).await;

    let document = format!("conversation={}", cabinet.document);
    let receipt = act(&cabinet, "suggest", &[&document, "search=the majority of", "text=most"]).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let suggested = cabinet.sim.look(|world| world.suggestions().next().cloned()).expect("a suggestion");
    assert_eq!(suggested.author, ATLAS);
    act(&cabinet, "mention.done", &[&document, &format!("message={sent}")]).await;
    assert_eq!(cabinet.sim.mention_status(&sent), Some(MentionStatus::Done));

    cabinet.kill().await;
    cabinet.sim.send_mention(&typed);
    let mut agent = cabinet.agent().await;
    let second = agent.delivery_of("mention.created").await;
    assert_eq!(second.event["data"]["message"]["id"], json!(typed), "the first is not told again: {:#}", second.event);
    let feed = cabinet.home.ok(&["ask", "cabinet", "document", "--document", &cabinet.document]).await;
    assert!(feed.contains("Rome for the majority"), "{feed}");
    assert!(!second.event.to_string().contains(&cabinet.token), "P8: {:#}", second.event);
    cabinet.end().await;
}

#[tokio::test]
async fn documents_come_and_go_and_one_that_is_closed_is_its_own_trouble() {
    let cabinet = Cabinet::new("").await;
    let other = cabinet.sim.document(&cabinet.atlas, "Budget", DocumentType::Markdown, "Numbers.");
    let token = cabinet.sim.share(&other);
    let link = cabinet.sim.share_link(&token);
    let said = cabinet.home.ok(&["document", "add", "cabinet", &link]).await;
    assert!(said.contains("added `Budget`"), "{said}");
    let refused = cabinet.home.cli(&["document", "add", "cabinet", "no-such-token"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("does not open a document any more"), "{words}");
    assert!(cabinet.home.ok(&["document", "list", "cabinet"]).await.contains("Budget"));

    cabinet.sim.revoke_share(&cabinet.token);
    let closed = || async {
        let lines = cabinet.status().await["lines"].clone();
        lines[0]["unreadable"].as_array().is_some_and(|lists| lists.len() == 1).then_some(())
    };
    until(closed, || cabinet.home.log()).await;
    let mention = cabinet.sim.mention(PIERRE, &other, ATLAS, "@Atlas sum it up");
    let mut agent = cabinet.agent().await;
    let told = agent.delivery_of("mention.created").await;
    assert_eq!((&told.event["data"]["message"]["id"], &told.event["subject"]), (&json!(mention), &json!(other)));
    assert_eq!(cabinet.status().await["live"], true, "one document's failure is its own");
    ack(&mut agent, &told).await;

    cabinet.home.ok(&["document", "remove", "cabinet", &other]).await;
    let gone =
        cabinet.home.cli(&["act", "cabinet", "suggest", &format!("conversation={other}"), "search=a", "text=b"]).await;
    let words = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(!gone.status.success() && words.contains("there is no document"), "{words}");
    assert!(!cabinet.home.ok(&["document", "list", "cabinet"]).await.contains("Budget"));
    cabinet.end().await;
}

#[tokio::test]
async fn a_link_that_opens_nothing_joins_nothing() {
    let cabinet = Cabinet::new("").await;
    let link = cabinet.sim.share_link("no-such-token");
    let output = cabinet.home.cli(&["join", "agentworkspace", &link, "--as", "other"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("ask for a new one"), "{said}");
    assert!(!cabinet.home.ok(&["status"]).await.contains("other"), "nothing is left of it");
    cabinet.end().await;
}
