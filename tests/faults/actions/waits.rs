//! Row 35: a platform asks for absurd patience.

use agent_bridge_sim::agentunited::{Armed, Fault, StreamFault};
use serde_json::json;

use super::{LOGIN, PATIENCE, POST, at, now, send};
use crate::bridge::until;
use crate::house::{House, QUICK, documented};
use crate::matrix;

/// What platforms have said, and what is no time at all.
const ABSURD: [&str; 4] = ["99999999999", "18446744073709551616", "31536000", "Tue, 31 Dec 2999 23:59:59 GMT"];
/// The bounds of this house, in milliseconds.
const LONGEST: i64 = 2_000;
const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn row_35_an_absurd_retry_after_delays_an_action_as_long_as_the_config_allows() {
    matrix::row(35, async {
        let mut house = House::with(documented(), &format!("{QUICK}longest_retry = \"2s\"\n")).await;
        let mut agent = house.agent().await;
        let room = house.room.clone();
        for asks in ABSURD {
            house.sim.fault(POST, Fault::TooMany { retry_after: asks.into() });
            let action = send(&mut agent, &room, asks).await;
            let mut planned = Vec::new();
            loop {
                let receipt = agent.call("receipt", json!({ "id": action, "wait": "50ms" })).await.expect("a receipt");
                if receipt.get("next_try").is_some() {
                    assert!(receipt["waits"].as_str().is_some_and(|why| why.contains("429")), "{receipt:#}");
                    planned.push(at(&receipt["next_try"]) - now());
                }
                if receipt.get("settled_at").is_some() {
                    assert_eq!((&receipt["state"], &receipt["tries"]), (&json!("confirmed"), &json!(2)), "{receipt:#}");
                    break;
                }
            }
            assert!(!planned.is_empty() && planned.iter().all(|wait| *wait <= LONGEST), "{asks}: {planned:?} ms");
        }
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}

#[tokio::test]
async fn row_35_an_absurd_retry_after_of_stream_and_login_is_an_hour_at_most() {
    matrix::row(35, async {
        for (route, asks) in [("GET /events/stream", ABSURD[0]), (LOGIN, ABSURD[3])] {
            let house = House::new(documented()).await;
            let absurd = Fault::TooMany { retry_after: asks.into() };
            house.sim.arm(Armed { route: route.into(), after: 0, count: u32::MAX, fault: absurd });
            house.sim.expire_token(&house.sim.members()[0]);
            let planned = || async {
                let status = house.status().await;
                let next = status["lines"][0]["next_retry"].as_i64().or(status["next_retry"].as_i64())?;
                // The backoff's own waits are shorter than a second here.
                Some(next - now()).filter(|wait| *wait > HOUR / 2)
            };
            let wait = until(planned, || house.home.log()).await;
            assert!(wait <= HOUR, "{route}: {wait} ms");
        }
    })
    .await;
}

#[tokio::test]
async fn row_35_an_absurd_retry_of_a_stream_is_as_long_as_the_config_allows() {
    matrix::row(35, async {
        let config = QUICK.replacen("[lines]\n", "[lines]\nlongest_retry = \"1s\"\n", 1);
        let mut house = House::with(documented(), &config).await;
        let mut agent = house.agent().await;
        for says in ["99999999999", "18446744073709551616"] {
            house.sim.stream_fault(&StreamFault::Retry { says: says.into() });
            for _ in 0..2 {
                // The first stream after this says it; the second cut shows what became of it.
                house.say("before the cut");
                let opened = house.sim.look(agent_bridge_sim::agentunited::World::streams_opened);
                house.sim.cut_streams();
                let again = house.sim.wait_for(|world| world.streams_opened() > opened && world.stream_count() > 0);
                tokio::time::timeout(PATIENCE, again).await.expect("it dials again within a second and a half");
            }
        }
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}
