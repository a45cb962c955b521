//! Row 35: a platform asks for absurd patience, with its log, its actions and its refresh.

use agent_bridge_sim::speakeasy::{Armed, Fault};
use serde_json::{Value, json};

use super::OFTEN;
use crate::bridge::until;
use crate::lounge::Lounge;
use crate::matrix;

/// What platforms have said, and what is no time at all.
const ABSURD: [&str; 4] = ["99999999999", "18446744073709551616", "31536000", "Tue, 31 Dec 2999 23:59:59 GMT"];
/// The bound of the config, and the one of every other wait, in milliseconds.
const LONGEST: i64 = 2_000;
const HOUR: i64 = 3_600_000;
const CHATS: &str = "POST /agent/topics/{topic_id}/chats";

/// How long from now a wall time of the bridge is, in milliseconds.
fn from_now(stamp: &Value) -> Option<i64> {
    let at: jiff::Timestamp = stamp.as_str()?.parse().expect("RFC 3339");
    Some(at.as_millisecond() - jiff::Timestamp::now().as_millisecond())
}

#[tokio::test]
async fn row_35_an_absurd_retry_after_delays_a_keyed_action_as_long_as_the_config_allows() {
    matrix::row(35, async {
        let mut lounge = Lounge::new(OFTEN, "longest_retry = \"2s\"").await;
        let mut agent = lounge.agent().await;
        for asks in ABSURD {
            lounge.sim.fault(CHATS, Fault::TooMany { retry_after: asks.into() });
            let action = lounge.send(&mut agent, lounge.topic, asks).await;
            let mut planned = Vec::new();
            loop {
                let receipt = agent.call("receipt", json!({ "id": action, "wait": "50ms" })).await.expect("a receipt");
                planned.extend(from_now(&receipt["next_try"]));
                if receipt.get("settled_at").is_some() {
                    assert_eq!((&receipt["state"], &receipt["tries"]), (&json!("confirmed"), &json!(2)), "{receipt:#}");
                    break;
                }
            }
            assert!(!planned.is_empty() && planned.iter().all(|wait| *wait <= LONGEST), "{asks}: {planned:?} ms");
        }
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_35_an_absurd_retry_after_of_log_and_refresh_is_an_hour_at_most() {
    matrix::row(35, async {
        for (route, asks) in [("GET /agent/events", ABSURD[0]), ("POST /agent_sessions/refresh", ABSURD[3])] {
            let mut lounge = Lounge::without_cable(OFTEN, "").await;
            let absurd = Fault::TooMany { retry_after: asks.into() };
            let before = lounge.asked(route).len();
            lounge.sim.arm(Armed { route: route.into(), after: 0, count: u32::MAX, fault: absurd });
            lounge.sim.expire_access(lounge.sim.newest_grant().expect("a grant"));
            let planned = || async {
                let status = lounge.status().await;
                let lines = status["lines"].as_array().cloned().unwrap_or_default();
                let poll = lines.into_iter().find(|line| line["line"] == "poll").unwrap_or_default();
                // The backoff's own waits are shorter than a second here.
                let next = poll["next_retry"].as_i64().or(status["next_retry"].as_i64())?;
                Some(next - jiff::Timestamp::now().as_millisecond()).filter(|wait| *wait > HOUR / 2)
            };
            let wait = until(planned, || lounge.home.log()).await;
            assert!(wait <= HOUR, "{route}: {wait} ms");
            let asked = lounge.asked(route).len() - before;
            // The next start asks once more, and waits no longer either.
            lounge.sim.clear_faults();
            lounge.kill().await;
            let mut agent = lounge.agent().await;
            lounge.is_sound(&mut agent, 0).await;
            assert!(asked <= 3, "{route}: asked {asked} times although it wants to be left alone");
            lounge.end().await;
        }
    })
    .await;
}
