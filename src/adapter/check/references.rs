//! What every template of a manifest may name: which parts of the scope, and which names in them.

mod calls;

use super::super::act::UPLOADS;
use super::super::call::NOBODY;
use super::super::json::Json;
use super::super::manifest::{Manifest, SessionFlavour};
use super::super::push::Push;
use super::super::scope::Root;
use super::super::template::Reference;
use super::{Verdict, at, is_fact, stands};
use calls::SIGNED_IN;
pub(super) use calls::{Found, calls};

/// The arguments that mean the same on every platform.
const ARGUMENTS: [&str; 33] = [
    "conversation",
    "text",
    "html",
    "message",
    "reply_to",
    "person",
    "people",
    "title",
    "name",
    "parent",
    "spawned_from",
    "reaction",
    "state",
    "search",
    "quote",
    "document",
    "content",
    "type",
    "event",
    "start",
    "end",
    "description",
    "location",
    "all_day",
    "rrule",
    "timezone",
    "color",
    "thread",
    "subject",
    "to",
    "cc",
    "bcc",
    UPLOADS,
];
/// What is known of a file before it is uploaded.
const FILE: [&str; 4] = ["name", "size", "md5", "type"];
/// What a question may be about.
const QUESTION: [&str; 13] = [
    "conversation",
    "limit",
    "before",
    "query",
    "person",
    "message",
    "offset",
    "document",
    "event",
    "start_after",
    "start_before",
    "thread",
    "labels",
];

/// Every reference of every template names something that exists there.
pub(super) fn check(manifest: &Manifest) -> Verdict {
    for reference in manifest.http.base.references() {
        one(reference, &[Root::Settings], manifest, &["http".to_owned(), "base".to_owned()])?;
    }
    for (name, session) in manifest.sessions.iter() {
        for (header, value) in session.header.iter() {
            let path = ["sessions", name, "header", header].map(str::to_owned);
            value.references().try_for_each(|it| one(it, SIGNED_IN, manifest, &path))?;
        }
        let path = ["sessions", name, "path"].map(str::to_owned);
        let shared = session.path.iter().flat_map(super::super::path::Path::references);
        shared.into_iter().try_for_each(|it| one(it, &[Root::Settings, Root::Secrets], manifest, &path))?;
    }
    let live = manifest.documents.iter().filter_map(|documents| documents.live.as_ref());
    for reference in live.flat_map(|live| live.name.references()) {
        one(reference, &[Root::Settings], manifest, &["documents", "live", "name"].map(str::to_owned))?;
    }
    pushes(manifest)?;
    calls(manifest).iter().try_for_each(|found| call(found, manifest))
}

/// What the identifier of a channel names: never the token, for it is echoed and compared.
fn pushes(manifest: &Manifest) -> Verdict {
    for (index, push) in manifest.receive.push.iter().enumerate() {
        let Push::ActionCable(cable) = push else { continue };
        let path = ["receive", "push", &index.to_string(), "identifier"].map(str::to_owned);
        let roots = &[Root::Settings, Root::Facts, Root::Line];
        json(&cable.identifier, &Found { path: path.to_vec(), call: &cable.call, roots }, manifest, &path)?;
    }
    Ok(())
}

/// What joining and signing in teach.
pub(super) fn facts(manifest: &Manifest) -> Vec<&str> {
    let teaching = calls(manifest).into_iter().filter(|found| found.roots.contains(&Root::Secrets));
    let taken = teaching.flat_map(|found| found.call.take.names());
    let claims = manifest.join.learn.iter().flat_map(|learn| learn.teaches().names());
    let derived = manifest.ask.secrets.iter().flat_map(|(_, secret)| secret.derive.names());
    let mut facts: Vec<&str> = taken.chain(claims).chain(derived).filter(|name| is_fact(manifest, name)).collect();
    facts.sort_unstable();
    facts.dedup();
    facts
}

/// A call that is about one document names it as a conversation, unless it opens it.
fn shared(found: &Found<'_>, manifest: &Manifest) -> Verdict {
    let Some(name) = found.call.under.as_ref().filter(|name| *name != NOBODY) else { return Ok(()) };
    let path: Vec<&str> = found.path.iter().map(String::as_str).chain(["as"]).collect();
    stands(name, "session", manifest.sessions.names(), &path)?;
    let flavour = manifest.sessions.get(name).map(|session| session.flavour);
    if flavour == Some(SessionFlavour::ShareToken) && manifest.documents.is_none() {
        return Err(at(&path, "a share_token is a document's: say under `documents` how one is opened"));
    }
    Ok(())
}

fn call(found: &Found<'_>, manifest: &Manifest) -> Verdict {
    shared(found, manifest)?;
    let under = |key: &[&str]| [found.path.clone(), key.iter().map(|&part| part.to_owned()).collect()].concat();
    let method = found.call.method.as_str().to_lowercase();
    let path = under(&[&method]);
    found.call.path.references().try_for_each(|it| one(it, found.roots, manifest, &path))?;
    for (name, value) in found.call.header.iter() {
        let path = under(&["header", name]);
        value.references().try_for_each(|it| one(it, found.roots, manifest, &path))?;
    }
    found.call.json.iter().try_for_each(|body| json(body, found, manifest, &under(&["json"])))
}

fn json(body: &Json, found: &Found<'_>, manifest: &Manifest, path: &[String]) -> Verdict {
    let inner = |key: String, value: &Json| json(value, found, manifest, &[path, &[key]].concat());
    match body {
        Json::Literal(_) => Ok(()),
        Json::Text(template) => template.references().try_for_each(|it| one(it, found.roots, manifest, path)),
        Json::List(items) => items.iter().enumerate().try_for_each(|(index, item)| inner(index.to_string(), item)),
        Json::Object(fields) => fields.iter().try_for_each(|(key, value)| inner(key.clone(), value)),
    }
}

fn one(it: &Reference, roots: &[Root], manifest: &Manifest, path: &[String]) -> Verdict {
    if it.root == Root::Secrets && !roots.contains(&Root::Secrets) {
        let message = format!("`{{{it}}}` is a secret, and a secret may stand in `sessions` and `join` only");
        return Err(at(path, message));
    }
    if !roots.contains(&it.root) {
        let here: Vec<&str> = roots.iter().map(|root| root.as_str()).collect();
        return Err(at(path, format!("`{{{it}}}` has no value here: there are {}", here.join(", "))));
    }
    let names = names(it.root, manifest);
    if names.contains(&it.name.as_str()) {
        return Ok(());
    }
    let root = it.root.as_str();
    Err(at(path, format!("`{{{it}}}` names nothing: `{root}` has {}", names.join(", "))))
}

fn names(root: Root, manifest: &Manifest) -> Vec<&str> {
    match root {
        Root::Settings => manifest.ask.settings.names().collect(),
        Root::Secrets => manifest.ask.secrets.names().collect(),
        Root::Facts => facts(manifest),
        Root::Session => vec!["token"],
        Root::Room => vec!["id"],
        Root::Page => vec!["limit", "before", "offset"],
        Root::Action => ARGUMENTS.to_vec(),
        Root::Ask => QUESTION.to_vec(),
        Root::Ingress => vec!["url"],
        Root::Line => vec!["cursor"],
        Root::File => FILE.to_vec(),
    }
}
