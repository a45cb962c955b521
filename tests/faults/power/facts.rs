//! What a store holds, fact by fact: as the model says it, and as it is read back from a store.

use std::collections::{BTreeMap, BTreeSet};

use agent_bridge::store::{Store, StoreError};
use secrecy::ExposeSecret;

use super::story::{CONSUMERS, WORKSPACES, record, workspace};
use super::truth::Truth;

/// Named facts: what two stores differ in can be named.
pub type Facts = BTreeMap<String, String>;

impl Truth {
    /// Fact by fact.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::from([("head".into(), self.head.to_string())]);
        facts.insert("ids remembered".into(), self.ids.len().to_string());
        for (seq, event) in &self.feed {
            facts.insert(format!("event {seq}"), shown(event));
        }
        for (id, (_, seq)) in &self.ids {
            facts.insert(format!("id {id}"), seq.to_string());
        }
        for (workspace, value) in &self.cursors {
            facts.insert(format!("cursor of {workspace}"), value.clone());
        }
        for ((workspace, room), anchor) in &self.anchors {
            facts.insert(format!("anchor of {workspace}/{room}"), format!("{anchor:?}"));
        }
        for ((owner, field), secret) in &self.secrets {
            facts.insert(format!("secret {field} of {owner}"), secret.clone());
        }
        for (name, progress) in &self.consumers {
            facts.insert(format!("progress of {name}"), format!("{progress:?}"));
        }
        for ((name, seq), actions) in &self.acked {
            facts.insert(format!("first ack of {seq} by {name}"), format!("{actions:?}"));
        }
        for ((name, seq), letter) in &self.dead {
            facts.insert(format!("dead letter {seq} of {name}"), format!("{letter:?}"));
        }
        for action in self.actions.values() {
            facts.insert(format!("action {}", action.id), format!("{action:?}"));
            if !action.state.settled() {
                facts.insert(format!("in the outbox {}", action.id), action.workspace.to_string());
            }
        }
        for name in &self.joined {
            facts.insert(format!("workspace {name}"), format!("{:?}", record(name)));
        }
        for name in &self.removed {
            facts.insert(format!("tombstone of {name}"), "there".into());
        }
        facts
    }
}

/// The facts of a store; `ids` are all that were ever told to it.
pub fn facts_of(store: &Store, ids: &BTreeSet<String>) -> Result<Facts, StoreError> {
    let mut facts = Facts::from([("head".into(), store.head().borrow().to_string())]);
    facts.insert("ids remembered".into(), store.snapshot()?.ids.to_string());
    for event in store.read(0, usize::MAX, usize::MAX)? {
        facts.insert(format!("event {}", event.seq), shown(&event.bytes));
    }
    for id in ids {
        if let Some(seq) = store.find(id)? {
            facts.insert(format!("id {id}"), seq.to_string());
        }
    }
    for name in WORKSPACES {
        facts_of_workspace(store, name, &mut facts)?;
    }
    for consumer in store.consumers()? {
        let name = consumer.name;
        facts.insert(format!("progress of {name}"), format!("{:?}", store.progress(&name)?));
    }
    for name in CONSUMERS {
        for seq in 0..=*store.head().borrow() {
            if let Some(actions) = store.acked(name, seq)? {
                facts.insert(format!("first ack of {seq} by {name}"), format!("{actions:?}"));
            }
        }
        for (seq, letter) in store.dead(name, usize::MAX)? {
            facts.insert(format!("dead letter {seq} of {name}"), format!("{letter:?}"));
        }
        secrets(store, &format!("consumer:{name}"), &mut facts)?;
    }
    Ok(facts)
}

fn facts_of_workspace(store: &Store, name: &str, facts: &mut Facts) -> Result<(), StoreError> {
    let workspace = workspace(name);
    if let Some(value) = store.cursor(&workspace, "sse")? {
        facts.insert(format!("cursor of {name}"), value);
    }
    for (room, anchor) in store.anchors(&workspace)? {
        facts.insert(format!("anchor of {name}/{room}"), format!("{anchor:?}"));
    }
    secrets(store, name, facts)?;
    for action in store.recent_actions(&workspace, usize::MAX)? {
        facts.insert(format!("action {}", action.id), format!("{action:?}"));
    }
    for action in store.outbox(&workspace)? {
        facts.insert(format!("in the outbox {}", action.id), action.workspace.to_string());
    }
    if let Some(record) = store.workspace(&workspace)? {
        facts.insert(format!("workspace {name}"), format!("{record:?}"));
    }
    if store.tombstone(&workspace)?.is_some() {
        facts.insert(format!("tombstone of {name}"), "there".into());
    }
    Ok(())
}

fn secrets(store: &Store, owner: &str, facts: &mut Facts) -> Result<(), StoreError> {
    for (field, secret) in store.secrets(owner)? {
        facts.insert(format!("secret {field} of {owner}"), secret.expose_secret().to_owned());
    }
    Ok(())
}

/// The first fact in which what was found is not what was expected.
pub fn difference(expected: &Facts, found: &Facts) -> Option<String> {
    for (name, value) in expected {
        match found.get(name) {
            None => return Some(format!("lost: {name} ({value})")),
            Some(other) if other != value => return Some(format!("altered: {name} is {other}, was {value}")),
            Some(_) => {}
        }
    }
    let stranger = found.iter().find(|(name, _)| !expected.contains_key(*name));
    stranger.map(|(name, value)| format!("nobody wrote: {name} ({value})"))
}

/// The id at the front of an event.
pub fn id_of(event: &[u8]) -> String {
    let event: serde_json::Value = serde_json::from_slice(event).expect("an event is JSON");
    event["id"].as_str().expect("an event has an id").to_owned()
}

fn shown(event: &[u8]) -> String {
    String::from_utf8(event.to_vec()).expect("an event is UTF-8")
}
