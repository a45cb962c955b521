//! What may stand in an action's arguments: pure.

use serde_json::Value;

use super::Refusal;
use crate::action::Request;
use crate::adapter::{Action as Verb, Root, UPLOADS};
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
    for (name, optional) in &known {
        match request.args.get(*name) {
            None | Some(Value::Null) if *optional => {}
            None | Some(Value::Null) => return bad(format!("`{}` needs `{name}`", request.verb)),
            Some(given) => form(verb, name, given)?,
        }
    }
    let takes_files = verb.files.is_some() || verb.uploads.is_some();
    for name in request.args.keys().filter(|name| !known.contains_key(name.as_str())) {
        if name != FILES || !takes_files {
            let known: Vec<_> = known.keys().copied().chain(takes_files.then_some(FILES)).collect();
            return bad(format!("`{}` takes no `{name}`; it takes {}", request.verb, known.join(", ")));
        }
    }
    if request.args.get("text").and_then(Value::as_str) == Some("") {
        return bad("`text` is empty");
    }
    go_together(verb, request)?;
    count_files(verb, request, needs_files)?;
    refuse(verb, request)
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

fn refuse(verb: &Verb, request: &Request) -> Checked {
    let Some(rule) = &verb.refuse else { return Ok(()) };
    let Some(text) = request.args.get(&rule.field).and_then(Value::as_str) else { return Ok(()) };
    if rule.nul && text.contains('\0') {
        return bad(format!("`{}` holds a NUL character, which the platform cannot store", rule.field));
    }
    if rule.blank && text.trim().is_empty() {
        return bad(format!("`{}` is blank: write something", rule.field));
    }
    match rule.bytes {
        Some(most) if text.len() > most => {
            let message = format!("`{}` has {} bytes; the platform takes {most}", rule.field, text.len());
            Err(Refusal::new("too_long", message))
        }
        _ => Ok(()),
    }
}
