//! What may stand in an action's arguments: pure.

use serde_json::Value;

use super::Refusal;
use crate::action::Request;
use crate::adapter::{Action as Verb, Fault, Root, UPLOADS};
use crate::outbox::files::{self, FILES};

/// The longest list of texts in an argument.
const LIST: usize = 1_000;

type Checked = Result<(), Refusal>;

fn bad(message: impl Into<String>) -> Checked {
    Err(Refusal::new("bad_args", message))
}

/// Everything that the verb needs is there, nothing that it does not know, and nothing that the platform would refuse.
pub(super) fn check(verb: &Verb, request: &Request) -> Checked {
    let mut known = verb.call.arguments(Root::Action);
    let needs_files = known.remove(UPLOADS).is_some_and(|optional| !optional);
    let mut faults = Vec::new();
    for (name, optional) in &known {
        match request.args.get(*name) {
            None | Some(Value::Null) if *optional => {}
            None | Some(Value::Null) => faults.push(Fault::bad(format!("`{}` needs `{name}`", request.verb))),
            Some(given) => faults.extend(argument(verb, name, given, request)),
        }
    }
    let takes_files = verb.files.is_some() || verb.uploads.is_some();
    for name in request.args.keys().filter(|name| !known.contains_key(name.as_str())) {
        if name != FILES || !takes_files {
            let known: Vec<_> = known.keys().copied().chain(takes_files.then_some(FILES)).collect();
            let message = format!("`{}` takes no `{name}`; it takes {}", request.verb, known.join(", "));
            faults.push(Fault::bad(message));
        }
    }
    all(&faults)?;
    go_together(verb, request)?;
    count_files(verb, request, needs_files)
}

/// One refusal for all that is wrong.
fn all(faults: &[Fault]) -> Checked {
    let Some(_) = faults.first() else { return Ok(()) };
    let kind = if faults.iter().all(|fault| fault.too_long) { "too_long" } else { "bad_args" };
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    Err(Refusal::new(kind, messages.join("; ")))
}

/// What is wrong with one that is given.
fn argument(verb: &Verb, name: &str, given: &Value, request: &Request) -> Option<Fault> {
    if let Err(refusal) = form(verb, name, given) {
        return Some(Fault::bad(refusal.message));
    }
    let check = verb.check.get(name);
    if name == "text" && given.as_str() == Some("") && check.and_then(|check| check.min) != Some(0) {
        return Some(Fault::bad("`text` is empty"));
    }
    check?.fault(name, given, &request.args)
}

fn form(verb: &Verb, name: &str, given: &Value) -> Checked {
    let is_list = verb.lists.iter().any(|list| list == name);
    match given {
        Value::Array(items) if is_list => match items.len() {
            1..=LIST if items.iter().all(|item| item.as_str().is_some_and(|text| !text.is_empty())) => Ok(()),
            1..=LIST => bad(format!("`{name}` is a list of texts, none of them empty")),
            count => bad(format!("`{name}` lists {count}: give 1 to {LIST}")),
        },
        _ if is_list => bad(format!("`{name}` is a list of texts, as in [\"a\", \"b\"]")),
        Value::Array(_) | Value::Object(_) => bad(format!("`{name}` is a text, a number or a boolean")),
        _ => Ok(()),
    }
}

fn go_together(verb: &Verb, request: &Request) -> Checked {
    let given = |name: &&String| request.args.get(name.as_str()).is_some_and(|value| !value.is_null());
    let count = |names: &[String]| names.iter().filter(given).count();
    let listed = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    if !verb.together.is_empty() && !matches!(count(&verb.together), 0) && count(&verb.together) < verb.together.len() {
        return bad(format!("{} go together: give both, or neither", listed(&verb.together)));
    }
    if !verb.any_of.is_empty() && count(&verb.any_of) == 0 {
        return bad(format!("`{}` needs one of {}", request.verb, verb.any_of.join(", ")));
    }
    match count(&verb.one_of) {
        _ if verb.one_of.is_empty() => Ok(()),
        1 => Ok(()),
        0 => bad(format!("`{}` needs one of {}", request.verb, listed(&verb.one_of))),
        _ => bad(format!("{} say the same thing twice: give one of them", listed(&verb.one_of))),
    }
}

fn count_files(verb: &Verb, request: &Request, needed: bool) -> Checked {
    let files = files::named(&request.args)?;
    if needed && files.is_empty() {
        return bad(format!("`{}` needs `{FILES}`", request.verb));
    }
    if verb.files.is_some() && files.len() > 1 {
        return bad("one file goes with a message there: send the others in messages of their own");
    }
    match &verb.uploads {
        Some(uploads) if files.len() > uploads.files => {
            let most = uploads.files;
            bad(format!("{} files: {most} go with one `{}`, send the others with another", files.len(), request.verb))
        }
        _ => Ok(()),
    }
}
