//! What the agent was given, against the platform's own log of events.

use std::collections::{BTreeMap, BTreeSet};

use agent_bridge_sim::speakeasy::{StoredEvent, Transport};
use serde_json::{Value, json};

use crate::attacks::peer;
use crate::bridge::{Agent, Home};

/// Deliveries that one ack settles.
const ACKED: usize = 50;

/// What the agent was given of the workspace's log, in the order in which it came.
#[derive(Default)]
pub struct Told {
    events: Vec<(u64, Value)>,
    ids: BTreeSet<u64>,
    open: usize,
}

impl Told {
    /// Whether all of these were given.
    pub fn has_all(&self, owed: &[StoredEvent]) -> bool {
        // Most often the newest are missing.
        owed.iter().rev().all(|event| self.ids.contains(&event.id))
    }

    /// Takes the next delivery; now and then everything so far is acked.
    pub async fn take(&mut self, agent: &mut Agent) {
        let delivery = agent.delivery().await;
        assert_eq!(delivery.attempt, 1, "nothing failed: {:#}", delivery.event);
        let kind = delivery.event["type"].as_str().expect("a type");
        assert!(!kind.contains("gap"), "nothing is lost, and nothing is said to be: {:#}", delivery.event);
        // The bridge's own events have nothing of the platform's in them.
        if let Some(id) = delivery.event["data"]["raw"]["event_id"].as_u64() {
            assert!(self.ids.insert(id), "told twice: {:#}", delivery.event);
            self.events.push((id, delivery.event));
        }
        self.open += 1;
        if self.open >= ACKED {
            self.open = 0;
            let ack = json!({ "jsonrpc": "2.0", "method": "ack", "params": { "up_to": delivery.seq } });
            agent.write_line(&ack.to_string()).await;
        }
    }

    /// L, D, O: each event of the log once and as it is, in its lane's order but for the late ones; how many those are.
    pub fn verify(&self, log: &[StoredEvent]) -> usize {
        let owed: BTreeMap<u64, &StoredEvent> = log.iter().map(|event| (event.id, event)).collect();
        let missing: Vec<_> = owed.keys().filter(|id| !self.ids.contains(id)).collect();
        assert!(missing.is_empty(), "lost: {missing:?}");
        let mut newest = BTreeMap::new();
        let mut late = 0;
        for (id, event) in &self.events {
            let there = owed.get(id).unwrap_or_else(|| panic!("invented: {event:#}"));
            let (topic, data) = (there.body["topic_id"].to_string(), &event["data"]);
            assert_eq!(event["subject"], topic, "swapped: {event:#}");
            let said = &there.body["payload"]["chat"]["plain"];
            assert!(there.event_type == "chat.deleted" || data["message"]["text"] == *said, "altered: {event:#}");
            if data["late"] == true {
                late += 1;
                continue;
            }
            let before = newest.insert(topic, *id).unwrap_or(0);
            assert!(before < *id, "{id} was told after {before}, and is not marked late: {event:#}");
        }
        late
    }

    /// By which way the bridge itself says that each event came first: how many of those that the platform's books give
    /// to the same way, by way.
    pub async fn arrivals(
        &self,
        home: &Home,
        books: &BTreeMap<u64, Transport>,
    ) -> BTreeMap<(Transport, String), usize> {
        let mut counted = BTreeMap::new();
        for (id, event) in &self.events {
            let asked = json!({ "id": event["id"] }).to_string();
            let answer = peer::post(home, "/v1/trace", &asked).await;
            let body = answer.split_once("\r\n\r\n").expect("a body").1;
            let traced: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}"));
            let mut seen = traced["steps"].as_array().expect("steps").iter().filter(|step| step["what"] == "seen");
            let via = seen.next().and_then(|seen| seen["via"].as_str());
            let via = via.unwrap_or_else(|| panic!("not seen: {traced:#}"));
            *counted.entry((books[id], via.to_owned())).or_insert(0) += 1;
        }
        counted
    }
}
