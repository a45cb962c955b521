//! Row 33: an action is applied and its reply is lost. And what becomes of it where nobody reads back.

use agent_bridge_sim::agentunited::Fault;
use serde_json::json;

use super::{POST, run_under, send};
use crate::house::{House, documented, observed};
use crate::matrix;

#[tokio::test]
async fn row_33_an_action_that_was_applied_and_lost_its_reply_stands_there_once() {
    matrix::row(33, async {
        for options in [documented(), observed()] {
            let mut house = House::new(options).await;
            let mut agent = house.agent().await;
            let room = house.room.clone();
            for fault in [Fault::ReplyLost, Fault::StoredThen500, Fault::HalfBody] {
                house.sim.fault(POST, fault);
                let posts = house.count(POST);
                let action = send(&mut agent, &room, "the same words each time").await;
                let receipt = house.receipt(&mut agent, &action).await;
                assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
                let newest = house.answers().pop().expect("it is there").id;
                assert_eq!((&receipt["remote_ids"], house.count(POST)), (&json!([newest]), posts + 1));
            }
            assert_eq!(house.answers().len(), 3, "each stands there once");
            house.is_sound(&mut agent, 0).await;
        }
    })
    .await;
}

#[tokio::test]
async fn row_33_control_without_reading_back_it_stands_there_twice() {
    matrix::row(33, async {
        let mut house = House::new(documented()).await;
        house.stop().await;
        let _daemon = run_under(&house, &[("AGENT_BRIDGE_WITHOUT", "read-back")]);
        let mut agent = house.agent().await;
        house.sim.fault(POST, Fault::ReplyLost);
        let room = house.room.clone();
        let action = send(&mut agent, &room, "once, please").await;
        let receipt = house.receipt(&mut agent, &action).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
        let there: Vec<_> = house.answers().into_iter().map(|message| message.text).collect();
        assert_eq!(there, ["once, please", "once, please"], "the double that the defence prevents");
    })
    .await;
}
