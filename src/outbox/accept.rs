//! Checks a wish against the platform's manifest before anything is stored: pure.

mod args;

use serde_json::{Map, Value};

use super::edits;
use crate::action::{Action, Request};
use crate::adapter::{Action as Verb, Manifest, Root};
use crate::session::{Document, repair_command};
use crate::store::{Seat, WorkspaceRecord};

/// Why an action is not even accepted. `kind` is a stable word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// `no_such_workspace`, `unknown_verb`, `bad_args`, `no_conversation`, `no_capability`, `lacks`, `not_stored`, `too_long`,
    /// `revoked`.
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
        let again = repair_command(manifest, record);
        let word = format!("`{}` was taken away ({reason}); to ask for it again, run: {again}", record.name);
        return Err(Refusal::new("revoked", word));
    }
    let verb = verb(manifest, &request.verb)?;
    if verb.ephemeral {
        return Err(never_stored(&request.verb, answers));
    }
    prepare(manifest, record, verb, &mut request)?;
    Ok(Action::accept(record.name.clone(), request, answers, now))
}

/// Fills in what may be left out, and checks the rest: for what is stored, and for what is sent at once.
pub fn prepare(
    manifest: &Manifest,
    record: &WorkspaceRecord,
    verb: &Verb,
    request: &mut Request,
) -> Result<(), Refusal> {
    seated(manifest, record, verb, request)?;
    capable(manifest, record, verb, request)?;
    fill(verb, record, &mut request.args)?;
    as_texts(&mut request.args);
    if verb.live {
        return edits::edit(&request.verb, &request.args).map(drop);
    }
    args::check(verb, request)
}

/// The workspace was joined with what the verb is done by.
fn seated(manifest: &Manifest, record: &WorkspaceRecord, verb: &Verb, request: &Request) -> Result<(), Refusal> {
    if verb.call.reaches(manifest, &record.session) {
        return Ok(());
    }
    let message = format!(
        "`{}` needs the {} of `{}`, which was joined without it: run the join again and give it",
        request.verb,
        verb.call.under.as_deref().unwrap_or("session"),
        record.name
    );
    Err(Refusal::new("lacks", message))
}

/// The grant has what the verb needs, and what the arguments need that are given.
fn capable(manifest: &Manifest, record: &WorkspaceRecord, verb: &Verb, request: &Request) -> Result<(), Refusal> {
    let lacks = |needed: &str| !manifest.grants(&record.facts, Some(needed));
    let refuse = |what: String, capability: &str| {
        let message = format!(
            "`{}` may not {what}: its grant lacks `{capability}`. Ask whoever let the agent in to allow it, and start the \
             bridge again",
            record.name
        );
        Err(Refusal::new("no_capability", message))
    };
    if let Some(capability) = verb.needs.as_deref().filter(|needed| lacks(needed)) {
        return refuse(format!("`{}`", request.verb), capability);
    }
    for (name, needed) in verb.needs_with.iter() {
        let given = request.args.get(name).is_some_and(|given| !given.is_null());
        if let Some(capability) = needed.all().iter().find(|needed| given && lacks(needed)) {
            return refuse(format!("`{}` with `{name}`", request.verb), capability);
        }
    }
    Ok(())
}

fn never_stored(verb: &str, answers: Option<u64>) -> Refusal {
    let message = match answers {
        Some(_) => format!("`{verb}` is never stored, so it cannot ride on an ack: send it by `act`"),
        None => format!("`{verb}` is never stored: it is sent at once, by `act`"),
    };
    Refusal::new("not_stored", message)
}

/// The verb of this name.
pub fn verb<'a>(manifest: &'a Manifest, name: &str) -> Result<&'a Verb, Refusal> {
    manifest.actions.get(name).ok_or_else(|| {
        let verbs: Vec<_> = manifest.actions.names().collect();
        let title = &manifest.title;
        if verbs.is_empty() && !manifest.has_line() {
            let word = format!(
                "{title} has no work channel: an agent is registered there, and can neither hear nor do anything"
            );
            return Refusal::new("unknown_verb", word);
        }
        Refusal::new("unknown_verb", format!("{title} has no `{name}`; it has {}", verbs.join(", ")))
    })
}

/// Without a conversation, the one that the manifest says, else the workspace's main direct one, or its only document.
fn fill(verb: &Verb, record: &WorkspaceRecord, args: &mut Map<String, Value>) -> Result<(), Refusal> {
    let wanted = verb.call.arguments(Root::Action).contains_key("conversation");
    if !wanted || args.get("conversation").is_some_and(|given| !given.is_null()) {
        return Ok(());
    }
    let main = record.facts.get(verb.main.as_deref().unwrap_or(DIRECT)).filter(|main| !main.is_null());
    let meant = match (main, &Document::all(record)[..]) {
        (Some(main), _) => main.clone(),
        (None, [only]) => only.id.clone().into(),
        (None, several) => return Err(unnamed(verb, record, several.len())),
    };
    args.insert("conversation".to_owned(), meant);
    Ok(())
}

fn unnamed(verb: &Verb, record: &WorkspaceRecord, documents: usize) -> Refusal {
    let name = &record.name;
    let what = if verb.main.is_some() { "no main conversation yet" } else { "no main direct conversation" };
    let message = match documents {
        0 => format!("`{name}` has {what}: name one, as `agent-bridge tail` shows them"),
        _ => format!("`{name}` has {documents} documents: name one, as `agent-bridge document list {name}` shows them"),
    };
    Refusal::new("no_conversation", message)
}

/// These are texts on every platform: a number would be another lane, and another message when it is read back.
fn as_texts(args: &mut Map<String, Value>) {
    for name in ["conversation", "text"] {
        if let Some(given @ Value::Number(_)) = args.get_mut(name) {
            *given = given.to_string().into();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adapter::Manifests;
    use crate::event::WorkspaceName;
    use crate::session::DOCUMENTS;

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
    fn without_a_conversation_it_goes_to_the_only_document() {
        let manifest = Manifests::load(None).unwrap().get("agentworkspace").unwrap();
        let suggests = |documents: &Value| {
            let facts = [(DOCUMENTS.to_owned(), documents.clone())].into();
            let record = WorkspaceRecord { session: "share".into(), facts, ..record() };
            let args = json!({ "search": "a", "text": "b" }).as_object().cloned().unwrap();
            accept(&manifest, &record, Request { workspace: None, verb: "suggest".into(), args, key: None }, None, 1)
        };
        assert_eq!(suggests(&json!({ "d1": {} })).unwrap().conversation(), "d1");
        let several = suggests(&json!({ "d1": {}, "d2": {} })).unwrap_err().message;
        assert_eq!(several, "`acme` has 2 documents: name one, as `agent-bridge document list acme` shows them");
        assert!(suggests(&json!({})).unwrap_err().message.contains("no main direct conversation"));
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
