//! What the operator lets a workspace tell: each rule on the real binary, across restarts and a change of mind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::collections::BTreeMap;

use agent_bridge_sim::speakeasy::TopicId;
use serde_json::{Value, json};

use crate::bridge::{Agent, until};
use crate::house::{House, QUICK, ack, observed};
use crate::lounge::{Lounge, OWNER};

const BOB: &str = "bob@example.com";

/// A topic beside the lounge's own, one that hangs from that, and Bob in all of them.
struct Rooms {
    side: TopicId,
    child: TopicId,
}

async fn lounge() -> (Lounge, Rooms) {
    let lounge = Lounge::new("every = \"200ms\"", "").await;
    lounge.sim.person(BOB, "Bob");
    let own = lounge.sim.agent(lounge.sim.newest_grant().unwrap());
    let side = lounge.sim.topic("Side", &[OWNER, BOB, &own]);
    lounge.sim.add_participant(OWNER, lounge.topic, BOB);
    let seed = lounge.sim.say(OWNER, lounge.topic, "seed");
    let child = lounge.sim.child_topic(seed, "Child").unwrap();
    lounge.sim.say(OWNER, side, "all is made");
    hears(&mut lounge.agent().await, &["seed", "all is made"]).await;
    (lounge, Rooms { side, child })
}

/// Takes and acks until all of these are told; every text that was told meanwhile, by its place.
async fn hears(agent: &mut Agent, wanted: &[&str]) -> BTreeMap<u64, String> {
    let mut told = BTreeMap::new();
    while !wanted.iter().all(|text| told.values().any(|said| said == text)) {
        let delivery = agent.delivery_of("message.created").await;
        told.insert(delivery.seq, delivery.text().to_owned());
        ack(agent, &delivery).await;
    }
    told
}

fn configure(lounge: &Lounge, rules: &str) {
    let lines = QUICK.replace("[lines]", "[lines]\nevery = \"200ms\"");
    lounge.home.configure(&format!("{lines}\n[workspace.lounge]\n{rules}\n"));
}

async fn counts(lounge: &Lounge, held_back: u64) {
    let so = || async { (lounge.status().await["held_back"] == held_back).then_some(()) };
    until(so, || format!("not {held_back}: {}", lounge.home.log())).await;
}

/// What everybody says everywhere; who, where and what.
fn everything(lounge: &Lounge, rooms: &Rooms, word: &str) -> Vec<(&'static str, TopicId, String)> {
    let mut all = Vec::new();
    for (who, name) in [(OWNER, "owner"), (BOB, "bob")] {
        for (topic, place) in [(lounge.topic, "topic"), (rooms.child, "child"), (rooms.side, "side")] {
            all.push((who, topic, format!("{word} {name} {place}")));
        }
    }
    all.push((OWNER, rooms.side, format!("{word} for @Agent")));
    all
}

/// Under these rules only what `told` names is told, whatever restarts; without them all is, and nothing from before.
async fn governs(rules: impl Fn(&Lounge) -> String, told: &[&str]) {
    let (mut lounge, rooms) = lounge().await;
    let rules = rules(&lounge);
    lounge.stop().await;
    configure(&lounge, &rules);
    lounge.start().await;
    lounge.is_live().await;

    let said = everything(&lounge, &rooms, "first");
    for (who, topic, text) in &said {
        lounge.sim.say(who, *topic, text);
    }
    counts(&lounge, (said.len() - told.len()) as u64).await;
    let wanted: Vec<String> = told.iter().map(|text| format!("first {text}")).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut agent = lounge.agent().await;
    let mut heard = hears(&mut agent, &wanted).await;
    let own = json!({ "conversation": lounge.topic.to_string(), "text": "my own" });
    let act = json!({ "workspace": "lounge", "verb": "send", "args": own, "wait": "30s" });
    assert_eq!(agent.call("act", act).await.unwrap()["state"], "confirmed");

    // The count is durable, and shown to people.
    lounge.kill().await;
    lounge.is_live().await;
    counts(&lounge, (said.len() - told.len()) as u64).await;
    let shown = lounge.home.ok(&["status", "lounge"]).await;
    assert!(shown.contains(&format!("\t{}\t", said.len() - told.len())), "{shown}");

    // Another mind: what was held back stays so.
    lounge.stop().await;
    configure(&lounge, "");
    lounge.start().await;
    lounge.is_live().await;
    let later = everything(&lounge, &rooms, "second");
    for (who, topic, text) in &later {
        lounge.sim.say(who, *topic, text);
    }
    let all: Vec<&str> = later.iter().map(|(_, _, text)| text.as_str()).collect();
    heard.append(&mut hears(&mut lounge.agent().await, &all).await);
    counts(&lounge, (said.len() - told.len()) as u64).await;
    let mut heard: Vec<String> = heard.into_values().collect();
    heard.sort();
    let mut expected: Vec<String> = wanted.iter().chain(&all).map(|text| (*text).to_owned()).collect();
    expected.sort();
    assert_eq!(heard, expected, "{rules}: {}", lounge.home.log());
    lounge.end().await;
}

#[tokio::test]
async fn no_topics() {
    governs(|_| "topics = false".to_owned(), &[]).await;
}

#[tokio::test]
async fn only_what_is_meant_for_the_agent() {
    governs(|_| "mention_only = true".to_owned(), &["for @Agent"]).await;
}

#[tokio::test]
async fn only_these_conversations_and_what_hangs_from_them() {
    let told = ["owner topic", "owner child", "bob topic", "bob child"];
    governs(|lounge| format!("allow_conversations = [\"{}\"]", lounge.topic), &told).await;
}

#[tokio::test]
async fn only_these_people() {
    governs(|_| format!("allow_authors = [\"{}\"]", BOB.to_uppercase()), &["bob topic", "bob child", "bob side"]).await;
}

/// On the platform whose list of rooms says which are direct.
#[tokio::test]
async fn no_direct_conversations() {
    let rules = |direct: bool| format!("{QUICK}\n[workspace.acme]\ndirect = {direct}\n");
    let mut house = House::with(observed(), &rules(false)).await;
    let (ann, room) = (house.ann.clone(), house.room.clone());
    let direct = house.sim.dm(&house.sim.primary(), &house.sim.members()[0]);
    let mut agent = house.agent().await;
    house.sim.say(&ann, &direct, "psst");
    house.sim.say(&ann, &room, "to all");
    let mut heard = hears(&mut agent, &["to all"]).await;
    let held_back = |status: &Value| status["held_back"] == 1;
    until(|| async { held_back(&house.status().await).then_some(()) }, || house.home.log()).await;
    house.stop().await;
    house.home.configure(&rules(true));
    house.start().await;
    house.listens().await;
    house.sim.say(&ann, &direct, "psst again");
    house.sim.say(&ann, &room, "to all again");
    heard.append(&mut hears(&mut house.agent().await, &["psst again", "to all again"]).await);
    let mut heard: Vec<_> = heard.into_values().collect();
    heard.sort();
    assert_eq!(heard, ["psst again", "to all", "to all again"]);
    assert!(held_back(&house.status().await), "{}", house.home.log());
    house.stop().await;
}
