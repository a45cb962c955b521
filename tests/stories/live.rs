//! Documents that are edited live, with a person at the other end.

use agent_bridge_sim::agentworkspace::{LiveFault, Memory, Shape, Turn};
use serde_json::json;

use crate::studio::Studio;

const ROME: &str = "Rome is the majority of it.";

#[tokio::test]
async fn what_is_new_goes_in_directly_and_the_person_sees_it_and_who_wrote_it() {
    let studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    let receipt = studio.edit(&mut agent, json!({ "op": "insert", "text": " And Naples.", "quote": ROME })).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("edited")), "{receipt}");
    assert_eq!(studio.seen(), "Rome is the majority of it. And Naples.");
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Budget: 500" })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    assert!(studio.seen().ends_with("Budget: 500"), "{}", studio.seen());
    let lines = studio.sim.lines();
    assert_eq!((lines.len(), lines[0].name.as_str()), (1, "Atlas"), "one connection, in the agent's name: {lines:?}");
    assert_eq!(lines[0].said[0]["user"]["name"], "Atlas", "{lines:?}");
    // Its own words it may change and take out.
    let receipt = studio.edit(&mut agent, json!({ "op": "replace", "quote": "500", "text": "700" })).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("edited")), "{receipt}");
    let receipt = studio.edit(&mut agent, json!({ "op": "delete", "quote": " And Naples." })).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("edited")), "{receipt}");
    assert!(!studio.seen().contains("Naples") && studio.seen().ends_with("Budget: 700"), "{}", studio.seen());
    let read =
        agent.call("document", json!({ "workspace": "plans", "document": studio.draft.as_str() })).await.unwrap();
    assert_eq!((&read["item"]["content"], &read["item"]["live"]), (&json!(studio.seen()), &json!(true)), "{read}");
    assert!(studio.never_logged(studio.token.as_str()) && studio.never_logged("token="));
    studio.end().await;
}

#[tokio::test]
async fn what_a_person_wrote_is_suggested_and_a_bad_quote_is_said_to_be_one() {
    let studio = Studio::new(&format!("{ROME} It is. {}", "More of it. ".repeat(20)), "").await;
    let mut agent = studio.home.agent().await;
    let before = studio.seen();
    let change = json!({ "op": "replace", "quote": "the majority of", "text": "about 41% of" });
    let receipt = studio.edit(&mut agent, change).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("suggested")), "{receipt}");
    let receipt = studio.edit(&mut agent, json!({ "op": "delete", "quote": " It is." })).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("suggested")), "{receipt}");
    let suggested = studio.sim.look(|world| {
        world.suggestions().map(|it| (it.search.clone(), it.replacement.clone(), it.author.clone())).collect::<Vec<_>>()
    });
    let of = |search: &str, replacement: &str| (search.to_owned(), replacement.to_owned(), "Atlas".to_owned());
    assert_eq!(suggested, [of("the majority of", "about 41% of"), of(" It is.", "")]);
    for (quote, kind, words) in [
        ("Paris", "quote_missing", "does not stand"),
        ("More of it.", "quote_not_unique", "20 times"),
        (before.trim_end(), "rewrite", "others wrote"),
    ] {
        let receipt = studio.edit(&mut agent, json!({ "op": "replace", "quote": quote, "text": "x" })).await;
        assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!(kind)), "{receipt}");
        assert!(receipt["message"].as_str().unwrap().contains(words), "{receipt}");
    }
    assert_eq!(studio.seen(), before, "nothing of it was done");
    let refused = studio.begin(&mut agent, json!({ "op": "append" })).await.unwrap_err();
    assert_eq!(refused["data"]["kind"], "bad_args", "{refused}");
    studio.end().await;
}

#[tokio::test]
async fn the_operator_may_let_the_agent_edit_what_others_wrote() {
    let studio = Studio::new(ROME, "[workspace.plans]\ndirect_edits = true").await;
    let mut agent = studio.home.agent().await;
    let change = json!({ "op": "replace", "quote": "the majority of", "text": "about 41% of" });
    let receipt = studio.edit(&mut agent, change).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("edited")), "{receipt}");
    assert_eq!(studio.seen(), "Rome is about 41% of it.");
    studio.end().await;
}

#[tokio::test]
async fn rich_documents_take_markdown_as_blocks() {
    let studio = Studio::of(Shape::Xml("prosemirror".into()), ROME, "").await;
    let mut agent = studio.home.agent().await;
    // Rubbish once is an accident, and no end of a document.
    studio.sim.live_fault(LiveFault::CorruptSync);
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "# Budget\n\nSome **500**." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    assert_eq!(studio.seen(), format!("{ROME}\n\nBudget\n\nSome 500."));
    studio.end().await;
}

