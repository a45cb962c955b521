//! What an agent does in an office: it answers people and groups, makes groups, and loses no word to a lost reply.

use agent_bridge_sim::office::{Armed, ChatStart, Fault, MessageIds, Options, Receiver, Sent};
use serde_json::{Value, json};

use crate::bridge::{Agent, Delivery, until};
use crate::den::{CHAT, Den};
use crate::house::{accepted, ack};

/// Joined, running and live.
async fn den(options: Options) -> Den {
    let mut den = Den::new(options).await;
    den.joined().await;
    den.start().await;
    den.is_live().await;
    den
}

/// What the agent has said, to whom.
fn said(den: &Den) -> Vec<(Receiver, String)> {
    den.sim.sent().into_iter().map(|message| (message.to, message.body)).collect()
}

fn to(name: &str) -> Receiver {
    Receiver::Direct(name.into())
}

/// The next message with this text.
async fn told(agent: &mut Agent, text: &str) -> Delivery {
    loop {
        let delivery = agent.delivery_of("message.created").await;
        if delivery.text() == text {
            return delivery;
        }
        ack(agent, &delivery).await;
    }
}

async fn answer(den: &Den, agent: &mut Agent, question: &Delivery, text: &str) -> Value {
    let reply = agent.call("reply", json!({ "seq": question.seq, "text": text })).await.expect("accepted");
    agent
        .call("receipt", json!({ "id": accepted(&reply)[0], "wait": "50s" }))
        .await
        .unwrap_or_else(|error| panic!("{error} {}", den.home.log()))
}

