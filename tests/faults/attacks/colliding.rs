//! Two workspaces whose platforms give the same ids to everything.

use std::collections::BTreeSet;

use agent_bridge_sim::agentunited::{Options, Sim};
use serde_json::json;

use crate::bridge::Home;
use crate::house::{QUICK, ack};

#[tokio::test]
async fn attack_the_same_ids_on_two_workspaces_stay_apart() {
    let twin = || Sim::new(Options { seed: Some(7), ..Options::default() });
    let twins = [("acme", twin()), ("bravo", twin())];
    let home = Home::new(QUICK);
    let _daemon = home.start().await;
    let mut serving = Vec::new();
    let mut rooms = Vec::new();
    for (name, sim) in &twins {
        serving.push(sim.serve(0).await.expect("a free port"));
        let (ann, room) = (sim.person("Ann"), sim.channel("general"));
        home.ok(&["join", "agentunited", &sim.invite(None), "--as", name]).await;
        rooms.push((ann, room));
    }
    for (_, sim) in &twins {
        sim.wait_for(|world| world.stream_count() > 0).await;
    }
    assert_eq!(rooms[0], rooms[1], "the twins give the same ids");
    let mut agent = home.agent().await;
    agent.call("subscribe", json!({ "consumer": "main", "per_lane": 0 })).await.expect("a reader");
    let mut ids = Vec::new();
    for (name, sim) in &twins {
        let (ann, room) = &rooms[0];
        ids.push((0..3).map(|number| sim.say(ann, room, &format!("{name} {number}"))).collect::<Vec<_>>());
    }
    assert_eq!(ids[0], ids[1], "messages, too");

    let (mut told, mut events) = (Vec::new(), BTreeSet::new());
    let mut answered = BTreeSet::new();
    while told.len() < 6 {
        let delivery = agent.delivery_of("message.created").await;
        let source = delivery.event["workspace"].as_str().expect("a workspace").to_owned();
        assert!(delivery.text().starts_with(&source), "{}", delivery.event);
        assert!(events.insert(delivery.event["id"].as_str().expect("an id").to_owned()), "one id, one event");
        told.push(delivery.text().to_owned());
        if answered.insert(source.clone()) {
            let said = agent.call("reply", json!({ "seq": delivery.seq, "text": format!("to {source}") })).await;
            said.expect("it is accepted");
        } else {
            ack(&mut agent, &delivery).await;
        }
    }
    told.sort_unstable();
    assert_eq!(told, ["acme 0", "acme 1", "acme 2", "bravo 0", "bravo 1", "bravo 2"]);

    // The answers go each to its own, under the same conversation's id.
    for (name, sim) in &twins {
        sim.wait_for(|world| !world.messages_by_agent().is_empty()).await;
        let said: Vec<_> = sim.messages_by_agent().into_iter().map(|it| it.text).collect();
        assert_eq!(said, [format!("to {name}")]);
    }
    // The same key means another action elsewhere.
    let mut actions = BTreeSet::new();
    for (name, _) in &twins {
        let args = json!({ "conversation": rooms[0].1, "text": format!("keyed {name}") });
        let act = json!({ "workspace": name, "verb": "send", "args": args, "key": "k1", "wait": "30s" });
        let receipt = agent.call("act", act).await.expect("it is accepted");
        actions.insert(receipt["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(actions.len(), 2);
    // One that is left leaves the other as it is.
    home.ok(&["leave", "acme", "--yes"]).await;
    let (ann, room) = &rooms[0];
    twins[1].1.say(ann, room, "bravo again");
    loop {
        let delivery = agent.delivery_of("message.created").await;
        ack(&mut agent, &delivery).await;
        if delivery.text() == "bravo again" {
            break;
        }
    }
}
