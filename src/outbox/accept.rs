//! Checks a wish against the platform's manifest before anything is stored: pure.

use serde_json::{Map, Value};

use crate::action::{Action, Request};
use crate::adapter::{Action as Verb, Manifest, Root};
use crate::store::{Seat, WorkspaceRecord};

use super::files::{self, FILES};

/// Why an action is not even accepted. `kind` is a stable word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// `no_such_workspace`, `unknown_verb`, `bad_args`, `no_conversation`, `too_long`, `revoked`.
    pub kind: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Refusal {
    /// A refusal of this kind.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// The fact that holds the workspace's main direct conversation.
const DIRECT: &str = "direct";

/// The action that a request becomes, or why it does not. `answers` is the event it rides on; `now` in milliseconds.
pub fn accept(
    manifest: &Manifest,
    record: &WorkspaceRecord,
    mut request: Request,
    answers: Option<u64>,
    now: u64,
) -> Result<Action, Refusal> {
    if let Seat::Revoked { reason } = &record.seat {
        return Err(Refusal::new("revoked", format!("`{}` was taken away by the platform: {reason}", record.name)));
    }
    let verb = manifest.actions.get(&request.verb).ok_or_else(|| unknown(manifest, &request.verb))?;
    fill(verb, record, &mut request.args)?;
    as_texts(&mut request.args);
    check(verb, &request)?;
    Ok(Action::accept(record.name.clone(), request, answers, now))
}

fn unknown(manifest: &Manifest, verb: &str) -> Refusal {
    let verbs: Vec<_> = manifest.actions.names().collect();
    Refusal::new("unknown_verb", format!("{} has no `{verb}`; it has {}", manifest.title, verbs.join(", ")))
}

/// Without a conversation, the workspace's main direct one.
fn fill(verb: &Verb, record: &WorkspaceRecord, args: &mut Map<String, Value>) -> Result<(), Refusal> {
    let wanted = verb.call.arguments(Root::Action).contains_key("conversation");
    if !wanted || args.get("conversation").is_some_and(|given| !given.is_null()) {
        return Ok(());
    }
    let direct = record.facts.get(DIRECT).cloned();
    let direct = direct.ok_or_else(|| {
        Refusal::new("no_conversation", format!("`{}` has no main direct conversation: name one", record.name))
    })?;
    args.insert("conversation".to_owned(), direct);
    Ok(())
}

/// These are texts on every platform: a number would be another lane, and another message when it is read back.
fn as_texts(args: &mut Map<String, Value>) {
    for name in ["conversation", "text"] {
        if let Some(given @ Value::Number(_)) = args.get_mut(name) {
            *given = given.to_string().into();
        }
    }
}

fn check(verb: &Verb, request: &Request) -> Result<(), Refusal> {
    let bad = |message: String| Err(Refusal::new("bad_args", message));
    let known = verb.call.arguments(Root::Action);
    for (name, optional) in &known {
        match request.args.get(*name) {
            None | Some(Value::Null) if *optional => {}
            None | Some(Value::Null) => return bad(format!("`{}` needs `{name}`", request.verb)),
            Some(Value::Array(_) | Value::Object(_)) => {
                return bad(format!("`{name}` is a text, a number or a boolean"));
            }
            Some(_) => {}
        }
    }
    for name in request.args.keys().filter(|name| !known.contains_key(name.as_str())) {
        if name != FILES || verb.files.is_none() {
            let known: Vec<_> = known.keys().copied().collect();
            return bad(format!("`{}` takes no `{name}`; it takes {}", request.verb, known.join(", ")));
        }
    }
    let files = files::named(&request.args)?;
    if request.args.get("text").and_then(Value::as_str) == Some("") {
        return bad("`text` is empty".to_owned());
    }
    if verb.files.is_some() && files.len() > 1 {
        return bad("one file goes with a message there: send the others in messages of their own".to_owned());
    }
    refuse(verb, request)
}

fn refuse(verb: &Verb, request: &Request) -> Result<(), Refusal> {
    let Some(rule) = &verb.refuse else { return Ok(()) };
    let Some(text) = request.args.get(&rule.field).and_then(Value::as_str) else { return Ok(()) };
    if rule.nul && text.contains('\0') {
        return Err(Refusal::new(
            "bad_args",
            format!("`{}` holds a NUL character, which the platform cannot store", rule.field),
        ));
    }
    match rule.bytes {
        Some(most) if text.len() > most => {
            let message = format!("`{}` has {} bytes; the platform takes {most}", rule.field, text.len());
            Err(Refusal::new("too_long", message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adapter::Manifests;
    use crate::event::WorkspaceName;

    fn record() -> WorkspaceRecord {
        WorkspaceRecord {
            name: WorkspaceName::new("acme").unwrap(),
            platform: "agentunited".into(),
            settings: [].into(),
            facts: [("direct".to_owned(), json!("dm1"))].into(),
            session: "member".into(),
            seat: Seat::SignedIn,
            joined_at: 0,
        }
    }

    fn try_it(verb: &str, args: &Value) -> Result<Action, Refusal> {
        let manifest = Manifests::load(None).unwrap().get("agentunited").unwrap();
        let args = args.as_object().cloned().unwrap();
        accept(&manifest, &record(), Request { workspace: None, verb: verb.into(), args, key: None }, None, 1)
    }

    fn kind(verb: &str, args: &Value) -> &'static str {
        try_it(verb, args).unwrap_err().kind
    }

    #[test]
    fn without_a_conversation_it_goes_to_the_main_direct_one() {
        assert_eq!(try_it("send", &json!({ "text": "hi" })).unwrap().conversation(), "dm1");
        assert_eq!(try_it("send", &json!({ "text": "hi", "conversation": "c" })).unwrap().conversation(), "c");
    }

    #[test]
    fn what_the_platform_would_refuse_is_refused_before_it_is_stored() {
        assert_eq!(kind("sing", &json!({})), "unknown_verb");
        assert_eq!(kind("send", &json!({})), "bad_args");
        assert_eq!(kind("send", &json!({ "text": "a\u{0}b" })), "bad_args");
        assert_eq!(kind("send", &json!({ "text": "" })), "bad_args");
        assert_eq!(kind("send", &json!({ "text": ["a"] })), "bad_args");
        assert_eq!(kind("send", &json!({ "text": "a", "colour": "red" })), "bad_args");
        assert_eq!(kind("send", &json!({ "text": "a", "files": [{ "path": "relative" }] })), "bad_args");
        assert_eq!(kind("edit", &json!({ "message": "m", "text": "x".repeat(10_001) })), "too_long");
        assert!(try_it("send", &json!({ "text": "x".repeat(10_001) })).is_ok(), "a long text is split instead");
    }

    #[test]
    fn a_seat_that_is_gone_takes_no_action() {
        let manifest = Manifests::load(None).unwrap().get("agentunited").unwrap();
        let record = WorkspaceRecord { seat: Seat::Revoked { reason: "removed".into() }, ..record() };
        let request = Request { workspace: None, verb: "send".into(), args: Map::new(), key: None };
        assert_eq!(accept(&manifest, &record, request, None, 1).unwrap_err().kind, "revoked");
    }
}
