//! What every template of a manifest may name: which parts of the scope, and which names in them.

use super::super::act::UPLOADS;
use super::super::also::Also;
use super::super::call::{Call, NOBODY};
use super::super::history::History;
use super::super::join::{Learn, Step};
use super::super::json::Json;
use super::super::manifest::{Manifest, SessionFlavour};
use super::super::push::Push;
use super::super::receive::LineFlavour;
use super::super::scope::Root;
use super::super::template::Reference;
use super::{Verdict, at, is_fact, stands};

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

/// The parts of the scope that exist where a session is made or a workspace joined.
const JOINING: &[Root] = &[Root::Settings, Root::Facts, Root::Secrets];
/// The same for the steps of a way in, which may say where the platform can reach the bridge.
const STEPS: &[Root] = &[Root::Settings, Root::Facts, Root::Secrets, Root::Ingress];
/// The same, once there is a token.
const SIGNED_IN: &[Root] = &[Root::Settings, Root::Facts, Root::Secrets, Root::Session];

/// A call and where it stands.
pub(super) struct Found<'a> {
    pub path: Vec<String>,
    pub call: &'a Call,
    roots: &'static [Root],
}

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

/// Every call of the manifest.
pub(super) fn calls(manifest: &Manifest) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let mut add = |path: &[&str], call, roots| {
        found.push(Found { path: path.iter().map(|&part| part.to_owned()).collect(), call, roots });
    };
    for (name, session) in manifest.sessions.iter() {
        session.login.iter().for_each(|login| add(&["sessions", name, "login"], login, JOINING));
    }
    for (name, way) in manifest.join.ways.iter() {
        for (index, step) in way.steps.iter().enumerate() {
            steps(step, &["join", "ways", name, "steps", &index.to_string()], &mut add);
        }
    }
    for (index, learn) in manifest.join.learn.iter().enumerate() {
        if let Learn::Read { call, r#else: otherwise, .. } = learn {
            let index = index.to_string();
            add(&["join", "learn", &index], call, SIGNED_IN);
            if let Some(call) = otherwise {
                add(&["join", "learn", &index, "else"], call, SIGNED_IN);
            }
        }
    }
    if let Some(documents) = &manifest.documents {
        add(&["documents"], &documents.open, &[Root::Settings]);
        if let Some(live) = &documents.live {
            add(&["documents", "live"], &live.call, &[Root::Settings]);
        }
        if let Some(own) = &documents.own {
            add(&["documents", "own"], &own.open, &[Root::Settings, Root::Room]);
            add(&["documents", "own", "token"], &own.token, &[Root::Settings, Root::Room]);
        }
    }
    let receive = &manifest.receive;
    if manifest.has_line() {
        add(&["receive"], &receive.call, opening(receive.flavour));
    }
    if let Some(call) = manifest.registered.as_ref().and_then(|registered| registered.call.as_ref()) {
        add(&["registered"], call, &[Root::Settings, Root::Facts]);
    }
    receive.history.iter().for_each(|history| histories(history, &mut add));
    if let Some(members) = receive.log.as_ref().and_then(|log| log.members.as_ref()) {
        add(&["receive", "members"], &members.call, &[Root::Settings, Root::Facts, Root::Room]);
    }
    for (index, push) in receive.push.iter().enumerate() {
        let path = ["receive", "push", &index.to_string()];
        match push {
            Push::ActionCable(cable) => add(&path, &cable.call, &[Root::Settings, Root::Facts, Root::Session]),
            Push::Attendance(attendance) => add(&path, &attendance.call, &[Root::Settings, Root::Facts]),
            Push::Webhook(_) => {}
        }
    }
    for (index, also) in receive.also.iter().enumerate() {
        let path = ["receive", "also", &index.to_string()];
        add(&path, also.call(), &[Root::Settings, Root::Facts, Root::Page]);
        if let Also::Threads(threads) = also {
            let path = [&path[..], &["messages"]].concat();
            add(&path, &threads.messages.call, &[Root::Settings, Root::Facts, Root::Room]);
        }
    }
    for (verb, action) in manifest.actions.iter() {
        add(&["actions", verb], &action.call, &[Root::Settings, Root::Facts, Root::Action]);
        for (kind, call) in &action.held {
            let kind = format!("{kind:?}").to_lowercase();
            add(&["actions", verb, "held", &kind], call, &[Root::Settings, Root::Facts, Root::Action]);
        }
        if let Some(uploads) = &action.uploads {
            let path = ["actions", verb, "uploads", "create"];
            add(&path, &uploads.create, &[Root::Settings, Root::Facts, Root::File]);
        }
        for (argument, rule) in action.places.iter() {
            let path = ["actions", verb, "places", argument];
            add(&path, &rule.call, &[Root::Settings, Root::Facts, Root::Action]);
        }
    }
    for (name, question) in manifest.asks.iter() {
        add(&["asks", name], &question.call, &[Root::Settings, Root::Facts, Root::Ask]);
        for (kind, call) in &question.held {
            let kind = format!("{kind:?}").to_lowercase();
            add(&["asks", name, "held", &kind], call, &[Root::Settings, Root::Facts, Root::Ask]);
        }
        if let Some(call) = &question.otherwise {
            add(&["asks", name, "else"], call, &[Root::Settings, Root::Facts, Root::Ask]);
        }
    }
    found
}

/// The requests of histories: lists of rooms, and pages of them.
fn histories<'a>(history: &'a History, add: &mut impl FnMut(&[&str], &'a Call, &'static [Root])) {
    const PAGE: &[Root] = &[Root::Settings, Root::Facts, Root::Room, Root::Page];
    history.call.iter().for_each(|call| add(&["receive", "history"], call, PAGE));
    for (index, rooms) in history.rooms.iter().enumerate() {
        let (index, path) = (index.to_string(), ["receive", "history", "rooms"]);
        let path = if history.rooms.len() == 1 { path.to_vec() } else { [&path[..], &[&index]].concat() };
        rooms.call().iter().for_each(|call| add(&path, call, &[Root::Settings, Root::Facts]));
        rooms.messages.iter().for_each(|call| add(&[&path[..], &["messages"]].concat(), call, PAGE));
    }
}

/// What the request that opens a line may name: a cursor where it is read from one.
const fn opening(flavour: LineFlavour) -> &'static [Root] {
    match flavour {
        LineFlavour::Sse | LineFlavour::Rooms | LineFlavour::None => &[Root::Settings, Root::Facts],
        LineFlavour::Poll => &[Root::Settings, Root::Facts, Root::Line],
        LineFlavour::Inbox => &[Root::Settings, Root::Facts, Root::Room],
    }
}

fn steps<'a>(step: &'a Step, path: &[&str], add: &mut impl FnMut(&[&str], &'a Call, &'static [Root])) {
    for (index, dialect) in step.dialects.iter().enumerate() {
        let index = index.to_string();
        let alone = dialect.name.is_empty() && step.dialects.len() == 1;
        let path = if alone { path.to_vec() } else { [path, &["dialects", &index]].concat() };
        add(&path, &dialect.call, STEPS);
        for (index, call) in dialect.then.iter().enumerate() {
            add(&[&path[..], &["then", &index.to_string()]].concat(), call, SIGNED_IN);
        }
    }
    if let Some(look) = step.wait.as_ref().and_then(|wait| wait.claim.as_ref()?.look.as_ref()) {
        add(&[path, &["wait", "claim", "look"]].concat(), look, STEPS);
    }
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
