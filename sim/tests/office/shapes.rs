//! The forms that answers may have.

use std::sync::Arc;

use crate::support::{House, Served, close};
use agent_bridge_sim::office::{Clock, Envelope, MessageIds, Options, Order, Sent, Shape};
use serde_json::{Value, json};

const PAGE: &str = "messages&agent=jared&peer=user";

/// An office in which `user` said two things at the end of 2026-04-07, one in each minute.
async fn house() -> House {
    let house = House::new(Options::default()).await;
    for (minute, text) in [(0, "one"), (1, "two")] {
        house.sim.reconfigure(|options| options.wall = Arc::new(move || 1_775_606_340_000 + minute * 60_000));
        house.sim.say("user", "jared", text);
    }
    house
}

pub async fn reads(served: &mut Served) {
    let house = house().await;
    let shown = async |shape: Shape| {
        house.sim.set_shape(shape);
        house.view(PAGE).await.1
    };
    let usual = shown(Shape::default()).await;
    let first = &usual["messages"][0];
    assert_eq!((&first["from"], &first["to"], &first["body"]), (&json!("user"), &json!("jared"), &json!("two")));
    assert_eq!(first["sentAt"], "2026-04-08T00:00:00.000Z");

    let other = Shape {
        envelope: Envelope::Bare,
        id: "messageId".into(),
        from: "sender".into(),
        body: "content".into(),
        time: "createdAt".into(),
        clock: Clock::Millis,
        order: Order::OldestFirst,
    };
    let bare = shown(other.clone()).await;
    assert_eq!((&bare[0]["sender"], &bare[0]["content"]), (&json!("user"), &json!("one")));
    assert_eq!((&bare[1]["messageId"], &bare[1]["createdAt"]), (&first["id"], &json!(1_775_606_400_000_u64)));
    let nanos = Shape { body: "text".into(), time: "timestamp".into(), clock: Clock::Nanos, ..other.clone() };
    let third = shown(nanos.clone()).await;
    assert_eq!((&third[1]["text"], &third[1]["timestamp"]), (&json!("two"), &json!(1_775_606_400_000_000_000_u64)));
    let digits = shown(Shape { clock: Clock::NanosText, ..nanos }).await;
    assert_eq!(digits[1]["timestamp"], "1775606400000000000");

    let strange = shown(Shape::unreadable()).await;
    assert!(strange.is_object() && strange.get("messages").is_none());
    assert!(strange.to_string().contains("two"), "the messages are in it all the same");
    house.sim.reconfigure(|options| options.ids = MessageIds::PerConversation);
    house.sim.set_shape(Shape::default());
    let ids = [house.sim.say("anna", "jared", "a"), house.sim.say("user", &house.group, "b")];
    assert_eq!(ids, ["1", "1"]);
    assert_eq!(house.messages("messages&agent=jared&peer=anna").await[0]["id"], "1");
    close(&house.sim, served);
}

pub async fn sends(served: &mut Served) {
    let house = house().await;
    let mut answers = Vec::new();
    for sent in [Sent::Message, Sent::Bare, Sent::Ok] {
        house.sim.reconfigure(|options| options.sent = sent);
        answers.push(house.send("user", "x").await.1);
    }
    let id = |at: usize| Value::from(house.sim.sent()[at].id.clone());
    assert_eq!((&answers[0]["message"]["id"], &answers[1]["id"]), (&id(0), &id(1)));
    assert_eq!(answers[2], json!({"success": true}));
    close(&house.sim, served);
}
