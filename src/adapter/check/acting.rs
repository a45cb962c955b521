//! Checks the verbs: what their keys name are arguments, and no two keys contradict each other.

use super::super::act::{Action, FILES, ReadBack, UPLOADS, Word};
use super::super::manifest::Manifest;
use super::super::scope::Root;
use super::{Verdict, at, joining, references, stands};

pub(super) fn actions(manifest: &Manifest) -> Verdict {
    for (verb, action) in manifest.actions.iter() {
        joining::header(&action.call.header, &["actions", verb])?;
        fields(verb, action, manifest)?;
        standing(verb, action, manifest)?;
        read_back(verb, action, manifest)?;
        uploads(verb, action)?;
        places(verb, action)?;
        fleeting(verb, action)?;
        place(verb, action, manifest)?;
        live(verb, action, manifest)?;
    }
    Ok(())
}

/// Every argument that a key names is one of the call's.
fn fields(verb: &str, action: &Action, manifest: &Manifest) -> Verdict {
    let arguments: Vec<&str> = action.call.arguments(Root::Action).into_keys().collect();
    let named = |name: &str, path: &[&str]| {
        let path = [&["actions", verb], path].concat();
        stands(name, "argument of this action", arguments.iter().copied(), &path)
    };
    let rewrites = action.rewrites.as_ref();
    let fields = [
        ("split", "field", action.split.as_ref().map(|split| &split.field)),
        ("rewrites", "document", rewrites.map(|rewrites| &rewrites.document)),
        ("rewrites", "text", rewrites.map(|rewrites| &rewrites.text)),
    ];
    for (key, inner, field) in fields {
        field.map_or(Ok(()), |field| named(field, &[key, inner]))?;
    }
    for (name, by) in action.check.iter().filter_map(|(name, check)| Some((name, check.is_by.as_ref()?))) {
        match &by.word {
            Word::Argument(from) => named(from, &["check", name, "is_by", "from"])?,
            Word::Thing { ask, .. } => {
                let path = ["actions", verb, "check", name, "is_by", "ask"];
                stands(ask, "question", manifest.asks.names(), &path)?;
            }
        }
    }
    action.check.names().try_for_each(|name| named(name, &["check", name]))?;
    for (kind, call) in &action.held {
        let kind = format!("{kind:?}").to_lowercase();
        joining::header(&call.header, &["actions", verb, "held", &kind])?;
        call.arguments(Root::Action).into_keys().try_for_each(|name| named(name, &["held", &kind]))?;
    }
    let lists = [
        ("together", &action.together),
        ("one_of", &action.one_of),
        ("any_of", &action.any_of),
        ("lists", &action.lists),
    ];
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

/// A thing that has to stand there is asked about with all that its question needs, and with what the action has.
fn standing(verb: &str, action: &Action, manifest: &Manifest) -> Verdict {
    let arguments = action.call.arguments(Root::Action);
    for (name, rule) in action.check.iter().filter_map(|(name, check)| Some((name, check.stands.as_ref()?))) {
        let path = |key: &'static str| ["actions", verb, "check", name, "stands", key];
        stands(&rule.ask, "question", manifest.asks.names(), &path("ask"))?;
        let asked = manifest.asks.get(&rule.ask).map(|question| question.call.arguments(Root::Ask)).unwrap_or_default();
        for (argument, of) in rule.r#as.iter() {
            stands(argument, "argument of this question", asked.keys().copied(), &path("as"))?;
            stands(of, "argument of this action", arguments.keys().copied(), &path("as"))?;
        }
        if let Some((missing, _)) = asked.iter().find(|(argument, optional)| !**optional && !rule.r#as.has(argument)) {
            return Err(at(&path("as"), format!("the question needs `{missing}`: say which argument that is")));
        }
    }
    Ok(())
}

