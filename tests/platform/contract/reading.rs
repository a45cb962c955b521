//! What the agent asks of a platform: rooms, people, histories, a search.

use agent_bridge_sim::agentunited::Options;
use serde_json::json;

use super::ledger::{Ledger, Stage};

/// Every question and each answer to it.
pub async fn all() -> Ledger {
    let mut ledger = Ledger::default();
    let stage = Stage::joined(&mut ledger, Options::default()).await;
    let sim = &stage.sim;
    let (pierre, room, me) = (sim.person("Pierre"), sim.channel("general"), stage.me());
    sim.add_member(&me, &room);

    let said = stage.ask("conversations", json!({ "workspace": "acme" })).await;
    ledger.row("channels.200", "conversations", &said, &room);
    let said = stage.ask("people", json!({ "workspace": "acme" })).await;
    ledger.row("users.200", "people", &said, "Pierre");
    let said = stage.ask("people", json!({ "workspace": "acme", "conversation": room })).await;
    ledger.row("members.200", "people of a room", &said, &me);

    let history = |more: serde_json::Value| {
        let mut params = json!({ "workspace": "acme", "conversation": room });
        params.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        stage.ask("history", params)
    };
    ledger.row("history.null", "nothing said yet", &history(json!({})).await, "{\"items\":[]}");
    let ids = ["one", "two", "three"].map(|text| sim.say(&pierre, &room, text));
    ledger.row("history.200", "three said", &history(json!({})).await, "three");
    ledger.row("history.has_more", "one of three", &history(json!({ "limit": 1 })).await, &ids[2]);
    ledger.row("history.before", "older than the second", &history(json!({ "before": ids[1] })).await, &ids[0]);
    ledger.row(
        "history.400_limit",
        "more than a page holds",
        &history(json!({ "limit": 150 })).await,
        "between 1 and 100",
    );

    let said = stage.ask("people", json!({ "workspace": "acme", "conversation": "no-uuid" })).await;
    ledger.row("malformed.500", "a conversation that is no id", &said, "HTTP 500");

    sim.expire_token(&me);
    let said = stage.ask("conversations", json!({ "workspace": "acme" })).await;
    ledger.row("auth.401", "the token expired between two questions", &said, &room);

    let found = stage.free("GET", &format!("/messages/search?q=two&channel_id={room}"), None).await;
    ledger.row("search.200", "a search", &found, &ids[1]);
    let found = stage.free("GET", "/messages/search", None).await;
    ledger.row("search.400", "a search for nothing", &found, "q is required");
    ledger
}
