//! Every call of a manifest: where it stands, and which parts of the scope exist there.

use crate::adapter::also::Also;
use crate::adapter::call::Call;
use crate::adapter::history::History;
use crate::adapter::join::{Learn, Step};
use crate::adapter::manifest::Manifest;
use crate::adapter::push::Push;
use crate::adapter::receive::LineFlavour;
use crate::adapter::scope::Root;

/// The parts of the scope that exist where a session is made or a workspace joined.
const JOINING: &[Root] = &[Root::Settings, Root::Facts, Root::Secrets];

/// The same for the steps of a way in, which may say where the platform can reach the bridge.
const STEPS: &[Root] = &[Root::Settings, Root::Facts, Root::Secrets, Root::Ingress];

/// The same, once there is a token.
pub(super) const SIGNED_IN: &[Root] = &[Root::Settings, Root::Facts, Root::Secrets, Root::Session];

/// The same where an agent acts.
const ACTION: &[Root] = &[Root::Settings, Root::Facts, Root::Action];

/// The same where it asks.
const ASK: &[Root] = &[Root::Settings, Root::Facts, Root::Ask];

/// A call and where it stands.
pub(in crate::adapter::check) struct Found<'a> {
    pub path: Vec<String>,
    pub call: &'a Call,
    pub(super) roots: &'static [Root],
}

/// Calls as they are found.
struct Calls<'a>(Vec<Found<'a>>);

impl<'a> Calls<'a> {
    fn add(&mut self, path: &[&str], call: &'a Call, roots: &'static [Root]) {
        self.0.push(Found { path: path.iter().map(|&part| part.to_owned()).collect(), call, roots });
    }
}

/// Every call of the manifest.
pub(in crate::adapter::check) fn calls(manifest: &Manifest) -> Vec<Found<'_>> {
    let mut found = Calls(Vec::new());
    joining(manifest, &mut found);
    documents(manifest, &mut found);
    receiving(manifest, &mut found);
    actions(manifest, &mut found);
    asks(manifest, &mut found);
    found.0
}

fn joining<'a>(manifest: &'a Manifest, found: &mut Calls<'a>) {
    for (name, session) in manifest.sessions.iter() {
        session.login.iter().for_each(|login| found.add(&["sessions", name, "login"], login, JOINING));
    }
    for (name, way) in manifest.join.ways.iter() {
        for (index, step) in way.steps.iter().enumerate() {
            steps(step, &["join", "ways", name, "steps", &index.to_string()], found);
        }
    }
    for (index, learn) in manifest.join.learn.iter().enumerate() {
        if let Learn::Read { call, r#else: otherwise, .. } = learn {
            let index = index.to_string();
            found.add(&["join", "learn", &index], call, SIGNED_IN);
            if let Some(call) = otherwise {
                found.add(&["join", "learn", &index, "else"], call, SIGNED_IN);
            }
        }
    }
}

fn steps<'a>(step: &'a Step, path: &[&str], found: &mut Calls<'a>) {
    for (index, dialect) in step.dialects.iter().enumerate() {
        let index = index.to_string();
        let alone = dialect.name.is_empty() && step.dialects.len() == 1;
        let path = if alone { path.to_vec() } else { [path, &["dialects", &index]].concat() };
        found.add(&path, &dialect.call, STEPS);
        for (index, call) in dialect.then.iter().enumerate() {
            found.add(&[&path[..], &["then", &index.to_string()]].concat(), call, SIGNED_IN);
        }
    }
    if let Some(look) = step.wait.as_ref().and_then(|wait| wait.claim.as_ref()?.look.as_ref()) {
        found.add(&[path, &["wait", "claim", "look"]].concat(), look, STEPS);
    }
}

