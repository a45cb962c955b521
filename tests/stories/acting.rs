//! Actions through the command line and the socket, and replies that get lost.

use agent_bridge_sim::agentunited::Fault;
use serde_json::{Value, json};

use crate::house::{House, accepted, documented, observed};

const POST: &str = "POST /channels/{id}/messages";

/// A receipt that the command line shows as JSON.
fn receipt(shown: &str) -> Value {
    serde_json::from_str(shown).expect("a receipt is JSON")
}

/// Does it by `agent-bridge act` and waits until it is confirmed; its first remote id.
async fn act(house: &House, args: &[&str]) -> String {
    let shown = house.home.ok(&[&["act", "acme"], args, &["--json", "--wait", "30s"]].concat()).await;
    let receipt = receipt(&shown);
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    receipt["remote_ids"][0].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn p6_a_lost_reply_among_identical_texts_doubles_nothing() {
    for options in [documented(), observed()] {
        let mut house = House::new(options).await;
        let mut agent = house.agent().await;
        let room = house.room.clone();
        let same = json!({ "workspace": "acme", "verb": "send", "args": { "conversation": room, "text": "ok" } });
        let first = agent.call("act", same.clone()).await.unwrap();
        house.receipt(&mut agent, first["id"].as_str().unwrap()).await;
        house.sim.fault(POST, Fault::ReplyLost);
        house.say("ok");
        let mut ids = vec![first["id"].as_str().unwrap().to_owned()];
        for _ in 0..2 {
            let accepted = agent.call("act", same.clone()).await.unwrap();
            ids.push(accepted["id"].as_str().unwrap().to_owned());
        }
        let mut remote = Vec::new();
        for id in &ids {
            let receipt = house.receipt(&mut agent, id).await;
            assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
            remote.push(receipt["remote_ids"][0].clone());
        }
        let there: Vec<_> = house.answers().into_iter().map(|message| json!(message.id)).collect();
        assert_eq!(remote, there, "each has its own, in order");
        house.is_sound(&mut agent, 0).await;
    }
}

#[tokio::test]
async fn p6_a_message_that_was_stored_and_answered_500_is_no_failure() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    house.sim.fault(POST, Fault::StoredThen500);
    house.say("hello?");
    let asked = house.next(&mut agent, "message.created").await;
    let reply = agent.call("reply", json!({ "seq": asked.seq, "text": "hello!" })).await.unwrap();
    let receipt = house.receipt(&mut agent, &accepted(&reply)[0]).await;
    assert_eq!((&receipt["state"], house.answers().len()), (&json!("confirmed"), 1), "{receipt:#}");
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn a_long_text_arrives_in_parts_in_order() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    let text = "é€𝄞 words and words\n".repeat(1_200);
    house.say("tell me everything");
    let asked = house.next(&mut agent, "message.created").await;
    let reply = agent.call("reply", json!({ "seq": asked.seq, "text": text })).await.unwrap();
    let receipt = house.receipt(&mut agent, &accepted(&reply)[0]).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let there = house.answers();
    assert!(there.len() > 2 && there.iter().all(|part| part.text.len() <= 10_000));
    assert_eq!(there.iter().map(|part| part.text.as_str()).collect::<String>(), text);
    assert_eq!(receipt["remote_ids"], json!(there.iter().map(|part| part.id.clone()).collect::<Vec<_>>()));
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn the_command_line_sends_edits_attaches_deletes_marks_and_opens() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    let room = format!("conversation={}", house.room);

    let sent = receipt(&house.home.ok(&["send", "acme", &house.room, "first", "--json"]).await);
    let sent = sent["remote_ids"][0].as_str().expect("an id").to_owned();
    let message = format!("message={sent}");
    act(&house, &["edit", &message, "text=better"]).await;
    assert_eq!(house.sim.look(|world| world.message(&sent)).expect("it is there").text, "better");
    act(&house, &["mark_read", &room]).await;
    assert_eq!(house.count("POST /channels/{id}/read"), 1);

    let file = house.home.path("report.txt");
    std::fs::write(&file, "twelve bytes").unwrap();
    let files = format!("files:={}", json!([{ "path": file }]));
    let attached = act(&house, &["send", &room, "text=here it is", &files]).await;
    let there = house.sim.look(|world| world.message(&attached)).expect("it is there");
    assert_eq!(there.attachment, Some(("report.txt".to_owned(), 12)));

    act(&house, &["delete", &message]).await;
    assert!(house.sim.look(|world| world.message(&sent)).is_none());

    let direct = act(&house, &["direct.open", &format!("person={}", house.ann)]).await;
    let member = house.sim.members()[0].clone();
    assert_eq!(direct, house.sim.dm(&house.ann, &member));
    house.say_in(&direct, "you called?");
    house.say("and in the room");
    house.is_sound(&mut agent, 0).await;

    let main = receipt(&house.home.ok(&["send", "acme", "to whom?", "--json"]).await);
    let main = main["remote_ids"][0].as_str().expect("an id").to_owned();
    let there = house.sim.look(|world| world.message(&main)).expect("it is there");
    assert_eq!(there.channel_id, house.sim.dm(&house.sim.primary(), &member), "the main direct conversation");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_nothing_is_sent() {
    let house = House::new(documented()).await;
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (args, word) in [
        (vec!["act", "acme", "sing"], "sing"),
        (vec!["act", "acme", "send", "text="], "empty"),
        (vec!["act", "nobody", "send", "text=a"], "nobody"),
        (vec!["act", "acme", "send", "text=a", r#"files:=[{"path":"/nowhere/at/all"}]"#], "/nowhere/at/all"),
        (vec!["send", "acme", nowhere, "a"], "knows no such channel"),
    ] {
        let output = house.home.cli(&args).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(word), "{args:?}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "one clear line: {said}");
    }
    assert!(house.answers().is_empty());
}
