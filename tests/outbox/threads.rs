//! Topics that grow from a chat: what can be known is judged before the call. And what a refusal means behind a lost reply.

use agent_bridge::action::State;
use agent_bridge::outbox::{self, Receipt};
use agent_bridge_sim::speakeasy::{Armed, ChatId, Fault, TopicId, World};
use serde_json::{Value, json};

use crate::parlour::{OWNER, Parlour, confirmed, unknown};

const TOPICS: &str = "POST /agent/topics";
const CHAT: &str = "GET /agent/topics/{topic_id}/chats/{id}";
const EVE: &str = "eve@example.com";

fn grown(parent: TopicId, source: ChatId) -> Value {
    json!({ "title": "Shall we?", "parent": parent.to_string(), "spawned_from": source.to_string() })
}

fn failed(receipt: &Receipt) -> (&str, Option<u16>, &str) {
    match &receipt.state {
        State::Failed { kind, status, message } => (kind, *status, message),
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_grows_from_a_chat_of_its_parent_that_has_none_and_nothing_else_is_asked_for() {
    let parlour = Parlour::new().await;
    let (sim, here) = (&parlour.sim, parlour.topic);
    let elsewhere = sim.say(OWNER, sim.topic("Other", &[OWNER, &parlour.agent]), "elsewhere");
    let taken = sim.say(OWNER, here, "grown");
    let child = sim.child_topic(taken, "A child").unwrap();
    for (source, words) in [
        (elsewhere, format!("`spawned_from`: there is no `{elsewhere}` in `{here}` (`parent`)")),
        (999_999, format!("there is no `999999` in `{here}`")),
        (taken, format!("`{taken}` has `{child}` already, and can have one: use that")),
    ] {
        let receipt = parlour.act("topic.create", grown(here, source)).await;
        let (kind, status, message) = failed(&receipt);
        assert!(kind == "bad_args" && status.is_none() && message.contains(&words), "{kind}: {message}");
        assert!(message.ends_with("nothing was sent"), "{message}");
    }
    assert_eq!(parlour.asked(TOPICS), 0);
    // A lost answer to the question is one about nothing.
    let source = sim.say(OWNER, here, "Shall we?");
    parlour.fault(CHAT, Fault::ReplyLost);
    let receipt = parlour.act("topic.create", grown(here, source)).await;
    let child = parlour.topics("Shall we?")[0];
    assert_eq!((confirmed(&receipt), parlour.asked(TOPICS)), (&[child.to_string()][..], 1));
    // What hangs from nothing is not asked about.
    let asked = parlour.asked(CHAT);
    assert_eq!(confirmed(&parlour.act("topic.create", json!({ "title": "Plain" })).await).len(), 1);
    assert_eq!(parlour.asked(CHAT), asked);
}

#[tokio::test(start_paused = true)]
async fn where_no_history_may_be_read_the_platform_judges_a_thread() {
    let parlour = Parlour::new().await;
    parlour.allow("topic_history", false);
    let taken = parlour.sim.say(OWNER, parlour.topic, "grown");
    parlour.sim.child_topic(taken, "A child").unwrap();
    let receipt = parlour.act("topic.create", grown(parlour.topic, taken)).await;
    let (_, status, message) = failed(&receipt);
    assert!(status == Some(400) && message.contains("already has a child topic"), "{message}");
}

/// The first request is lost, both reads find nothing, and while the second request is on its way `meanwhile` happens.
async fn late(parlour: &Parlour, args: Value, meanwhile: impl Fn()) -> Receipt {
    parlour.fault(TOPICS, Fault::RequestLost);
    parlour.fault(TOPICS, Fault::DelayRequest { millis: 5_000 });
    let id = parlour.accept("topic.create", args).await;
    let once = std::cell::Cell::new(false);
    parlour
        .run_until(|| {
            if parlour.row(&id).resends == 1 && !once.replace(true) {
                meanwhile();
            }
            outbox::receipt(&parlour.store, &id).unwrap().filter(|receipt| receipt.state.settled())
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn p6_a_platform_that_was_late_with_the_first_request_has_done_it_though_it_refuses_the_second() {
    let parlour = Parlour::new().await;
    let source = parlour.sim.say(OWNER, parlour.topic, "Shall we?");
    // Were the chat asked about again, it would have a topic by then.
    let fault = Fault::DelayRequest { millis: 5_000 };
    parlour.sim.arm(Armed { route: CHAT.into(), after: 1, count: 1, fault });
    let grows = || assert!(parlour.sim.child_topic(source, "Shall we?").is_some());
    let receipt = late(&parlour, grown(parlour.topic, source), grows).await;
    let child = parlour.topics("Shall we?")[0];
    assert_eq!((confirmed(&receipt), parlour.asked(TOPICS)), (&[child.to_string()][..], 2), "{receipt:?}");
}

#[tokio::test(start_paused = true)]
async fn p6_a_refused_resend_has_failed_only_where_nothing_is_there_that_may_be_it() {
    for there in 0..3 {
        let parlour = Parlour::new().await;
        let sim = &parlour.sim;
        sim.stranger(EVE, "Eve");
        let group = sim.topic("Group", &[OWNER, EVE, &parlour.agent]);
        let receipt = late(&parlour, json!({ "title": "Launch", "people": [EVE] }), || {
            for _ in 0..there {
                sim.topic("Launch", &[OWNER, &parlour.agent]);
            }
            assert!(sim.remove_participant(OWNER, group, EVE), "from now on the agent does not see her");
        })
        .await;
        match there {
            0 => assert_eq!(failed(&receipt).1, Some(403)),
            1 => assert_eq!(confirmed(&receipt), [parlour.topics("Launch")[0].to_string()]),
            _ => assert!(unknown(&receipt).contains("2 there look like this one"), "{receipt:?}"),
        }
        assert_eq!((parlour.asked(TOPICS), parlour.topics("Launch").len()), (2, there));
    }
}

#[tokio::test(start_paused = true)]
async fn p6_who_was_put_out_of_a_topic_is_told_soon_that_nobody_knows_and_holds_nothing_up_for_a_day() {
    let parlour = Parlour::new().await;
    let chats = "POST /agent/topics/{topic_id}/chats";
    parlour.fault(chats, Fault::NeverAnswers { applied: true });
    let here = parlour.topic;
    let args = |text: &str| json!({ "conversation": here.to_string(), "text": text });
    let (lost, behind) = (parlour.accept("send", args("lost")).await, parlour.accept("send", args("behind")).await);
    parlour.run_until(|| (parlour.said().len() == 1).then_some(())).await;
    assert!(parlour.sim.remove_participant(OWNER, here, &parlour.agent));
    let (parlour, begun) = (parlour.restart().await, tokio::time::Instant::now());
    let receipt = parlour.settle(&lost).await;
    assert!(unknown(&receipt).contains("cannot be read") && unknown(&receipt).contains("403"), "{receipt:?}");
    assert_eq!(failed(&parlour.settle(&behind).await).1, Some(403));
    assert!(begun.elapsed() < std::time::Duration::from_hours(1), "{:?}", begun.elapsed());
    assert_eq!(parlour.sim.look(|world: &World| world.chats().filter(|chat| chat.plain == "lost").count()), 1);
}
