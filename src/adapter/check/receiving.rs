//! Checks how events arrive: the line, what stands beside it, and what each event is.

use super::super::events::EventSpec;
use super::super::inbox::Inbox;
use super::super::manifest::{Manifest, Registered};
use super::super::rooms::Source;
use super::super::scope::Root;
use super::{Verdict, at, joining, references, stands};
use crate::event::Type;

pub(super) fn receive(manifest: &Manifest) -> Verdict {
    for (name, spec) in manifest.events.iter() {
        event(name, spec, manifest)?;
    }
    for (name, event) in manifest.receive.names.iter() {
        if let Some(event) = event {
            stands(event, "event", manifest.events.names(), &["receive", "names", name])?;
        }
    }
    registered(manifest)?;
    joining::header(&manifest.receive.call.header, &["receive"])?;
    log(manifest)?;
    if let Some(members) = manifest.receive.log.as_ref().and_then(|log| log.members.as_ref()) {
        joining::header(&members.call.header, &["receive", "members"])?;
    }
    if let Some(inbox) = &manifest.receive.inbox {
        stands(&inbox.event, "event", manifest.events.names(), &["receive", "event"])?;
        marks(inbox, manifest)?;
        shows(inbox, manifest)?;
    }
    also(manifest)?;
    history(manifest)
}

/// Facts that a line goes by come from joining, or from what actions make.
fn history(manifest: &Manifest) -> Verdict {
    let kept = manifest.actions.iter().filter_map(|(_, action)| action.keep.as_deref());
    let known: Vec<&str> = references::facts(manifest).into_iter().chain(kept).collect();
    let known = || known.iter().copied();
    if let Some(fact) = &manifest.receive.ready {
        stands(fact, "fact that joining teaches", known(), &["receive", "ready"])?;
    }
    let Some(history) = &manifest.receive.history else { return Ok(()) };
    for (index, rooms) in history.rooms.iter().enumerate() {
        let index = index.to_string();
        let path = ["receive", "history", "rooms", &index];
        joining::header(&history.page(rooms).header, &path)?;
        if let Some(main) = &rooms.main {
            stands(main, "fact that joining teaches", known(), &[&path[..], &["main"]].concat())?;
        }
        if let Source::Kept(facts) = &rooms.from {
            for fact in facts {
                stands(
                    fact,
                    "fact that joining teaches or an action keeps",
                    known(),
                    &[&path[..], &["kept"]].concat(),
                )?;
            }
        }
    }
    stands(&history.event, "event", manifest.events.names(), &["receive", "history", "event"])
}

/// That a platform has no work channel is said, and not merely left out.
fn registered(manifest: &Manifest) -> Verdict {
    match (&manifest.registered, manifest.has_line()) {
        (None, false) => Err(at(
            &["receive"],
            "how events arrive is missing: add it, or `registered: {}` where the platform has no work channel",
        )),
        (_, true) if manifest.events.is_empty() => {
            Err(at(&["events"], "what arrives is missing: add what events mean"))
        }
        (Some(_), true) => Err(at(&["registered"], "a platform with `receive` has a work channel: keep one")),
        (Some(Registered { call: Some(call), .. }), false) if call.method != http::Method::GET => {
            Err(at(&["registered"], "looking changes nothing: use a get"))
        }
        _ => Ok(()),
    }
}

/// What marks an item as handled is known by the item alone, and carried out like any other action.
fn marks(inbox: &Inbox, manifest: &Manifest) -> Verdict {
    let Some(done) = &inbox.done else { return Ok(()) };
    stands(done, "verb", manifest.actions.names(), &["receive", "done"])?;
    let verb = manifest.actions.get(done).expect("it stands there");
    let known = ["conversation", "message"];
    let arguments = verb.call.arguments(Root::Action);
    match arguments.keys().find(|name| !known.contains(name)) {
        Some(more) => Err(at(&["receive", "done"], format!("`{done}` wants `{more}`, which an item does not tell"))),
        None if verb.ephemeral => Err(at(&["receive", "done"], format!("`{done}` is never stored: it could be lost"))),
        None => Ok(()),
    }
}

/// What the agent does is shown by a verb that nothing remembers.
fn shows(inbox: &Inbox, manifest: &Manifest) -> Verdict {
    let Some(shown) = &inbox.shown else { return Ok(()) };
    let path = ["receive", "presence", "verb"];
    stands(&shown.verb, "verb", manifest.actions.names(), &path)?;
    let verb = manifest.actions.get(&shown.verb).expect("it stands there");
    let arguments = verb.call.arguments(Root::Action);
    match arguments.keys().find(|name| !["conversation", "state"].contains(name)) {
        Some(more) => Err(at(&path, format!("`{}` wants `{more}`, which nobody gives", shown.verb))),
        None if !verb.ephemeral => Err(at(&path, format!("`{}` is stored: add `ephemeral`", shown.verb))),
        None => Ok(()),
    }
}

/// A list beside the line is told by an event, and read on by its offset.
fn also(manifest: &Manifest) -> Verdict {
    for (index, also) in manifest.receive.also.iter().enumerate() {
        let index = index.to_string();
        stands(also.event(), "event", manifest.events.names(), &["receive", "also", &index, "event"])?;
        joining::header(&also.call().header, &["receive", "also", &index])?;
        if !also.call().references().iter().any(|it| it.root == Root::Page && it.name == "offset") {
            let message = "the request of a list names where its page begins: add {page.offset} to its query";
            return Err(at(&["receive", "also", &index], message));
        }
    }
    Ok(())
}

/// A log that is never asked from its cursor on would be read from its beginning for ever.
fn log(manifest: &Manifest) -> Verdict {
    let receive = &manifest.receive;
    let goes_on = receive.call.references().iter().any(|it| it.root == Root::Line && it.optional);
    if receive.log.is_some() && !goes_on {
        return Err(at(&["receive"], "the request of a poll names where it goes on: add {line.cursor?} to its query"));
    }
    Ok(())
}

fn event(name: &str, spec: &EventSpec, manifest: &Manifest) -> Verdict {
    // The rest is what the bridge itself observes; that a seat is gone a log may tell, too, for it ends there.
    let is_last_word = |kind: &Type| *kind == Type::WorkspaceRevoked && manifest.receive.log.is_some();
    let told = |kind: &Type| {
        let own = ["workspace.", "consumer.", "action.", "platform."];
        is_last_word(kind) || !own.iter().any(|start| kind.as_str().starts_with(start))
    };
    if !spec.r#type.or_else(|| Type::parse(name)).is_some_and(|kind| told(&kind)) {
        let types: Vec<&str> = Type::ALL.iter().filter(|kind| told(kind)).map(|kind| kind.as_str()).collect();
        let message = format!("`{name}` is no event type of a platform: add `type`, one of {}", types.join(", "));
        return Err(at(&["events", name], message));
    }
    if spec.object.is_empty() {
        return Err(at(&["events", name], "an event needs `object`: where the id of the message (or person) stands"));
    }
    Ok(())
}
