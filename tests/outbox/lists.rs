//! Lost replies on a platform whose lists are read for them: of topics, of participants, of chats (P6).

use agent_bridge::action::State;
use agent_bridge_sim::speakeasy::{Fault, Options, World};
use serde_json::{Value, json};

use crate::parlour::{OWNER, Parlour, confirmed, unknown};

const TOPICS: &str = "POST /agent/topics";
const CHATS: &str = "POST /agent/topics/{topic_id}/chats";
const CHAT: &str = "/agent/topics/{topic_id}/chats/{id}";
const PEOPLE: &str = "POST /agent/topics/{topic_id}/participants";
const DIRECT: &str = "POST /agent/direct_chats";
const BOB: &str = "bob@example.com";

/// Both ways of losing a reply.
const LOST: [Fault; 4] = [Fault::ReplyLost, Fault::StoredThen500, Fault::HalfBody, Fault::RequestLost];

fn applied(fault: &Fault) -> bool {
    !matches!(fault, Fault::RequestLost)
}

#[tokio::test(start_paused = true)]
async fn row_33_a_topic_whose_reply_is_lost_is_made_once() {
    let parlour = Parlour::new().await;
    let mut subjects = 0;
    for fault in LOST {
        // One of the same name stands there already, and is not taken for it.
        parlour.sim.topic("Launch", &[OWNER, &parlour.agent]);
        let before = parlour.asked(TOPICS);
        parlour.fault(TOPICS, fault.clone());
        let receipt = parlour.act("topic.create", json!({ "title": "Launch", "people": [OWNER] })).await;
        subjects += 2;
        let topics = parlour.topics("Launch");
        assert_eq!(topics.len(), subjects, "{fault:?}: {receipt:?}");
        assert_eq!(confirmed(&receipt), [topics.last().unwrap().to_string()], "{fault:?}");
        assert_eq!(parlour.asked(TOPICS) - before, if applied(&fault) { 1 } else { 2 }, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn p6_a_threaded_topic_is_found_by_the_chat_that_it_grew_from() {
    let parlour = Parlour::new().await;
    for fault in LOST {
        let source = parlour.sim.say(OWNER, parlour.topic, "Shall we?");
        parlour.fault(TOPICS, fault.clone());
        let args =
            json!({ "title": "Shall we?", "parent": parlour.topic.to_string(), "spawned_from": source.to_string() });
        let receipt = parlour.act("topic.create", args).await;
        let child = parlour.topics("Shall we?").into_iter().max().unwrap();
        assert_eq!(parlour.sim.look(|world: &World| world.topic(child).unwrap().spawned_from), Some(source));
        assert_eq!(confirmed(&receipt), [child.to_string()], "{fault:?}");
    }
    assert_eq!(parlour.topics("Shall we?").len(), LOST.len());
}

#[tokio::test(start_paused = true)]
async fn p6_what_stood_there_is_durable_before_the_request_and_a_restart_reads_before_it_sends() {
    let parlour = Parlour::new().await;
    let old = parlour.sim.topic("Launch", &[&parlour.agent]);
    parlour.fault(TOPICS, Fault::NeverAnswers { applied: true });
    let id = parlour.accept("topic.create", json!({ "title": "Launch" })).await;
    parlour.run_until(|| (parlour.topics("Launch").len() == 2).then_some(())).await;
    let row = parlour.row(&id);
    assert_eq!((&row.state, &row.known), (&State::Trying, &vec![old.to_string()]));
    let parlour = parlour.restart().await;
    let receipt = parlour.settle(&id).await;
    let topics = parlour.topics("Launch");
    assert_eq!((confirmed(&receipt), topics.len()), (&[topics[1].to_string()][..], 2));
    assert_eq!(parlour.asked(TOPICS), 1);
}

#[tokio::test(start_paused = true)]
async fn p6_two_new_topics_that_look_alike_leave_it_unknown_and_one_that_a_receipt_names_does_not_count() {
    let parlour = Parlour::new().await;
    let first = parlour.act("topic.create", json!({ "title": "Twins" })).await;
    parlour.fault(TOPICS, Fault::NeverAnswers { applied: true });
    let id = parlour.accept("topic.create", json!({ "title": "Twins" })).await;
    parlour.run_until(|| (parlour.topics("Twins").len() == 2).then_some(())).await;
    parlour.sim.topic("Twins", &[&parlour.agent]);
    let parlour = parlour.restart().await;
    let receipt = parlour.settle(&id).await;
    assert!(unknown(&receipt).contains("2 there look like this one"), "{receipt:?}");
    assert_eq!((parlour.asked(TOPICS), confirmed(&first).len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn row_33_a_participant_whose_reply_is_lost_is_there_once() {
    let parlour = Parlour::new().await;
    for (n, fault) in LOST.into_iter().enumerate() {
        let person = parlour.sim.person(&format!("p{n}@example.com"), "P");
        let before = parlour.asked(PEOPLE);
        parlour.fault(PEOPLE, fault.clone());
        let args = json!({ "conversation": parlour.topic.to_string(), "person": person });
        let receipt = parlour.act("participant.add", args).await;
        assert!(confirmed(&receipt).is_empty());
        assert_eq!(parlour.asked(PEOPLE) - before, if applied(&fault) { 1 } else { 2 }, "{fault:?}");
        let there = parlour.sim.look(|world: &World| {
            world.topic(parlour.topic).unwrap().participants.iter().filter(|it| it.handle == person).count()
        });
        assert_eq!(there, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_to_add_who_is_there_already_is_no_failure_and_any_other_is() {
    let parlour = Parlour::new().await;
    let args = |person: &str| json!({ "conversation": parlour.topic.to_string(), "person": person });
    parlour.fault(PEOPLE, Fault::Status { status: 422 });
    assert!(confirmed(&parlour.act("participant.add", args(OWNER)).await).is_empty());
    let refused = parlour.act("participant.add", args("nobody@example.com")).await;
    assert!(matches!(&refused.state, State::Failed { kind, .. } if kind == "refused"), "{refused:?}");
    // Where nobody may read who is there, it is simply asked again.
    parlour.allow("topic_participants_read", false);
    parlour.sim.person(BOB, "Bob");
    parlour.fault(PEOPLE, Fault::ReplyLost);
    assert!(confirmed(&parlour.act("participant.add", args(BOB)).await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn row_33_a_text_without_a_key_is_found_whatever_became_of_its_marks() {
    for options in [Options::default(), Options::documented()] {
        let parlour = Parlour::with(Options { ids_as_strings: true, ..options }, false).await;
        for (n, fault) in LOST.into_iter().enumerate() {
            let text = format!("**{n}** is [the answer](https://x.example/{n}), `really`:\n\n- yes & no\n- 1 < 2");
            let before = parlour.asked(CHATS);
            parlour.fault(CHATS, fault.clone());
            let receipt = parlour.send(&text).await;
            let newest = parlour.sim.chats_by_agents().last().unwrap().id;
            assert_eq!(confirmed(&receipt), [newest.to_string()], "{fault:?}");
            assert_eq!(parlour.asked(CHATS) - before, if applied(&fault) { 1 } else { 2 }, "{fault:?}");
        }
        assert_eq!(parlour.said().len(), LOST.len());
    }
}

#[tokio::test(start_paused = true)]
async fn row_33_the_same_words_each_time_are_told_apart_by_their_places_and_receipts() {
    let parlour = Parlour::new().await;
    parlour.sim.say(&parlour.agent, parlour.topic, "the same words each time");
    for n in 2..6 {
        parlour.fault(CHATS, if n % 2 == 0 { Fault::ReplyLost } else { Fault::RequestLost });
        let receipt = parlour.send("the same words each time").await;
        assert_eq!((confirmed(&receipt).len(), parlour.said().len()), (1, n));
    }
}

#[tokio::test(start_paused = true)]
async fn p6_an_own_message_that_may_be_this_one_or_not_leaves_it_unknown_and_is_never_sent_again() {
    for later in ["edited by hand, quite", "\u{1f389}"] {
        let parlour = Parlour::new().await;
        parlour.fault(CHATS, Fault::NeverAnswers { applied: true });
        let args = json!({ "conversation": parlour.topic.to_string(), "text": "Done with the whole of it" });
        let id = parlour.accept("send", args).await;
        parlour.run_until(|| (parlour.said().len() == 1).then_some(())).await;
        // Somebody edits it, or the platform shows something else.
        assert!(parlour.sim.edit(parlour.sim.chats_by_agents()[0].id, later));
        let parlour = parlour.restart().await;
        let receipt = parlour.settle(&id).await;
        assert!(unknown(&receipt).contains("may be this one"), "{receipt:?}");
        assert_eq!((parlour.asked(CHATS), parlour.said().len()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn p6_what_was_surely_something_else_is_not_in_the_way_of_the_one_resend() {
    let parlour = Parlour::new().await;
    parlour.fault(CHATS, Fault::RequestLost);
    let args = json!({ "conversation": parlour.topic.to_string(), "text": "Done with the whole of it" });
    let id = parlour.accept("send", args).await;
    parlour.run_until(|| (parlour.asked(CHATS) == 1).then_some(())).await;
    parlour.sim.say(&parlour.agent, parlour.topic, "Quite another matter, said elsewhere");
    parlour.sim.say(OWNER, parlour.topic, "Done with the whole of it");
    let receipt = parlour.settle(&id).await;
    assert_eq!((confirmed(&receipt).len(), parlour.asked(CHATS), parlour.said().len()), (1, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn p6_it_is_found_behind_pages_of_what_others_said_since() {
    for options in [Options::default(), Options::documented()] {
        let parlour = Parlour::with(options, false).await;
        parlour.sim.say(OWNER, parlour.topic, "before");
        parlour.fault(CHATS, Fault::NeverAnswers { applied: true });
        let args = json!({ "conversation": parlour.topic.to_string(), "text": "in between" });
        let id = parlour.accept("send", args).await;
        parlour.run_until(|| (parlour.said().len() == 1).then_some(())).await;
        for n in 0..250 {
            parlour.sim.say(OWNER, parlour.topic, &n.to_string());
        }
        let parlour = parlour.restart().await;
        let receipt = parlour.settle(&id).await;
        assert_eq!((confirmed(&receipt).len(), parlour.asked(CHATS)), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn p6_where_no_history_may_be_read_a_lost_reply_stays_unknown() {
    let parlour = Parlour::new().await;
    parlour.allow("topic_history", false);
    parlour.fault(CHATS, Fault::ReplyLost);
    let receipt = parlour.send("blind").await;
    assert!(unknown(&receipt).contains("what stood there before could not be read"), "{receipt:?}");
    assert_eq!(parlour.said(), ["blind"]);
}

#[tokio::test(start_paused = true)]
async fn row_33_an_edit_or_a_delete_without_a_key_is_done_again() {
    let parlour = Parlour::new().await;
    let chat = confirmed(&parlour.send("draft").await)[0].clone();
    let args = |more: Value| {
        let mut args = json!({ "conversation": parlour.topic.to_string(), "message": chat });
        args.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        args
    };
    parlour.fault(&format!("PATCH {CHAT}"), Fault::ReplyLost);
    assert!(confirmed(&parlour.act("edit", args(json!({ "text": "final" }))).await).len() <= 1);
    assert_eq!(parlour.said(), ["final"]);
    parlour.fault(&format!("DELETE {CHAT}"), Fault::ReplyLost);
    parlour.act("delete", args(json!({}))).await;
    assert_eq!(parlour.asked(&format!("DELETE {CHAT}")), 2);
    assert!(parlour.sim.look(|world: &World| world.chats().all(|chat| chat.deleted)));
}

#[tokio::test(start_paused = true)]
async fn row_33_a_first_word_to_a_person_is_said_once_and_names_its_topic_and_its_chat() {
    for fault in LOST {
        let parlour = Parlour::new().await;
        // A group with the same person, an older word to them, and a direct topic with somebody else.
        parlour.sim.person(BOB, "Bob");
        parlour.sim.topic("Group", &[OWNER, BOB, &parlour.agent]);
        parlour.sim.say(&parlour.agent, parlour.sim.direct_topic(&parlour.agent, OWNER), "Hello **there**");
        parlour.fault(DIRECT, fault.clone());
        let receipt = parlour.act("direct.open", json!({ "person": BOB, "text": "Hello **there**" })).await;
        let chat = parlour.sim.chats_by_agents().pop().unwrap();
        assert_eq!(confirmed(&receipt), [chat.topic.to_string(), chat.id.to_string()], "{fault:?}");
        assert_eq!(parlour.said(), ["Hello there", "Hello there"], "{fault:?}");
        assert_eq!(parlour.asked(DIRECT), if applied(&fault) { 1 } else { 2 });
        // Said again on purpose, it is said again.
        parlour.fault(DIRECT, Fault::ReplyLost);
        let again = parlour.act("direct.open", json!({ "person": BOB, "text": "Hello **there**" })).await;
        assert_ne!(confirmed(&again)[1], confirmed(&receipt)[1]);
        assert_eq!(parlour.said().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn p6_a_word_to_a_person_that_may_stand_in_a_larger_topic_or_in_too_many_is_unknown() {
    let parlour = Parlour::new().await;
    parlour.sim.person(BOB, "Bob");
    let group = parlour.sim.topic("Group", &[OWNER, BOB, &parlour.agent]);
    parlour.fault(DIRECT, Fault::RequestLost);
    let id = parlour.accept("direct.open", json!({ "person": BOB, "text": "Hello" })).await;
    parlour.run_until(|| (parlour.asked(DIRECT) == 1).then_some(())).await;
    parlour.sim.say(&parlour.agent, group, "Hello");
    assert!(unknown(&parlour.settle(&id).await).contains("may be this one"));
    for n in 0..20 {
        parlour.sim.topic(&format!("T{n}"), &[OWNER, &parlour.agent]);
    }
    parlour.fault(DIRECT, Fault::ReplyLost);
    let receipt = parlour.act("direct.open", json!({ "person": BOB, "text": "One more" })).await;
    assert!(unknown(&receipt).contains("what stood there before could not be read"), "{receipt:?}");
    assert_eq!(parlour.asked(DIRECT), 2, "neither is sent again");
}

#[tokio::test(start_paused = true)]
async fn row_33_with_keys_no_list_is_read_and_a_stored_failure_is_final() {
    let parlour = Parlour::with(Options::default(), true).await;
    for fault in LOST {
        parlour.fault(CHATS, fault);
        assert_eq!(confirmed(&parlour.send("keyed").await).len(), 1);
    }
    assert_eq!((parlour.said().len(), parlour.asked("GET /agent/topics/{topic_id}/chats")), (LOST.len(), 0));
    // The platform stores its refusal under the key, and replays it.
    let private = parlour.sim.topic("Not for agents", &[OWNER]);
    let gone = json!({ "conversation": private.to_string(), "text": "x" });
    parlour.fault(CHATS, Fault::ReplyLost);
    let before = parlour.asked(CHATS);
    let receipt = parlour.act("send", gone).await;
    assert!(matches!(receipt.state, State::Failed { status: Some(403), .. }), "{receipt:?}");
    assert_eq!(parlour.asked(CHATS) - before, 2);
    assert!(parlour.sim.served().contains("idempotency.replay_failure"));
}
