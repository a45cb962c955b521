//! What the agent was given, against the platform's own log of events.

use std::collections::{BTreeMap, BTreeSet};

use agent_bridge_sim::speakeasy::{StoredEvent, Transport};
use serde_json::{Value, json};

use crate::attacks::peer;
use crate::bridge::{Agent, Home};

/// By which way each event was to be had first, as the platform knows it.
pub type Books = BTreeMap<u64, Transport>;

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

    /// Of the events that the platform's books give to a way: how many the bridge itself says it has seen by this line,
    /// and how many by this line first.
    pub async fn seen_by(&self, line: &str, of: Transport, home: &Home, books: &Books) -> (usize, usize) {
        let (mut seen, mut first) = (0, 0);
        for (_, event) in self.events.iter().filter(|(id, _)| books.get(id) == Some(&of)) {
            let asked = json!({ "id": event["id"] }).to_string();
            let answer = peer::post(home, "/v1/trace", &asked).await;
            let body = answer.split_once("\r\n\r\n").expect("a body").1;
            let traced: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}"));
            let step = traced["steps"].as_array().expect("steps").iter().find(|step| step["what"] == "seen");
            let step = step.unwrap_or_else(|| panic!("not seen: {traced:#}"));
            first += usize::from(step["via"] == line);
            seen += usize::from(step["via"] == line || step["also"].to_string().contains(line));
        }
        (seen, first)
    }
}
