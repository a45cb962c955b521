//! Row 31: many requests meet 401 together.

use agent_bridge_sim::speakeasy::{Armed, Fault, TopicId};
use serde_json::json;

use super::OFTEN;
use crate::lounge::{Lounge, OWNER};
use crate::matrix;

const CHATS: &str = "POST /agent/topics/{topic_id}/chats";
const REFRESH: &str = "POST /agent_sessions/refresh";
const REQUESTS: u32 = 50;
/// Keys of `[outbox]`, which ends the usual config.
const AT_ONCE: &str = "parallel = 64";

/// A topic for each request: one conversation sends one after the other.
fn topics(lounge: &Lounge) -> Vec<TopicId> {
    let agent = lounge.sim.agent(lounge.sim.newest_grant().expect("a grant"));
    (0..REQUESTS).map(|n| lounge.sim.topic(&format!("Topic {n}"), &[OWNER, &agent])).collect()
}

/// All are under way with a token that ends meanwhile; how many met 401, and how often a new token was asked for.
async fn meet(lounge: &Lounge) -> (usize, usize) {
    let mut agent = lounge.agent().await;
    let topics = topics(lounge);
    let slow = Fault::DelayRequest { millis: 6_000 };
    lounge.sim.arm(Armed { route: CHATS.into(), after: 0, count: REQUESTS, fault: slow });
    let before = lounge.asked(REFRESH).len();
    let mut actions = Vec::new();
    for topic in topics {
        actions.push(lounge.send(&mut agent, topic, "together").await);
    }
    lounge.is_struck().await;
    lounge.sim.expire_access(lounge.sim.newest_grant().expect("a grant"));
    for action in &actions {
        let receipt = lounge.receipt(&mut agent, action).await;
        assert_eq!(receipt["state"], json!("confirmed"), "{receipt:#}");
    }
    assert_eq!(lounge.sim.chats_by_agents().len(), actions.len(), "each stands there once");
    let refused = lounge.asked(CHATS).iter().filter(|entry| entry.status == 401).count();
    (refused, lounge.asked(REFRESH).len() - before)
}

#[tokio::test]
async fn row_31_fifty_requests_that_meet_401_together_refresh_once() {
    matrix::row(31, async {
        let mut lounge = Lounge::new(OFTEN, AT_ONCE).await;
        let (refused, refreshes) = meet(&lounge).await;
        assert!(refused >= 25, "only {refused} met it together");
        assert_eq!(refreshes, 1, "one for all of them, the log and the cable");
        let mut agent = lounge.agent().await;
        lounge.is_sound(&mut agent, 0).await;
        lounge.end().await;
    })
    .await;
}

#[tokio::test]
async fn row_31_control_without_a_single_flight_the_platform_counts_more() {
    matrix::row(31, async {
        let mut lounge = Lounge::new(OFTEN, AT_ONCE).await;
        lounge.kill_under(&[("AGENT_BRIDGE_WITHOUT", "single-flight")]).await;
        lounge.is_live().await;
        let (refused, refreshes) = meet(&lounge).await;
        assert!(refreshes > 1, "{refused} met 401 together, and one refresh was enough without the defence");
        lounge.end().await;
    })
    .await;
}