/// What is read after a lost reply is there to be read, and what it is known by is something that the agent gives.
fn read_back(verb: &str, action: &Action, manifest: &Manifest) -> Verdict {
    let Some(read) = &action.read_back else { return Ok(()) };
    let path = |more: &[&'static str]| [&["actions", verb, "read_back"], more].concat();
    let arguments = action.call.arguments(Root::Action);
    let named = |name: &str, more: &[&'static str]| {
        stands(name, "argument of this action", arguments.keys().copied(), &path(more))
    };
    let listed = |name: &str, more: &[&'static str]| stands(name, "question", manifest.asks.names(), &path(more));
    match read {
        ReadBack::History(_) if manifest.receive.history.is_none() => {
            Err(at(&path(&[]), "reading back by `text` needs `receive.history`"))
        }
        ReadBack::History(text) => named(text, &["text"]),
        ReadBack::Message(messages, among) => {
            listed(&messages.list, &["messages", "list"])?;
            let Some(among) = among else { return named("conversation", &["messages"]) };
            listed(&among.list, &["among", "list"])?;
            named(&among.person, &["among", "person"])
        }
        ReadBack::Record(record) => {
            listed(&record.list, &["list"])?;
            record.same.names().try_for_each(|name| named(name, &["same"]))?;
            let Some(inside) = &record.inside else { return Ok(()) };
            listed(&inside.list, &["inside", "list"])?;
            inside.same.names().try_for_each(|name| named(name, &["inside", "same"]))
        }
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

/// What is translated goes in the body alone, and is asked for with what the action has.
fn places(verb: &str, action: &Action) -> Verdict {
    let arguments = action.call.arguments(Root::Action);
    let in_path = |name: &str| action.call.path.references().any(|it| it.root == Root::Action && it.name == name);
    for (name, rule) in action.places.iter() {
        let path = ["actions", verb, "places", name];
        stands(name, "argument of this action", arguments.keys().copied(), &path)?;
        if in_path(name) {
            return Err(at(&path, format!("`{name}` is part of the path, which names the message itself")));
        }
        for asked in rule.call.arguments(Root::Action).into_keys() {
            stands(asked, "argument of this action", arguments.keys().copied(), &path)?;
        }
        joining::header(&rule.call.header, &path)?;
    }
    Ok(())
}

/// A question that is another request in some conversations is asked with the same arguments.
pub(super) fn asks(manifest: &Manifest) -> Verdict {
    for (name, question) in manifest.asks.iter() {
        let arguments = question.call.arguments(Root::Ask);
        for (kind, call) in &question.held {
            let kind = format!("{kind:?}").to_lowercase();
            let path = ["asks", name, "held", &kind];
            joining::header(&call.header, &path)?;
            let mut asked = call.arguments(Root::Ask).into_keys();
            asked.try_for_each(|it| stands(it, "argument of this question", arguments.keys().copied(), &path))?;
        }
    }
    Ok(())
}

/// How a conversation is held is told by the lists of rooms; and where an action goes is a fact.
fn place(verb: &str, action: &Action, manifest: &Manifest) -> Verdict {
    if !action.held.is_empty() && (action.ephemeral || manifest.receive.history.is_none()) {
        let message =
            "how a conversation is held is known by `receive.history.rooms`, of what is stored: not `ephemeral`";
        return Err(at(&["actions", verb, "held"], message));
    }
    let facts = references::facts(manifest);
    action
        .main
        .as_ref()
        .map_or(Ok(()), |main| stands(main, "fact that joining teaches", facts.into_iter(), &["actions", verb, "main"]))
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
        ("places", action.places.iter().next().is_some()),
    ];
    match rows.iter().find(|(_, set)| action.ephemeral && *set) {
        Some((key, _)) => {
            let message = format!("an ephemeral verb is never stored and never tried again: leave `{key}` out");
            Err(at(&["actions", verb], message))
        }
        None => Ok(()),
    }
}

/// What edits a live document needs to know how one is opened, and keeps what it made by a way of its own.
fn live(verb: &str, action: &Action, manifest: &Manifest) -> Verdict {
    let opened = manifest.documents.as_ref().is_some_and(|documents| documents.live.is_some());
    if action.rewrites.is_some() && !opened {
        let message =
            "what is rewritten beside live editing is a live document: say under `documents.live` how one is opened";
        return Err(at(&["actions", verb, "rewrites"], message));
    }
    let message = match action {
        Action { live: false, .. } => return Ok(()),
        _ if !opened => "an edit needs a live document: say under `documents.live` how one is opened",
        Action { idempotency: Some(_), .. } | Action { ephemeral: true, .. } | Action { read_back: Some(_), .. } => {
            "an edit is kept until the document's server has it: leave `idempotency`, `ephemeral` and `read_back` out"
        }
        _ => return Ok(()),
    };
    Err(at(&["actions", verb, "live"], message))
}

/// What is changed in another way names the verb that does it, and who edits at all says how.
pub(super) fn documents(manifest: &Manifest) -> Verdict {
    let Some(documents) = &manifest.documents else { return Ok(()) };
    if documents.own.is_some() && documents.live.is_none() {
        return Err(at(&["documents", "own"], "its name and its types stand under `documents.live`: add that"));
    }
    let live = documents.live.iter().filter_map(|live| Some(("live", live.instead.as_deref()?)));
    let own = documents.own.iter().filter_map(|own| Some(("own", own.instead.as_deref()?)));
    live.chain(own)
        .try_for_each(|(place, verb)| stands(verb, "verb", manifest.actions.names(), &["documents", place, "instead"]))
}
