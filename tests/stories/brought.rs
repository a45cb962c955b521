//! Edits that are under way when the connection to their document ends: the next one brings them, and shows what became
//! of them.

use agent_bridge_sim::agentworkspace::{LiveFault, Turn};
use serde_json::{Value, json};

use crate::bridge::{Agent, until};
use crate::studio::Studio;

const ROME: &str = "Rome is the majority of it.";

/// How the edit stands.
async fn receipt(agent: &mut Agent, begun: &Value) -> Value {
    agent.call("receipt", json!({ "id": begun["id"] })).await.expect("a receipt")
}

/// P5: until the server was seen to have it nobody says that it is done, however often it is dialled in vain meanwhile.
#[tokio::test]
async fn an_edit_that_was_lost_with_its_connection_is_brought_by_the_next_and_not_done_before() {
    let studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    studio.edit(&mut agent, json!({ "op": "append", "text": "First." })).await;
    studio.sim.arm_live(Turn { after: 0, count: None, fault: LiveFault::Refuse { status: 503 } });
    studio.sim.live_fault(LiveFault::DropBefore);
    let dials = || studio.sim.log().iter().filter(|asked| asked.path.ends_with("draft-token")).count();
    let before = dials();
    let begun = studio.begin(&mut agent, json!({ "op": "append", "text": "Lost." })).await.unwrap();
    until(|| async { (dials() > before + 2).then_some(()) }, || studio.home.log()).await;
    let open = receipt(&mut agent, &begun).await;
    assert_eq!((&open["state"], &open["tries"]), (&json!("trying"), &json!(1)), "it is under way: {open}");
    assert!(!studio.seen().contains("Lost."), "{}", studio.seen());
    studio.sim.heal_live();
    let done = agent.call("receipt", json!({ "id": begun["id"], "wait": "60s" })).await.unwrap();
    assert_eq!((&done["state"], &done["tries"]), (&json!("confirmed"), &json!(1)), "{done}: {}", studio.home.log());
    assert_eq!(studio.seen().matches("Lost.").count(), 1, "{}", studio.seen());
    studio.end().await;
}

#[tokio::test]
async fn an_edit_that_is_under_way_for_the_second_time_stands_once_through_a_kill() {
    let mut studio = Studio::new(ROME, "").await;
    let mut agent = studio.home.agent().await;
    // The server has it, and no connection lives long enough to show that.
    studio.sim.arm_live(Turn { after: 0, count: None, fault: LiveFault::DropAfter });
    let begun = studio.begin(&mut agent, json!({ "op": "append", "text": "Once." })).await.unwrap();
    studio.sees(|world| world.lines().count() > 2).await;
    let open = receipt(&mut agent, &begun).await;
    assert_eq!((&open["state"], &open["tries"]), (&json!("trying"), &json!(1)), "{open}");
    studio.kill().await;
    studio.sim.heal_live();
    let mut agent = studio.home.agent().await;
    let done = agent.call("receipt", json!({ "id": begun["id"], "wait": "60s" })).await.unwrap();
    assert_eq!(done["state"], "confirmed", "{done}: {}", studio.home.log());
    assert_eq!(studio.seen().matches("Once.").count(), 1, "{}", studio.seen());
    studio.end().await;
}
