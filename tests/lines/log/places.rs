//! What an envelope tells: places that replies name, topics within topics, people who come.

use serde_json::{Value, json};

use super::bench::Story;
use crate::bench::text;

fn said(story: &Story, id: u64, place: u64, answers: Option<u64>) {
    let payload = json!({
        "topic": { "id": 9, "parent_topic_id": 4, "root_topic_id": 3, "spawned_from_chat_id": 77, "subject": "A thread" },
        "chat": { "id": id, "plain": format!("{id}") },
        "timeline": { "id": place, "reply_timeline_id": answers, "thread_topic_id": 654 },
    });
    story.ledger.happens("chat.created", &json!(9), &story.at(0), payload);
}

#[tokio::test(start_paused = true)]
async fn a_reply_names_its_message_where_the_bridge_knows_the_place() {
    let mut story = Story::live().await;
    said(&story, 789, 9001, None);
    said(&story, 790, 9002, Some(9001));
    said(&story, 791, 9003, Some(8000));
    story.tells(&["789", "790", "791"]).await;
    story.crash().await;
    story.start().await;
    // What was read lately is read again, so that places are known again.
    story.pass_secs(1).await;
    said(&story, 792, 9004, Some(9002));
    story.until("it is told", |story| story.told().len() == 4).await;
    let of = |key: &str| -> Vec<Value> {
        story.of("message.created").iter().map(|event| event["data"]["message"][key].clone()).collect()
    };
    assert_eq!(of("reply_to"), [Value::Null, json!("789"), Value::Null, json!("790")]);
    assert_eq!(of("reply_to_place"), [Value::Null, Value::Null, json!("8000"), Value::Null]);
    assert_eq!(of("place"), ["9001", "9002", "9003", "9004"]);
    assert_eq!(of("thread"), ["654"; 4]);
    let first = &story.of("message.created")[0];
    assert_eq!(
        first["data"]["conversation"],
        json!({ "id": "9", "kind": "group", "title": "A thread", "parent": "4", "root": "3", "spawned_from": "77" })
    );
    assert_eq!(first["id"], "acme/message.created/42");
}

#[tokio::test(start_paused = true)]
async fn topics_and_people_that_come_are_events_of_their_own() {
    let story = Story::live().await;
    story.ledger.happens("topic.created", &json!(9), &story.at(0), json!({ "topic": { "subject": "Plans" } }));
    let person = json!({ "participant": { "handle": "bob@x.example" } });
    story.ledger.happens("participant.added", &json!(9), &story.at(0), person);
    story.until("both are told", |story| !story.of("participant.added").is_empty()).await;
    let (topic, added) = (&story.of("conversation.created")[0], &story.of("participant.added")[0]);
    assert_eq!(
        (text(&topic["data"]["conversation"]["title"]), &topic["data"]["object"]),
        ("Plans".into(), &json!("9"))
    );
    assert_eq!((text(&added["subject"]), &added["data"]["object"]), ("9".into(), &json!("bob@x.example")));
    assert!(added["data"].get("message").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_what_was_told_long_before_a_restart_names_its_message() {
    let mut story = Story::live().await;
    said(&story, 789, 9001, None);
    story.pass_secs(100).await;
    said(&story, 790, 9002, None);
    // The log is read again from behind the first one only.
    story.pass_secs(200).await;
    story.crash().await;
    story.start().await;
    story.until_live().await;
    said(&story, 791, 9003, Some(9001));
    said(&story, 792, 9004, Some(8000));
    story.until("both are told", |story| story.told().len() == 4).await;
    let of = |key: &str| -> Vec<Value> {
        story.of("message.created")[2..].iter().map(|event| event["data"]["message"][key].clone()).collect()
    };
    assert_eq!(
        (of("reply_to"), of("reply_to_place")),
        (vec![json!("789"), Value::Null], vec![Value::Null, json!("8000")])
    );
}
