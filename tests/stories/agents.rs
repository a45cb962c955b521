//! Agents that hang, refuse, vanish in mid-line, or come twice.

use serde_json::{Value, json};

use crate::bridge::until;
use crate::house::{House, QUICK, accepted, ack, documented, observed};

/// A consumer with these settings.
fn consumer(settings: &str) -> String {
    format!("{QUICK}\n[[consumer]]\nname = \"main\"\n{settings}")
}

#[tokio::test]
async fn p4_an_agent_that_hangs_gets_the_event_again_and_holds_back_no_other_lane() {
    let mut house = House::with(documented(), &consumer("ack_wait = \"1s\"")).await;
    let mut agent = house.agent().await;
    let other = house.sim.channel("other");
    house.sim.add_member(&house.sim.members()[0], &other);
    house.say("it hangs on this");
    let hung = house.next(&mut agent, "message.created").await;
    assert_eq!(hung.attempt, 1);
    house.say_in(&other, "this flows");
    let flows = house.next(&mut agent, "message.created").await;
    assert_eq!(flows.text(), "this flows");
    ack(&mut agent, &flows).await;
    let again = house.next(&mut agent, "message.created").await;
    assert_eq!((again.seq, &again.event["id"], again.attempt), (hung.seq, &hung.event["id"], 2));
    ack(&mut agent, &again).await;
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn p4_an_event_that_always_fails_becomes_a_dead_letter_that_can_be_retried_or_dropped() {
    let mut house = House::with(documented(), &consumer("max_attempts = 2")).await;
    let mut agent = house.agent().await;
    house.say("poison");
    let mut seq = 0;
    for attempt in 1..=2 {
        let poison = house.next(&mut agent, "message.created").await;
        assert_eq!((poison.text(), poison.attempt), ("poison", attempt));
        seq = poison.seq;
        agent.call("nack", json!({ "seq": seq, "delay": "1ms", "reason": "no" })).await.unwrap();
    }
    house.say("what comes behind it flows");
    let behind = house.next(&mut agent, "message.created").await;
    assert_eq!(behind.text(), "what comes behind it flows");
    ack(&mut agent, &behind).await;

    let letters = letters(&house).await;
    assert_eq!((letters.len(), &letters[0]["seq"], &letters[0]["reason"]), (1, &json!(seq), &json!("no")));
    assert_eq!(letters[0]["event"]["data"]["message"]["text"], "poison");
    house.home.ok(&["dead", "retry", "main", &seq.to_string()]).await;
    let again = house.next(&mut agent, "message.created").await;
    assert_eq!((again.seq, again.text()), (seq, "poison"));
    agent.call("reject", json!({ "seq": seq, "reason": "never" })).await.unwrap();
    assert_eq!(self::letters(&house).await[0]["reason"], "never");
    house.home.ok(&["dead", "drop", "main", &seq.to_string()]).await;
    assert!(self::letters(&house).await.is_empty());
    let gone = house.home.cli(&["dead", "retry", "main", &seq.to_string()]).await;
    assert!(!gone.status.success(), "a letter that is gone cannot be retried");
    house.is_sound(&mut agent, 0).await;
}

async fn letters(house: &House) -> Vec<Value> {
    let listed: Value =
        serde_json::from_str(&house.home.ok(&["dead", "list", "main", "--json"]).await).expect("it is JSON");
    listed["letters"].as_array().expect("letters").clone()
}

#[tokio::test]
async fn p4_half_an_ack_line_and_a_closed_socket_are_no_ack() {
    let mut house = House::new(documented()).await;
    let mut agent = house.agent().await;
    house.say("1");
    let first = house.next(&mut agent, "message.created").await;
    let line = json!({ "jsonrpc": "2.0", "method": "ack", "params": { "seq": first.seq } }).to_string();
    agent.write(&line[..line.len() - 2]).await;
    drop(agent);
    let mut agent = house.agent().await;
    let again = house.next(&mut agent, "message.created").await;
    assert_eq!((again.seq, again.attempt), (first.seq, 2));
    ack(&mut agent, &again).await;
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn a_second_reader_is_refused_unless_it_takes_over() {
    let mut house = House::new(documented()).await;
    let mut first = house.agent().await;
    let mut second = house.home.agent().await;
    let refused = second.call("subscribe", json!({ "consumer": "main" })).await.unwrap_err();
    assert_eq!(refused["data"]["kind"], "consumer_busy", "{refused}");
    house.say("held by the first");
    let held = house.next(&mut first, "message.created").await;
    second.call("subscribe", json!({ "consumer": "main", "take_over": true })).await.unwrap();
    let again = house.next(&mut second, "message.created").await;
    assert_eq!((again.seq, &again.event["id"]), (held.seq, &held.event["id"]));
    let mut told = first.read().await.expect("it is told");
    // Other lanes may have had their turn before.
    while told["method"] == "event" {
        told = first.read().await.expect("it is told");
    }
    assert_eq!((&told["method"], &told["params"]["kind"]), (&json!("closed"), &json!("taken_over")));
    ack(&mut second, &again).await;
    house.is_sound(&mut second, 0).await;
}

#[tokio::test]
async fn what_a_filter_leaves_out_blocks_nothing() {
    let mut house = House::new(observed()).await;
    let other = house.sim.channel("other");
    house.sim.add_member(&house.sim.members()[0], &other);
    let only = ["consumer", "add", "picky", "--types", "message.*", "--conversations", house.room.as_str()];
    house.home.ok(&only).await;
    let mut all = house.agent().await;
    let mut picky = house.agent_of("picky").await;
    house.say_in(&other, "not for it");
    house.say("for it");
    let got = picky.delivery().await;
    assert_eq!(got.text(), "for it");
    picky.call("ack", json!({ "seq": got.seq })).await.unwrap();
    house.say_in(&other, "not for it either");
    house.say("for it, too");
    assert_eq!(picky.delivery().await.text(), "for it, too");
    house.is_sound(&mut all, 0).await;
}

#[tokio::test]
async fn p5_a_reply_is_sent_once_however_often_it_is_repeated() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    house.say("hello?");
    let asked = house.next(&mut agent, "message.created").await;
    let first = agent.call("reply", json!({ "seq": asked.seq, "text": "hello!" })).await.unwrap();
    let again = agent.call("reply", json!({ "seq": asked.seq, "text": "hello, again!" })).await.unwrap();
    assert_eq!(accepted(&first), accepted(&again), "the first ack counts");
    let receipt = house.receipt(&mut agent, &accepted(&first)[0]).await;
    assert_eq!(receipt["state"], "confirmed");
    house.is_sound(&mut agent, 0).await;
    let answers = house.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].text.as_str(), &json!(answers[0].id)), ("hello!", &receipt["remote_ids"][0]));
}

#[tokio::test]
async fn p11_a_second_daemon_on_the_same_store_is_refused_and_harms_nothing() {
    let mut house = House::new(documented()).await;
    let mut agent = house.agent().await;
    let second = house.home.cli(&["run"]).await;
    let word = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success(), "{word}");
    assert!(word.contains("in use") || word.contains("another"), "{word}");
    assert!(house.home.path("run/agent.sock").exists(), "the first one's sockets stand");
    until(|| async { house.home.cli(&["status"]).await.status.success().then_some(()) }, || house.home.log()).await;
    house.say("still there");
    house.is_sound(&mut agent, 0).await;
}
