//! How what is stored looks from outside: receipts, workspaces, consumers, dead letters. Pure.

use serde_json::{Map, Value, json};

use crate::clock::rfc3339;
use crate::consumer::Consumer;
use crate::deliver::Status;
use crate::ingress::{CALLBACK_URL, told_base};
use crate::join::{self, ONBOARDING, Pending};
use crate::session::REVOKED_AT;
use crate::store::{DeadLetter, Failure, WorkspaceRecord};

fn as_object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// A joined workspace, and how its lines stand where it runs.
pub fn workspace(record: &WorkspaceRecord, live: Option<Value>) -> Value {
    let mut view = serde_json::to_value(&record.seat).ok().and_then(as_object).unwrap_or_default();
    view.insert("name".into(), record.name.as_str().into());
    view.insert("platform".into(), record.platform.clone().into());
    view.insert("settings".into(), json!(record.settings));
    view.insert("session".into(), record.session.clone().into());
    if record.joined_at > 0 {
        view.insert("joined_at".into(), rfc3339(record.joined_at).into());
    }
    if let Some(callback) = record.facts.get(CALLBACK_URL).and_then(Value::as_str) {
        view.insert("delivers_to".into(), told_base(callback).into());
    }
    if let Some(at) = record.facts.get(REVOKED_AT).and_then(Value::as_u64) {
        view.insert("revoked_at".into(), rfc3339(at).into());
    }
    if let Some(text) = record.facts.get(ONBOARDING) {
        view.insert("onboarding".into(), text.clone());
    }
    view.insert("running".into(), live.is_some().into());
    match join::pending(record) {
        Some(Pending::Waits(waits)) => drop(view.insert("waits".into(), json!(waits))),
        Some(Pending::Approved) => drop(view.insert("approved".into(), true.into())),
        None => {}
    }
    if let Some(live) = live.and_then(as_object) {
        // What is seen now counts more than what was stored.
        view.extend(live);
    }
    Value::Object(view)
}

/// A consumer's settings, and how it stands where it runs.
pub fn consumer(consumer: &Consumer, status: Option<&Status>) -> Value {
    let mut view = serde_json::to_value(consumer).ok().and_then(as_object).unwrap_or_default();
    view.remove("ack_wait_ms");
    view.insert("ack_wait".into(), crate::config::Span::millis(consumer.ack_wait_ms).to_string().into());
    view.insert("from".into(), crate::config::consumer::Start(consumer.from.clone()).to_string().into());
    if let Some(status) = status {
        view.insert("status".into(), json!(status));
    }
    Value::Object(view)
}

/// A dead letter; its event as JSON.
pub fn letter(seq: u64, letter: &DeadLetter) -> Value {
    let event = serde_json::from_str(&letter.event).unwrap_or(Value::Null);
    let failure = |failure: &Failure| json!({ "offered_at": failure.offered_at.map(rfc3339), "at": rfc3339(failure.at), "why": failure.why });
    json!({
        "seq": seq, "at": rfc3339(letter.at), "reason": letter.reason, "attempts": letter.attempts,
        "failures": letter.failures.iter().map(failure).collect::<Vec<_>>(), "event": event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_shows_durations_as_people_write_them() {
        let view = consumer(&Consumer { name: "main".into(), ..Consumer::default() }, None);
        assert_eq!((&view["ack_wait"], &view["from"]), (&json!("5m"), &json!("now")));
    }
}
