//! Topics on the real binary: what every kind of event tells, direct ones, answers by message, a new name.

use agent_bridge_sim::speakeasy::{CableFault, ChatId, Sim, Turn};
use serde_json::{Value, json};

use crate::bridge::{Agent, Delivery, until};
use crate::house::ack;
use crate::lounge::{Lounge, OWNER, hospitable, ingress};

const BOB: &str = "bob@example.com";

/// The next event of this type, acked.
async fn next(agent: &mut Agent, kind: &str) -> Value {
    let delivery: Delivery = agent.delivery_of(kind).await;
    ack(agent, &delivery).await;
    delivery.event
}

async fn act(lounge: &Lounge, agent: &mut Agent, verb: &str, args: Value) -> Value {
    let asked = json!({ "workspace": "lounge", "verb": verb, "args": args });
    let action = agent.call("act", asked).await.expect("accepted");
    lounge.receipt(agent, action["id"].as_str().expect("an id")).await
}

fn id(number: u64) -> Value {
    json!(number.to_string())
}

fn place(lounge: &Lounge, chat: ChatId) -> u64 {
    lounge.sim.look(|world| world.chat(chat).expect("a chat").timeline)
}

/// What each kind of event tells, whichever way it comes.
async fn every_event_tells_its_topic(lounge: Lounge) {
    let mut agent = lounge.agent().await;
    let (sim, topic) = (&lounge.sim, lounge.topic);
    sim.person(BOB, "Bob");
    assert_eq!(next(&mut agent, "conversation.created").await["data"]["conversation"]["title"], "Planning");
    assert!(sim.add_participant(OWNER, topic, BOB));
    let added = next(&mut agent, "participant.added").await;
    assert_eq!((&added["data"]["object"], &added["subject"]), (&json!(BOB), &id(topic)));
    assert_eq!(added["data"]["conversation"]["kind"], "group");

    let bytes = bytes::Bytes::from_static(b"words");
    let chat = sim.say_with_file(OWNER, topic, "See **this**", "a plan.pdf", bytes);
    let said = next(&mut agent, "message.created").await;
    let message = &said["data"]["message"];
    assert_eq!(
        (&message["id"], &message["text"], &message["place"]),
        (&id(chat), &json!("See this"), &id(place(&lounge, chat)))
    );
    assert_eq!(message["attachments"][0]["name"], "a plan.pdf");
    let url = message["attachments"][0]["url"].as_str().expect("a URL");
    assert!(url.starts_with("http://") && url.ends_with("/a%20plan.pdf"), "{url}");
    let root = json!({ "id": id(topic), "kind": "group", "title": "Planning", "parent": null, "root": id(topic) });
    assert_eq!(said["data"]["conversation"], root);
    assert_eq!((&said["data"]["author"]["id"], &said["data"]["mentions_me"]), (&json!(OWNER), &json!(false)));

    let child = sim.child_topic(chat, "A thread").expect("a topic");
    let made = next(&mut agent, "conversation.created").await;
    let hanging = json!({ "id": id(child), "kind": "group", "title": "A thread", "parent": id(topic), "root": id(topic), "spawned_from": id(chat) });
    assert_eq!(made["data"]["conversation"], hanging);

    let answer = sim.reply(OWNER, chat, "And this").expect("a chat");
    let answered = next(&mut agent, "message.created").await;
    assert_eq!(
        (&answered["data"]["message"]["id"], &answered["data"]["message"]["reply_to"]),
        (&id(answer), &id(chat))
    );
    assert!(sim.edit(chat, "See **that**"));
    let edited = next(&mut agent, "message.updated").await;
    let message = &edited["data"]["message"];
    assert_eq!((&message["id"], &message["text"], &message["thread"]), (&id(chat), &json!("See that"), &id(child)));
    assert!(sim.delete(answer));
    let deleted = next(&mut agent, "message.deleted").await;
    assert_eq!((&deleted["data"]["message"]["id"], &deleted["data"]["message"]["text"]), (&id(answer), &Value::Null));
    assert_eq!(deleted["data"]["conversation"], root);
    assert!(sim.remove_participant(OWNER, topic, BOB));
    let removed = next(&mut agent, "participant.removed").await;
    assert_eq!((&removed["data"]["object"], &removed["data"]["conversation"]["kind"]), (&json!(BOB), &json!("direct")));
    assert!(sim.revoke(sim.newest_grant().expect("a grant")));
    next(&mut agent, "workspace.revoked").await;
    lounge.end().await;
}

fn without_cable(sim: Sim) -> Sim {
    sim.arm_cable(Turn { after: 0, count: None, fault: CableFault::Refuse { status: 404 } });
    sim
}

#[tokio::test]
async fn every_event_tells_its_topic_by_the_cable() {
    let lounge = Lounge::new("every = \"10m\"\nbeside = \"10m\"", "").await;
    lounge.is_subscribed().await;
    every_event_tells_its_topic(lounge).await;
}

