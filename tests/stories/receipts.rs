//! What became of actions: receipts by key, after restarts, and as events for those who ask for them.

use serde_json::{Value, json};

use crate::house::{House, ack, documented};

/// The receipts that a tail of the whole feed shows.
async fn settled(house: &House) -> Vec<Value> {
    let told = house.home.ok(&["tail", "--from", "start", "--once", "--json", "--types", "action.settled"]).await;
    told.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event")["data"]["receipt"].clone()).collect()
}

#[tokio::test]
async fn p5_a_key_is_one_action_whatever_comes_under_it_and_across_a_restart() {
    let mut house = House::new(documented()).await;
    let mut agent = house.agent().await;
    let act = |args: Value| json!({ "workspace": "acme", "verb": "send", "args": args, "key": "wish-1" });
    let args = json!({ "conversation": house.room, "text": "once" });
    let first = agent.call("act", act(args)).await.expect("it is accepted");
    let id = first["id"].as_str().expect("an id").to_owned();
    let receipt = house.receipt(&mut agent, &id).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    drop(agent);
    house.stop().await;
    house.start().await;
    let mut agent = house.agent().await;
    for args in [json!({ "conversation": house.room, "text": "something else" }), json!({ "no": "sense" })] {
        let again = agent.call("act", act(args)).await.expect("it is the first one");
        assert_eq!(again, receipt, "commits nothing and tells the first one's receipt");
    }
    house.is_sound(&mut agent, 0).await;
    assert_eq!(house.answers().len(), 1);
    assert_eq!(settled(&house).await.len(), 1);
}

#[tokio::test]
async fn receipts_are_events_for_those_who_ask_for_them_by_type() {
    let mut house = House::new(documented()).await;
    let add = ["consumer", "add", "receipts", "--from", "start", "--types", "action.settled", "--mentions-me"];
    house.home.ok(&add).await;
    let mut main = house.agent().await;
    house.say("hello?");
    let asked = house.next(&mut main, "message.created").await;
    let reply = main.call("reply", json!({ "seq": asked.seq, "text": "hello!" })).await.expect("it is accepted");
    let action = crate::house::accepted(&reply).remove(0);
    let refused = json!({ "workspace": "acme", "verb": "edit", "key": "k2",
        "args": { "message": "00000000-0000-4000-8000-000000000000", "text": "?" } });
    let refused = main.call("act", refused).await.expect("it is accepted")["id"].clone();

    let mut receipts = house.agent_of("receipts").await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let delivery = receipts.delivery().await;
        assert_eq!(delivery.event["type"], "action.settled");
        ack(&mut receipts, &delivery).await;
        told.push(delivery.event["data"]["receipt"].clone());
    }
    told.sort_by_key(|receipt| receipt["state"].as_str().map(str::to_owned));
    let (done, failed) = (&told[0], &told[1]);
    assert_eq!((&done["id"], &done["verb"], &done["answers"]), (&json!(action), &json!("send"), &json!(asked.seq)));
    assert_eq!(done["remote_ids"], json!([house.answers()[0].id]), "{done:#}");
    assert_eq!((&failed["id"], &failed["state"], &failed["key"]), (&refused, &json!("failed"), &json!("k2")));
    assert!(failed["kind"].is_string() && failed["status"].is_u64() && failed["message"].is_string(), "{failed:#}");
    for receipt in &told {
        let id = receipt["id"].as_str().expect("an id");
        assert_eq!(house.receipt(&mut main, id).await, *receipt, "the receipt itself");
    }
    // Another reader is not told of what it knows.
    house.is_sound(&mut main, 0).await;
    assert!(house.ledger.firsts("action.settled").is_empty());
    house.kill().await;
    house.start().await;
    assert_eq!(settled(&house).await.len(), 2, "each once, also after a restart");
    let lines = house.home.ok(&["tail", "--from", "start", "--once", "--types", "action.settled"]).await;
    assert!(lines.contains(&format!("send confirmed {action}")), "{lines}");
}
