//! Validation of bodies: every field that is wrong is an issue, and every issue is told at once.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::invites::{
    Wish,
    answer::{Refusal, refuse},
    asked::Asked,
};

/// Who asks to join.
pub(super) enum Wanted {
    /// An agent; it may have left out its name.
    Agent(Wish),
    /// A person.
    Human,
}

/// The body's object; what is no JSON is refused before any route looks at it.
fn object(asked: &Asked) -> Result<Map<String, Value>, Refusal> {
    asked.object().map_err(|_| refuse(400, "Invalid JSON body", "body.400"))
}

fn invalid(issues: &[(&str, &str)], line: &'static str) -> Refusal {
    let details: Vec<Value> = issues.iter().map(|(path, text)| json!({"path": [path], "message": text})).collect();
    Refusal { beside: Some(("details", json!(details))), ..refuse(400, "Validation error", line) }
}

/// The body of an accept.
pub(super) fn accept(asked: &Asked) -> Result<Wanted, Refusal> {
    let body = object(asked)?;
    let field = |name: &str| body.get(name).cloned().unwrap_or_default();
    let kind = body.get("requestType").and_then(Value::as_str);
    let (name, adapter_type) = (field("agentName"), field("adapterType"));
    let (capabilities, config) = (field("capabilities"), field("agentDefaultsPayload"));
    // A text whose length is in bounds; the first two may be missing, but not null.
    let long =
        |value: &Value, bounds: RangeInclusive<usize>| value.as_str().is_some_and(|it| bounds.contains(&units(it)));
    let checks = [
        (matches!(kind, Some("agent" | "human")), "requestType", "Expected \"human\" or \"agent\""),
        (!body.contains_key("agentName") || long(&name, 1..=120), "agentName", "Expected 1 to 120 characters"),
        (!body.contains_key("adapterType") || filled(&adapter_type), "adapterType", "Expected a string with a word"),
        (capabilities.is_null() || long(&capabilities, 0..=4000), "capabilities", "Expected up to 4000 characters"),
        (config.is_null() || config.is_object(), "agentDefaultsPayload", "Expected an object"),
    ];
    let issues: Vec<_> = checks.into_iter().filter(|it| !it.0).map(|(_, field, text)| (field, text)).collect();
    if !issues.is_empty() {
        return Err(invalid(&issues, "accept.400_validation"));
    }
    if kind == Some("human") {
        return Ok(Wanted::Human);
    }
    let adapter_type = adapter_type.as_str().map(|it| it.trim().to_owned());
    let agent_name = name.as_str().unwrap_or_default().to_owned();
    Ok(Wanted::Agent(Wish { agent_name, adapter_type, capabilities, config }))
}

/// The secret in the body of a claim.
pub(super) fn claim(asked: &Asked) -> Result<String, Refusal> {
    let body = object(asked)?;
    let secret = body.get("claimSecret").and_then(Value::as_str).filter(|it| (16..=256).contains(&units(it)));
    let issue = ("claimSecret", "Expected a string of 16 to 256 characters");
    secret.map(Into::into).ok_or_else(|| invalid(&[issue], "claim.400_validation"))
}

/// A string with more than white space in it.
fn filled(value: &Value) -> bool {
    value.as_str().is_some_and(|it| !it.trim().is_empty())
}

/// A length as JavaScript counts it.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