/// Row 40: whoever still has the document brings it back, and what the agent wrote meanwhile is in it.
#[tokio::test]
async fn row_40_a_server_that_restarts_empty_gets_all_of_it_back_from_the_agent_and_the_person() {
    let studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "First." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    // No connect works while the person is away, so that what the agent writes now is written offline.
    studio.sim.arm_live(Turn { after: 0, count: None, fault: LiveFault::Refuse { status: 503 } });
    studio.sim.restart(Memory::Empty);
    studio.sees(|world| world.lines().all(|line| !line.open)).await;
    let offline = studio.begin(&mut agent, json!({ "op": "append", "text": "Offline." })).await.unwrap();
    studio.sim.types(&studio.draft, 4, ", Italy,");
    let made = || async {
        let receipt = agent_receipt(&studio, &offline["id"]).await;
        (receipt["went"] == "edited").then_some(())
    };
    crate::bridge::until(made, || studio.home.log()).await;
    studio.sim.heal_live();
    let receipt = agent.call("receipt", json!({ "id": offline["id"], "wait": "60s" })).await.unwrap();
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    studio.sim.comes_back(&studio.draft);
    let draft = studio.draft.clone();
    studio.sees(|world| world.content(&draft).is_some_and(|text| text.contains("Italy"))).await;
    let (held, seen) = (studio.sim.content(&studio.draft), studio.seen());
    assert_eq!(held, seen, "they converge");
    for (part, times) in [("Rome, Italy, is", 1), ("First.", 1), ("Offline.", 1)] {
        assert_eq!(seen.matches(part).count(), times, "`{part}` in `{seen}`");
    }
    studio.end().await;
}

/// The receipt on a connection of its own, for a wait in a loop.
async fn agent_receipt(studio: &Studio, id: &serde_json::Value) -> serde_json::Value {
    studio.home.agent().await.call("receipt", json!({ "id": id })).await.expect("a receipt")
}

/// P5: the bytes of an edit are kept before they leave, so that every way of losing them brings the same ones again.
#[tokio::test]
async fn an_edit_stands_once_whatever_becomes_of_its_frame() {
    let studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    let mut wanted = Vec::new();
    let faults = [LiveFault::DropAfter, LiveFault::DropBefore, LiveFault::DropMidFrame, LiveFault::LoseUpdate];
    for (index, fault) in faults.into_iter().enumerate() {
        studio.sim.live_fault(fault);
        let text = format!("Edit {index}.");
        let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": text })).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt}: {}", studio.home.log());
        assert_eq!(receipt["tries"], 1, "the next connection brings it, and nobody pauses: {receipt}");
        wanted.push(text);
    }
    for text in wanted {
        assert_eq!(studio.seen().matches(&text).count(), 1, "{}", studio.seen());
    }
    studio.end().await;
}

#[tokio::test]
async fn an_edit_stands_once_through_a_kill_and_stays_the_agents_own() {
    let mut studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    studio.sim.arm_live(Turn { after: 0, count: None, fault: LiveFault::DropAfter });
    let begun = studio.begin(&mut agent, json!({ "op": "append", "text": "Once." })).await.unwrap();
    let draft = studio.draft.clone();
    studio.sees(|world| world.content(&draft).is_some_and(|text| text.contains("Once."))).await;
    studio.kill().await;
    studio.sim.heal_live();
    let mut agent = studio.home.agent().await;
    let receipt = agent.call("receipt", json!({ "id": begun["id"], "wait": "60s" })).await.unwrap();
    assert_eq!(receipt["state"], "confirmed", "{receipt}: {}", studio.home.log());
    assert_eq!(studio.seen().matches("Once.").count(), 1, "{}", studio.seen());
    // What an earlier run wrote is still its own, and not somebody else's to be asked.
    let receipt = studio.edit(&mut agent, json!({ "op": "replace", "quote": "Once.", "text": "Twice." })).await;
    assert_eq!((&receipt["state"], &receipt["went"]), (&json!("confirmed"), &json!("edited")), "{receipt}");
    studio.end().await;
}

#[tokio::test]
async fn a_document_that_is_closed_to_the_agent_fails_alone_and_says_why() {
    let studio = Studio::new(ROME, "").await;
    let other = studio.sim.draft(&studio.agent, "Other", Shape::Text("content".into()), "Well.");
    let link = studio.sim.share_link(&studio.sim.share(&other));
    studio.home.ok(&["document", "add", "plans", &link]).await;
    let mut agent = studio.home.agent().await;
    studio.sim.arm_live(Turn { after: 0, count: Some(3), fault: LiveFault::Deny { reason: "not for agents".into() } });
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "x" })).await;
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("document_failed")), "{receipt}");
    assert!(receipt["message"].as_str().unwrap().contains("not for agents"), "{receipt}");
    assert!(studio.sim.revoke_share(&studio.token));
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "x" })).await;
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("document_failed")), "{receipt}");
    assert!(receipt["message"].as_str().unwrap().contains("ask for a new one"), "{receipt}");
    let act = json!({ "workspace": "plans", "verb": "document.edit", "wait": "60s",
        "args": { "conversation": other.as_str(), "op": "append", "text": "x" } });
    let receipt = agent.call("act", act).await.unwrap();
    assert_eq!(receipt["state"], "confirmed", "the other one is well: {receipt}");
    studio.end().await;
}

