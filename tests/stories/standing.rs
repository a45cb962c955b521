//! How each document stands: one that fails says so and why, stops, and leaves the others alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use agent_bridge_sim::agentworkspace::{LiveFault, Shape, Turn};
use serde_json::json;

use crate::bridge::{Agent, until};
use crate::studio::Studio;

/// One more draft of the workspace, in which `content` stands.
async fn another(studio: &Studio, title: &str, content: &str) -> String {
    let draft = studio.sim.draft(&studio.agent, title, Shape::Text("content".into()), content);
    let link = studio.sim.share_link(&studio.sim.share(&draft));
    studio.home.ok(&["document", "add", "plans", &link]).await;
    draft.as_str().to_owned()
}

/// The receipt of an edit of such a one.
async fn appends(agent: &mut Agent, draft: &str, text: &str) -> serde_json::Value {
    let args = json!({ "conversation": draft, "op": "append", "text": text });
    let act = json!({ "workspace": "plans", "verb": "document.edit", "args": args, "wait": "60s" });
    agent.call("act", act).await.unwrap()
}

/// How often a token was asked for.
fn asked(studio: &Studio) -> usize {
    studio.sim.log().iter().filter(|entry| entry.path.ends_with("draft-token")).count()
}

#[tokio::test]
async fn what_only_a_newer_yjs_can_read_is_refused_in_the_status_and_the_other_document_goes_on() {
    let studio = Studio::new("Rome.", "").await;
    let other = another(&studio, "Other", "Well.").await;
    let mut agent = studio.home.agent().await;
    let listed = studio.documents().await;
    assert_eq!((listed.len(), &listed[&other]["state"]), (2, &json!("closed")), "{listed:?}");
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "One." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    let live = studio.stands(studio.draft.as_str(), "live").await;
    assert_eq!((&live["title"], &live["own"]), (&json!("Trip to Italy"), &json!(false)), "{live}");
    // An update of client 5 with a kind of content that nobody knows (12).
    let update = [1, 1, 5, 0, 12, 1, 1, b't', 0, 0];
    studio.sim.live_fault(LiveFault::Say { bytes: [&[0, 2, 10][..], &update].concat() });
    let refused = studio.stands(studio.draft.as_str(), "refused").await;
    assert!(refused["why"].as_str().unwrap().contains("newer Yjs"), "{refused}");
    assert_eq!(appends(&mut agent, &other, "Two.").await["state"], "confirmed");
    assert_eq!(studio.stands(&other, "live").await["title"], "Other");
    let shown = studio.home.ok(&["status"]).await;
    assert!(shown.contains("newer Yjs") && shown.contains("Other"), "{shown}");
    let listed = studio.home.ok(&["document", "list", "plans"]).await;
    assert!(listed.contains("refused") && listed.contains("live"), "{listed}");
    assert!(!studio.sim.lines()[0].open, "and it is left alone: no line is open there");
    studio.end().await;
}

#[tokio::test]
async fn a_document_over_the_bound_is_its_own_trouble_and_says_so() {
    let studio = Studio::new("Rome.", "").await;
    let other = another(&studio, "Other", "Well.").await;
    let mut agent = studio.home.agent().await;
    assert_eq!(appends(&mut agent, &other, "One.").await["state"], "confirmed");
    studio.edit(&mut agent, json!({ "op": "append", "text": "One." })).await;
    // More than an update may have, as one insertion.
    assert!(studio.sim.appends(&studio.draft, &"x".repeat(5 << 20)));
    let refused = studio.stands(studio.draft.as_str(), "refused").await;
    assert!(refused["why"].as_str().unwrap().contains("over the bound"), "{refused}");
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Two." })).await;
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("document_failed")), "{receipt}");
    assert_eq!(appends(&mut agent, &other, "Two.").await["state"], "confirmed", "the other one goes on");
    assert_eq!(studio.documents().await[&other]["state"], "live");
    studio.end().await;
}

#[tokio::test]
async fn a_share_that_is_revoked_in_mid_session_ends_its_document_and_a_new_link_mends_it() {
    let studio = Studio::on("", "every = \"100ms\"\nbeside = \"100ms\"", "Rome.").await;
    let other = another(&studio, "Other", "Well.").await;
    let mut agent = studio.home.agent().await;
    studio.edit(&mut agent, json!({ "op": "append", "text": "One." })).await;
    assert_eq!(appends(&mut agent, &other, "One.").await["state"], "confirmed");
    assert!(studio.sim.revoke_share(&studio.token));
    // What is open stays so until its token ends; then there is no new one.
    studio.sim.live_fault(LiveFault::Expire);
    let refused = studio.stands(studio.draft.as_str(), "refused").await;
    assert!(refused["why"].as_str().unwrap().contains("ask for a new one"), "{refused}");
    studio.stands(&other, "live").await;
    let before = asked(&studio);
    let rounds = studio.sim.log().len() + 20;
    until(|| async { (studio.sim.log().len() >= rounds).then_some(()) }, || studio.home.log()).await;
    assert_eq!(asked(&studio), before, "it is not tried again by itself");
    let link = studio.sim.share_link(&studio.sim.share(&studio.draft));
    studio.home.ok(&["document", "add", "plans", &link]).await;
    studio.stands(studio.draft.as_str(), "closed").await;
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Two." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    studio.end().await;
}

#[tokio::test]
async fn a_document_that_is_down_says_since_when_why_and_when_it_is_tried_again() {
    let studio = Studio::new("Rome.", "").await;
    let mut agent = studio.home.agent().await;
    studio.edit(&mut agent, json!({ "op": "append", "text": "One." })).await;
    let down = |fault| Turn { after: 0, count: None, fault };
    studio.sim.arm_live(down(LiveFault::Refuse { status: 503 }));
    studio.sim.live_fault(LiveFault::Drop);
    let waiting = studio.stands(studio.draft.as_str(), "waiting").await;
    assert!(waiting["why"].is_string() && waiting["since"].is_u64() && waiting["next_retry"].is_u64(), "{waiting}");
    studio.sim.heal_live();
    studio.stands(studio.draft.as_str(), "live").await;
    // A permission that is denied takes a new token, too: each connect has its own.
    let before = asked(&studio);
    studio.sim.arm_live(Turn { after: 0, count: Some(1), fault: LiveFault::Deny { reason: "token expired".into() } });
    studio.sim.live_fault(LiveFault::Drop);
    until(|| async { (asked(&studio) >= before + 2).then_some(()) }, || studio.home.log()).await;
    studio.stands(studio.draft.as_str(), "live").await;
    // What is removed is let go.
    studio.home.ok(&["document", "remove", "plans", studio.draft.as_str()]).await;
    studio.sees(|world| world.lines().all(|line| !line.open)).await;
    assert!(studio.documents().await.is_empty());
    studio.end().await;
}
