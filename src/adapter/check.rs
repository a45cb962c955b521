//! Checks at start what a manifest's types cannot: that every name it uses stands somewhere in it.

mod acting;
mod joining;
mod push;
mod references;
mod secrets;

use super::error::Finding;
use super::events::EventSpec;
use super::inbox::Inbox;
use super::manifest::{Keep, Manifest, Registered, SettingKind};
use super::rooms::Source;
use super::scope::Root;
use super::template::{Part, Reference};
use crate::event::Type;

/// What one check says: nothing, or where and what.
type Verdict = Result<(), Finding>;

/// The first thing that is wrong.
pub(super) fn check(manifest: &Manifest) -> Verdict {
    platform(manifest)?;
    ask(manifest)?;
    joining::sessions(manifest)?;
    joining::join(manifest)?;
    me(manifest)?;
    receive(manifest)?;
    push::check(manifest)?;
    references::check(manifest)?;
    places_taken(manifest)?;
    base(manifest)?;
    acting::actions(manifest)?;
    acting::documents(manifest)?;
    acting::asks(manifest)?;
    outcomes(manifest)
}

/// A finding at this place.
fn at<S: AsRef<str>>(path: &[S], message: impl Into<String>) -> Finding {
    Finding { path: path.iter().map(|part| part.as_ref().to_owned()).collect(), message: message.into() }
}

/// The name must be one of those that stand there.
fn stands<'a>(name: &str, what: &str, there: impl Iterator<Item = &'a str>, path: &[&str]) -> Verdict {
    let names: Vec<&str> = there.collect();
    if names.contains(&name) {
        return Ok(());
    }
    let known = if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
    Err(at(path, format!("`{name}` is no {what}: {known}")))
}

/// A setting stands in the place of something that joining teaches.
fn places_taken(manifest: &Manifest) -> Verdict {
    for (name, setting) in manifest.ask.settings.iter() {
        let Some(fact) = &setting.instead_of else { continue };
        stands(fact, "fact", references::facts(manifest).into_iter(), &["ask", "settings", name, "instead_of"])?;
    }
    Ok(())
}

fn platform(manifest: &Manifest) -> Verdict {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let name = &manifest.platform;
    if name.is_empty() || name.len() > 32 || !name.chars().all(plain) {
        return Err(at(&["platform"], format!("`{name}` is no platform name: use 1 to 32 of a-z, 0-9, `-`")));
    }
    Ok(())
}

/// Secrets go to the origin of `http.base` and nowhere else, so no value may be a part of that origin.
fn base(manifest: &Manifest) -> Verdict {
    let origin = |it: &Reference| {
        let setting = manifest.ask.settings.get(&it.name).filter(|_| it.root == Root::Settings && !it.optional);
        setting.is_some_and(|setting| setting.kind == SettingKind::HttpsOrigin)
    };
    let good = match manifest.http.base.parts() {
        [Part::Value(it)] => origin(it),
        [Part::Value(it), Part::Text(rest), ..] => origin(it) && rest.starts_with('/'),
        [Part::Text(host)] => host.starts_with("https://"),
        [Part::Text(host), ..] => host.strip_prefix("https://").is_some_and(|host| host.contains('/')),
        _ => false,
    };
    let message = "begin with a setting of the kind https-origin or with https://host, and go on with `/`";
    if good { Ok(()) } else { Err(at(&["http", "base"], message)) }
}

fn ask(manifest: &Manifest) -> Verdict {
    secrets::check(manifest)?;
    if manifest.ask.settings.has("token") || manifest.ask.secrets.has("token") {
        return Err(at(&["ask"], "`token` is the session's own name: choose another"));
    }
    let Some(link) = &manifest.ask.link else { return Ok(()) };
    stands("url", "setting, and a link's origin becomes `url`", manifest.ask.settings.names(), &["ask", "link"])?;
    for name in link.names() {
        stands(name, "setting or secret", asked(manifest), &["ask", "link", "path"])?;
    }
    for (parameter, name) in link.query.iter() {
        stands(name, "setting or secret", asked(manifest), &["ask", "link", "query", parameter])?;
    }
    Ok(())
}

/// What an operator can give.
fn asked(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let secrets = manifest.ask.secrets.iter().filter(|(_, secret)| !secret.taken).map(|(name, _)| name);
    manifest.ask.settings.names().chain(secrets)
}

fn me(manifest: &Manifest) -> Verdict {
    let facts = || references::facts(manifest).into_iter();
    let me = &manifest.me;
    for (index, name) in me.ids.iter().enumerate() {
        stands(name, "fact that joining teaches", facts(), &["me", "ids", &index.to_string()])?;
    }
    if let Some(name) = &me.capabilities {
        stands(name, "fact that joining teaches", facts(), &["me", "capabilities"])?;
    }
    for (key, names) in [("logins", &me.logins), ("names", &me.names)] {
        for (index, name) in names.iter().enumerate() {
            let known = facts().chain(manifest.ask.settings.names());
            stands(name, "fact or setting", known, &["me", key, &index.to_string()])?;
        }
    }
    Ok(())
}

fn receive(manifest: &Manifest) -> Verdict {
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

/// `tell` has words for outcomes that some rule names, and for no others.
fn outcomes(manifest: &Manifest) -> Verdict {
    joining::goes(&manifest.outcomes, manifest, &[])?;
    let calls = references::calls(manifest);
    let rules = calls.iter().flat_map(|found| &found.call.outcomes).chain(&manifest.outcomes);
    let steps = || manifest.join.ways.iter().flat_map(|(_, way)| &way.steps);
    let claims = steps().filter_map(|step| step.wait.as_ref()?.claim.as_ref()).map(|claim| claim.lost.as_str());
    let lost = steps().filter_map(|step| step.once.as_ref()).map(|once| once.lost.as_str()).chain(claims);
    let named: Vec<&str> = rules.flat_map(super::outcome::Rule::names).chain(lost).collect();
    for name in manifest.tell.names() {
        stands(name, "outcome", named.iter().copied(), &["tell", name])?;
    }
    Ok(())
}

/// Where a taken name is kept, for the list of facts.
fn is_fact(manifest: &Manifest, name: &str) -> bool {
    manifest.keeps(name) == Keep::Fact
}