#[tokio::test]
async fn a_token_that_expires_in_mid_session_is_replaced_and_a_document_nobody_asks_for_is_let_go() {
    let studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    studio.edit(&mut agent, json!({ "op": "append", "text": "One." })).await;
    studio.sim.live_fault(LiveFault::Expire);
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Two." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    studio.sees(|world| world.lines().count() == 2).await;
    assert!(studio.seen().contains("Two."));
    studio.end().await;
    let studio = Studio::new(ROME, "").await;
    studio.home.configure(&crate::house::QUICK.replace("[lines]", "[lines]\ndocument_idle = \"300ms\""));
    let mut studio = studio;
    studio.kill().await;
    let mut agent = studio.home.agent().await;
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "One." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    studio.sees(|world| world.lines().last().is_some_and(|line| !line.open)).await;
    let said = studio.sim.lines()[0].said.clone();
    assert_eq!(said.last(), Some(&serde_json::Value::Null), "it says goodbye: {said:?}");
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Two." })).await;
    assert_eq!(receipt["state"], "confirmed", "it is opened again on demand: {receipt}");
    studio.end().await;
}

#[tokio::test]
async fn what_others_change_is_told_with_what_it_changed_and_the_agents_own_words_are_not() {
    let studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it is the reader");
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Budget: 500" })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    // What is typed before the agent writes is told in front of that, and without it.
    studio.sim.types(&studio.draft, 4, ", Italy,");
    studio.sim.arm_live(Turn { after: 0, count: Some(1), fault: LiveFault::DuplicateTold });
    let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "Mine." })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt}");
    let told = agent.delivery_of("document.changed").await;
    assert_eq!(told.event["data"]["conversation"]["id"], studio.draft.as_str(), "{}", told.event);
    assert_eq!(told.event["data"]["conversation"]["title"], "Trip to Italy", "{}", told.event);
    let diff = told.event["data"]["diff"].as_str().unwrap_or_default().to_owned();
    assert!(diff.contains(&format!("-{ROME}\n+Rome, Italy, is the majority of it.")), "{diff}");
    assert!(!diff.contains("Budget") && !diff.contains("Mine."), "{diff}");
    agent.call("ack", json!({ "seq": told.seq })).await.expect("it is acked");
    // What came as rubbish is asked for again.
    studio.sim.live_fault(LiveFault::CorruptUpdate);
    studio.sim.appends(&studio.draft, "Spoilt on its way.");
    let told = agent.delivery_of("document.changed").await;
    assert!(told.event["data"]["diff"].as_str().unwrap_or_default().contains("+Spoilt on its way."), "{}", told.event);
    agent.call("ack", json!({ "seq": told.seq })).await.expect("it is acked");
    // What changes while the connection is lost is told, too.
    studio.sim.arm_live(Turn { after: 0, count: Some(1), fault: LiveFault::Refuse { status: 503 } });
    studio.sim.live_fault(LiveFault::Drop);
    studio.sim.appends(&studio.draft, "Meanwhile.");
    let told = agent.delivery_of("document.changed").await;
    let diff = told.event["data"]["diff"].as_str().unwrap_or_default().to_owned();
    assert!(diff.contains("+Meanwhile.") && !diff.contains("Rome"), "{diff}");
    studio.end().await;
}

#[tokio::test]
async fn attack_a_document_server_that_is_none_or_lies_inside_is_never_dialled() {
    let studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    for (server, words) in [
        ("https://169.254.169.254", "no address for"),
        ("https://[fd00::1]", "no address for"),
        ("https://192.168.0.1", "no address for"),
        ("https://[::ffff:169.254.169.254]", "no address for"),
        ("https://[::ffff:10.0.0.1]", "no address for"),
        ("https://[64:ff9b::a9fe:a9fe]", "no address for"),
        ("https://2852039166", "no address for"),
        ("wss://10.0.0.1", "no address for"),
        ("http://collab.example", "unencrypted"),
        ("file:///etc", "no scheme"),
        ("https://me:secret@collab.example", "password"),
        ("collab", "no URL"),
    ] {
        studio.sim.set_url(server);
        let receipt = studio.edit(&mut agent, json!({ "op": "append", "text": "x" })).await;
        assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("document_failed")), "{receipt}");
        assert!(receipt["message"].as_str().unwrap().contains(words), "{server}: {receipt}");
    }
    assert!(studio.never_logged("me:secret") && studio.sim.lines().is_empty());
    studio.end().await;
}