#[tokio::test]
async fn people_and_groups_are_answered_where_they_ask() {
    let den = den(Options::default()).await;
    let group = den.sim.group();
    let mut agent = den.agent().await;
    for (room, question) in [("jared", "Only you?"), (&*group, "All of you?")] {
        den.sim.say("user", room, question);
        let asked = told(&mut agent, question).await;
        assert!(
            asked.event["data"]["can"].as_array().is_some_and(|can| can.contains(&json!("send"))),
            "{:#}",
            asked.event
        );
        let receipt = answer(&den, &mut agent, &asked, &format!("Re: {question}")).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
        assert_eq!(receipt["remote_ids"][0], json!(den.sim.sent().last().expect("it is there").id));
    }
    // Without a conversation it goes to everybody.
    let receipt = den.act(&mut agent, "send", json!({ "text": "Good morning" })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let all = Receiver::Group(group);
    assert_eq!(
        said(&den),
        [(to("user"), "Re: Only you?".into()), (all.clone(), "Re: All of you?".into()), (all, "Good morning".into()),]
    );
    let receipt = den.act(&mut agent, "send", json!({ "conversation": "nobody", "text": "x" })).await;
    assert_eq!((&receipt["state"], &receipt["status"]), (&json!("failed"), &json!(404)), "{receipt:#}");
    den.end().await;
}

#[tokio::test]
async fn p6_a_lost_reply_is_read_back_and_nothing_is_said_twice() {
    for options in [
        Options::default(),
        Options { ids: MessageIds::PerConversation, ..Options::default() },
        Options { sent: Sent::Ok, ..Options::default() },
    ] {
        let told_ids = options.sent != Sent::Ok;
        let den = den(options).await;
        let mut agent = den.agent().await;
        let rooms = [("user".to_owned(), to("user")), (den.sim.group(), Receiver::Group(den.sim.group()))];
        // An id that one conversation has used is no claim on another's.
        let receipt = den.act(&mut agent, "send", json!({ "conversation": "user", "text": "First" })).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
        for fault in [Fault::ReplyLost, Fault::StoredThen500] {
            for (room, receiver) in &rooms {
                let before = said(&den).len();
                den.sim.fault(CHAT, fault.clone());
                let receipt = den.act(&mut agent, "send", json!({ "conversation": room, "text": "Once" })).await;
                assert_eq!(receipt["state"], "confirmed", "{fault:?}: {receipt:#}\n{}", den.home.log());
                assert_eq!(said(&den)[before..], [(receiver.clone(), "Once".to_owned())], "{fault:?}");
                let found = den.sim.sent().last().expect("it is there").id.clone();
                assert_eq!(receipt["remote_ids"], json!([found]), "read back, whatever the answer tells ({told_ids})");
            }
        }
        den.end().await;
    }
}

#[tokio::test]
async fn p6_what_never_arrived_is_said_once_more() {
    let den = den(Options { sent: Sent::Ok, ..Options::default() }).await;
    let mut agent = den.agent().await;
    den.sim.say("user", "jared", "Are you there?");
    let asked = told(&mut agent, "Are you there?").await;
    ack(&mut agent, &asked).await;
    // The same words twice, and the second is lost on its way. The first are not it, though the office told no id of them
    // and nothing has read them since.
    den.sim.arm(Armed { route: CHAT.into(), after: 1, count: 1, fault: Fault::RequestLost });
    let mut ids = Vec::new();
    for _ in 0..2 {
        let args = json!({ "conversation": "user", "text": "Ping" });
        let act = json!({ "workspace": "den", "verb": "send", "args": args });
        ids.push(agent.call("act", act).await.expect("it is accepted")["id"].clone());
    }
    for id in ids {
        let receipt = agent.call("receipt", json!({ "id": id, "wait": "50s" })).await.expect("a receipt");
        // Neither is taken for the other: both were sent, and answered without an id.
        assert_eq!((&receipt["state"], &receipt["remote_ids"]), (&json!("confirmed"), &json!([])), "{receipt:#}");
    }
    assert_eq!(said(&den), [(to("user"), "Ping".into()), (to("user"), "Ping".into())]);
    den.end().await;
}

#[tokio::test]
async fn a_group_that_was_made_is_heard_also_after_a_crash() {
    let mut den = den(Options::default()).await;
    let mut agent = den.agent().await;
    den.sim.colleague("dinesh");
    den.sim.colleague("gilfoyle");
    let receipt = den.act(&mut agent, "topic.create", json!({ "title": "Servers", "people": ["dinesh"] })).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    let id = receipt["remote_ids"][0].as_str().expect("an id").to_owned();
    den.kill().await;
    den.is_live().await;
    let mut agent = den.agent().await;
    den.sim.say("dinesh", &id, "Is it down?");
    let asked = told(&mut agent, "Is it down?").await;
    assert_eq!(asked.event["data"]["conversation"]["kind"], "group", "{:#}", asked.event);
    let receipt = answer(&den, &mut agent, &asked, "It is up").await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    assert_eq!(said(&den), [(Receiver::Group(id.clone()), "It is up".into())]);
    for (verb, args) in [
        ("participant.add", json!({ "conversation": id, "person": "gilfoyle" })),
        ("topic.rename", json!({ "conversation": id, "title": "Machines" })),
    ] {
        // What is done twice as once is simply tried again.
        den.sim.fault(CHAT, Fault::ReplyLost);
        let receipt = den.act(&mut agent, verb, args).await;
        assert_eq!(receipt["state"], "confirmed", "{verb}: {receipt:#}");
    }
    let group = den.sim.look(|world| world.offices().flat_map(|it| &it.groups).find(|it| it.id == id).cloned());
    let group = group.expect("the group");
    assert_eq!(group.name, "Machines");
    assert!(["jared", "dinesh", "gilfoyle"].iter().all(|name| group.members.contains(*name)), "{group:?}");
    den.end().await;
}

#[tokio::test]
async fn p6_a_group_whose_answer_was_lost_is_not_made_twice() {
    let den = den(Options::default()).await;
    let mut agent = den.agent().await;
    den.sim.colleague("dinesh");
    let groups = || den.sim.look(|world| world.offices().map(|it| it.groups.len()).sum::<usize>());
    let before = groups();
    den.sim.fault(CHAT, Fault::ReplyLost);
    let receipt = den.act(&mut agent, "topic.create", json!({ "title": "Servers", "people": ["dinesh"] })).await;
    assert_eq!((&receipt["state"], groups()), (&json!("unknown"), before + 1), "{receipt:#}");
    den.end().await;
}

#[tokio::test]
async fn chat_that_comes_later_is_found_by_itself() {
    let mut den = Den::new(Options { chat: ChatStart::Later, ..Options::default() }).await;
    den.joined().await;
    den.start().await;
    let waits = || async {
        let shown = den.home.ok(&["status", "den"]).await;
        shown.contains("there is nothing to read yet").then_some(())
    };
    until(waits, || den.home.log()).await;
    let mut agent = den.agent().await;
    assert!(den.sim.register_chat("jared"));
    den.sim.say("user", "jared", "Are you there?");
    let asked = told(&mut agent, "Are you there?").await;
    den.is_live().await;
    let receipt = answer(&den, &mut agent, &asked, "I am").await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    // The join told no group: the list of groups does.
    let sent = || async { den.home.cli(&["send", "den", "Hello, all"]).await.status.success().then_some(()) };
    until(sent, || den.home.log()).await;
    assert_eq!(said(&den)[1..], [(Receiver::Group(den.sim.group()), "Hello, all".into())]);
    den.end().await;
}