fn documents<'a>(manifest: &'a Manifest, found: &mut Calls<'a>) {
    let Some(documents) = &manifest.documents else { return };
    found.add(&["documents"], &documents.open, &[Root::Settings]);
    if let Some(live) = &documents.live {
        found.add(&["documents", "live"], &live.call, &[Root::Settings]);
    }
    if let Some(own) = &documents.own {
        found.add(&["documents", "own"], &own.open, &[Root::Settings, Root::Room]);
        found.add(&["documents", "own", "token"], &own.token, &[Root::Settings, Root::Room]);
    }
}

fn receiving<'a>(manifest: &'a Manifest, found: &mut Calls<'a>) {
    let receive = &manifest.receive;
    if manifest.has_line() {
        found.add(&["receive"], &receive.call, opening(receive.flavour));
    }
    if let Some(call) = manifest.registered.as_ref().and_then(|registered| registered.call.as_ref()) {
        found.add(&["registered"], call, &[Root::Settings, Root::Facts]);
    }
    receive.history.iter().for_each(|history| histories(history, found));
    if let Some(members) = receive.log.as_ref().and_then(|log| log.members.as_ref()) {
        found.add(&["receive", "members"], &members.call, &[Root::Settings, Root::Facts, Root::Room]);
    }
    for (index, push) in receive.push.iter().enumerate() {
        let path = ["receive", "push", &index.to_string()];
        match push {
            Push::ActionCable(cable) => found.add(&path, &cable.call, &[Root::Settings, Root::Facts, Root::Session]),
            Push::Attendance(attendance) => found.add(&path, &attendance.call, &[Root::Settings, Root::Facts]),
            Push::Webhook(_) => {}
        }
    }
    for (index, also) in receive.also.iter().enumerate() {
        let path = ["receive", "also", &index.to_string()];
        found.add(&path, also.call(), &[Root::Settings, Root::Facts, Root::Page]);
        if let Also::Threads(threads) = also {
            let path = [&path[..], &["messages"]].concat();
            found.add(&path, &threads.messages.call, &[Root::Settings, Root::Facts, Root::Room]);
        }
    }
}

/// The requests of histories: lists of rooms, and pages of them.
fn histories<'a>(history: &'a History, found: &mut Calls<'a>) {
    const PAGE: &[Root] = &[Root::Settings, Root::Facts, Root::Room, Root::Page];
    history.call.iter().for_each(|call| found.add(&["receive", "history"], call, PAGE));
    for (index, rooms) in history.rooms.iter().enumerate() {
        let (index, path) = (index.to_string(), ["receive", "history", "rooms"]);
        let path = if history.rooms.len() == 1 { path.to_vec() } else { [&path[..], &[&index]].concat() };
        rooms.call().iter().for_each(|call| found.add(&path, call, &[Root::Settings, Root::Facts]));
        rooms.messages.iter().for_each(|call| found.add(&[&path[..], &["messages"]].concat(), call, PAGE));
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

fn actions<'a>(manifest: &'a Manifest, found: &mut Calls<'a>) {
    for (verb, action) in manifest.actions.iter() {
        found.add(&["actions", verb], &action.call, ACTION);
        for (kind, call) in &action.held {
            let kind = format!("{kind:?}").to_lowercase();
            found.add(&["actions", verb, "held", &kind], call, ACTION);
        }
        if let Some(uploads) = &action.uploads {
            let path = ["actions", verb, "uploads", "create"];
            found.add(&path, &uploads.create, &[Root::Settings, Root::Facts, Root::File]);
        }
        for (argument, rule) in action.places.iter() {
            let path = ["actions", verb, "places", argument];
            found.add(&path, &rule.call, ACTION);
        }
    }
}

fn asks<'a>(manifest: &'a Manifest, found: &mut Calls<'a>) {
    for (name, question) in manifest.asks.iter() {
        found.add(&["asks", name], &question.call, ASK);
        for (kind, call) in &question.held {
            let kind = format!("{kind:?}").to_lowercase();
            found.add(&["asks", name, "held", &kind], call, ASK);
        }
        if let Some(call) = &question.otherwise {
            found.add(&["asks", name, "else"], call, ASK);
        }
    }
}
