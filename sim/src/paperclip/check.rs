//! Validation of bodies: every field that is wrong is an issue, and every issue is told at once.

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
    let name = field("agentName");
    let adapter_type = field("adapterType");
    let (capabilities, config) = (field("capabilities"), field("agentDefaultsPayload"));
    let mut issues = Vec::new();
    if !matches!(kind, Some("agent" | "human")) {
        issues.push(("requestType", "Invalid option: expected one of \"human\"|\"agent\""));
    }
    if body.contains_key("agentName") && !name.as_str().is_some_and(|it| (1..=120).contains(&units(it))) {
        issues.push(("agentName", "Expected a string of 1 to 120 characters"));
    }
    if body.contains_key("adapterType") && !adapter_type.as_str().is_some_and(|it| !it.trim().is_empty()) {
        issues.push(("adapterType", "Expected a string that is not empty"));
    }
    if !capabilities.is_null() && !capabilities.as_str().is_some_and(|it| units(it) <= 4000) {
        issues.push(("capabilities", "Expected a string of at most 4000 characters"));
    }
    if !config.is_null() && !config.is_object() {
        issues.push(("agentDefaultsPayload", "Expected an object"));
    }
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

/// A length as JavaScript counts it.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