#[tokio::test]
async fn every_event_tells_its_topic_by_webhook_alone() {
    let options = agent_bridge_sim::speakeasy::Options { revoked_polls: true, ..hospitable() };
    let slow = "every = \"10m\"\nbeside = \"10m\"\noverlap = \"10m\"";
    every_event_tells_its_topic(Lounge::of(without_cable(Sim::new(options)), slow, &ingress()).await).await;
}

#[tokio::test]
async fn every_event_tells_its_topic_where_ids_are_texts_and_times_and_topics_are_null() {
    let options = agent_bridge_sim::speakeasy::Options {
        ids_as_strings: true,
        null_timestamps: true,
        null_topic_ids: true,
        revoked_polls: true,
        top_level: false,
        ..hospitable()
    };
    let lounge = Lounge::of(without_cable(Sim::new(options)), "every = \"200ms\"", "").await;
    every_event_tells_its_topic(lounge).await;
}

#[tokio::test]
async fn a_direct_topic_is_meant_for_the_agent_and_a_group_only_where_it_is_named() {
    let lounge = Lounge::without_cable("every = \"200ms\"", "").await;
    let mut agent = lounge.agent().await;
    let sim = &lounge.sim;
    let me = sim.agent(sim.newest_grant().expect("a grant"));
    sim.person(BOB, "Bob");
    let (direct, group) = (sim.direct_topic(OWNER, &me), sim.topic("All", &[OWNER, BOB, &me]));
    let mut says = async |topic, text: &str| {
        sim.say(OWNER, topic, text);
        let data = next(&mut agent, "message.created").await["data"].clone();
        assert_eq!(data["message"]["text"], text);
        (data["conversation"]["kind"].clone(), data["mentions_me"].clone())
    };
    assert_eq!(says(direct, "Hello").await, (json!("direct"), json!(true)));
    assert_eq!(says(group, "Hello").await, (json!("group"), json!(false)));
    assert_eq!(says(group, &format!("What says {me}?")).await, (json!("group"), json!(true)));
    assert_eq!(says(group, "Ask the agent.").await.1, true, "its display name, in any case");
    assert_eq!(says(group, "Ask all agents").await.1, false, "a whole word");
    let receipt = act(&lounge, &mut lounge.home.agent().await, "rename", json!({ "name": "Scout" })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    assert_eq!(says(group, "Ask Scout").await.1, true);
    assert_eq!(says(group, "Ask the agent again").await.1, false, "nobody is called so any more");
    lounge.end().await;
}

#[tokio::test]
async fn a_workspace_without_direct_topics_tells_none() {
    let policy = "[workspace.lounge]\ndirect = false";
    let lounge = Lounge::without_cable("every = \"200ms\"", policy).await;
    let mut agent = lounge.agent().await;
    let sim = &lounge.sim;
    let me = sim.agent(sim.newest_grant().expect("a grant"));
    sim.person(BOB, "Bob");
    let (direct, group) = (sim.direct_topic(OWNER, &me), sim.topic("All", &[OWNER, BOB, &me]));
    sim.say(OWNER, direct, "Between us");
    sim.say(OWNER, group, "To all");
    assert_eq!(next(&mut agent, "message.created").await["data"]["message"]["text"], "To all");
    // The message, and that its topic was made, and the lounge's own, which is of two as well.
    let counted = || async { (lounge.status().await["held_back"] == 3).then_some(()) };
    until(counted, || lounge.home.log()).await;
    lounge.end().await;
}

#[tokio::test]
async fn an_answer_names_a_message_and_stands_under_it() {
    let lounge = Lounge::without_cable("every = \"200ms\"", "").await;
    let mut agent = lounge.agent().await;
    let (sim, topic) = (&lounge.sim, lounge.topic);
    let asked = sim.say(OWNER, topic, "Which one?");
    let said = next(&mut agent, "message.created").await;
    let args = |message: &Value| json!({ "conversation": id(topic), "text": "This one", "reply_to": message });
    let receipt = act(&lounge, &mut agent, "send", args(&said["data"]["message"]["id"])).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let under = || sim.chats_by_agents().last().expect("an answer").reply_to;
    assert_eq!(under(), Some(place(&lounge, asked)));
    // What was said before the join the feed does not know, and the platform does.
    let other = sim.topic("Elsewhere", &[OWNER, BOB]);
    let before = sim.say(OWNER, other, "Before it came");
    assert!(sim.add_participant(OWNER, other, &sim.agent(sim.newest_grant().expect("a grant"))));
    let wish = json!({ "conversation": id(other), "text": "Late", "reply_to": id(before) });
    let receipt = act(&lounge, &mut agent, "send", wish).await;
    assert_eq!((&receipt["state"], under()), (&json!("confirmed"), Some(place(&lounge, before))), "{receipt:#}");
    let said = sim.chats_by_agents().len();
    let receipt = act(&lounge, &mut agent, "send", args(&id(before))).await;
    assert_eq!((&receipt["state"], &receipt["kind"]), (&json!("failed"), &json!("not_found")), "{receipt:#}");
    let words = receipt["message"].as_str().expect("words");
    assert!(words.contains("no message") && sim.chats_by_agents().len() == said, "{words}");
    lounge.end().await;
}
