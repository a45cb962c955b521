//! Checks the verbs: what their keys name are arguments, and no two keys contradict each other.

use super::super::act::{Action, FILES, UPLOADS};
use super::super::manifest::Manifest;
use super::super::scope::Root;
use super::{Verdict, at, joining, stands};

pub(super) fn actions(manifest: &Manifest) -> Verdict {
    for (verb, action) in manifest.actions.iter() {
        joining::header(&action.call.header, &["actions", verb])?;
        fields(verb, action)?;
        if action.read_back.is_some() && manifest.receive.history.is_none() {
            return Err(at(&["actions", verb, "read_back"], "reading back needs `receive.history`"));
        }
        uploads(verb, action)?;
        fleeting(verb, action)?;
    }
    Ok(())
}

/// Every argument that a key names is one of the call's.
fn fields(verb: &str, action: &Action) -> Verdict {
    let arguments: Vec<&str> = action.call.arguments(Root::Action).into_keys().collect();
    let named = |name: &str, path: &[&str]| {
        let path = [&["actions", verb], path].concat();
        stands(name, "argument of this action", arguments.iter().copied(), &path)
    };
    let fields = [
        ("split", "field", action.split.as_ref().map(|split| &split.field)),
        ("refuse", "field", action.refuse.as_ref().map(|refuse| &refuse.field)),
        ("read_back", "text", action.read_back.as_ref().map(|read| &read.text)),
    ];
    for (key, inner, field) in fields {
        field.map_or(Ok(()), |field| named(field, &[key, inner]))?;
    }
    let lists = [("together", &action.together), ("one_of", &action.one_of), ("lists", &action.lists)];
    for (key, names) in lists {
        for (index, name) in names.iter().enumerate() {
            named(name, &[key, &index.to_string()])?;
        }
    }
    let takes_files = action.files.is_some() || action.uploads.is_some();
    for (name, _) in action.needs_with.iter().filter(|(name, _)| *name != FILES || !takes_files) {
        named(name, &["needs_with", name])?;
    }
    let in_path = |name: &String| action.call.path.references().any(|it| it.root == Root::Action && it.name == *name);
    match action.lists.iter().find(|name| in_path(name)) {
        Some(name) => Err(at(&["actions", verb, "lists"], format!("`{name}` is part of the path, where no list fits"))),
        None => Ok(()),
    }
}

fn uploads(verb: &str, action: &Action) -> Verdict {
    let named = action.call.arguments(Root::Action).contains_key(UPLOADS);
    let message = match &action.uploads {
        None if named => "`{action.uploads}` names files that nothing uploads: add `uploads`",
        None if action.idempotency.is_some() && action.files.is_some() => {
            "a form is not stored with its key: use `uploads` instead of `files`, or leave `idempotency` out"
        }
        None => return Ok(()),
        Some(_) if !named => "nothing names what is uploaded: put {action.uploads?} into `json`",
        Some(_) if action.files.is_some() => "files go by `files` or by `uploads`: keep one",
        Some(uploads) if uploads.files == 0 => "`uploads.files` is at least 1",
        Some(uploads) => return joining::header(&uploads.create.header, &["actions", verb, "uploads", "create"]),
    };
    Err(at(&["actions", verb], message))
}

/// What is never stored has nothing that needs a row.
fn fleeting(verb: &str, action: &Action) -> Verdict {
    let rows = [
        ("files", action.files.is_some()),
        ("split", action.split.is_some()),
        ("read_back", action.read_back.is_some()),
        ("pace", action.pace.is_some()),
        ("repeatable", action.repeatable),
        ("idempotency", action.idempotency.is_some()),
        ("uploads", action.uploads.is_some()),
    ];
    match rows.iter().find(|(_, set)| action.ephemeral && *set) {
        Some((key, _)) => {
            let message = format!("an ephemeral verb is never stored and never tried again: leave `{key}` out");
            Err(at(&["actions", verb], message))
        }
        None => Ok(()),
    }
}
