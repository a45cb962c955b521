//! What a platform sends: a stream's bytes, and the frames in it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use agent_bridge::event::{Draft, EVENT_CAP, Type, WorkspaceName};
use agent_bridge::line::event_stream::{EventStream, Item, Limits};
use agent_bridge::normalise::{Frame, Mapping, from_history, normalise};
use agent_bridge::store::{Seat, WorkspaceRecord};
use bytes::Bytes;
use serde_json::{Value, json};

use super::choices;

/// However the bytes are cut, the same is said; nothing said is over its limits; what follows is read as if nothing had
/// been before it; and an event without its blank line is never said.
pub fn event_stream(input: &[u8]) {
    let ([line, event, cut], body) = choices::<3>(input);
    let limits = Limits { line: 16 + line, event: 16 + event };
    let whole = said(limits, [body]);
    assert_eq!(whole, said(limits, body.chunks(cut + 1)), "cut every {} bytes it says something else", cut + 1);
    assert_eq!(whole, said(limits, body.chunks(1)), "byte by byte it says something else");
    for item in &whole {
        let Item::Event(frame) = item else { continue };
        let named = if frame.event == "message" { 0 } else { frame.event.len() };
        assert!(frame.data.len() + named <= limits.event, "an event is over its limit");
        // Damage in UTF-8 grows: one byte becomes a replacement character of three.
        assert!(frame.id.len() <= limits.line * 3 && !frame.id.contains(['\r', '\n', '\0']), "an id is none");
    }
    let after = said(limits, [body, b"\n\ndata:next\n\ndata:unfinished\n"]);
    let Some(Item::Event(last)) = after.last() else { panic!("the next event is not read: {after:?}") };
    assert_eq!((&*last.event, &*last.data), ("message", "next"), "the next event is read otherwise");
}

fn said<'a>(limits: Limits, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Item> {
    let mut stream = EventStream::new(limits);
    let mut said = Vec::new();
    for chunk in chunks {
        stream.push(Bytes::copy_from_slice(chunk));
        said.extend(&mut stream);
    }
    said
}

/// A secret of the workspace that a platform may send back.
pub(super) const CANARY: &str = "canary-0123456789";
/// When it is.
pub(super) const NOW: &str = "2026-11-22T00:00:00Z";
const NAMES: [Option<&str>; 5] =
    [None, Some("message"), Some("message.created"), Some("message.updated"), Some("something.else")];

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    let manifest = include_str!("../../../adapters/agentunited.yaml");
    let manifest = agent_bridge::adapter::parse("agentunited.yaml", manifest).expect("it is sound");
    let facts = json!({ "user": "u1", "direct": "c1" });
    let record = WorkspaceRecord {
        name: WorkspaceName::new("acme").expect("a name"),
        platform: "agentunited".to_owned(),
        settings: BTreeMap::from([("display_name".to_owned(), "Scout".to_owned())]),
        facts: serde_json::from_value(facts).expect("a table"),
        session: "member".to_owned(),
        seat: Seat::SignedIn,
        joined_at: 0,
    };
    Mapping::new(Arc::new(manifest), &record, [CANARY.to_owned().into()])
});

/// Whatever a frame holds, its event is JSON that every reader can read, within the cap, the same each time, and
/// without the workspace's secrets; and so is that of the same thing found in a history.
pub fn frame(input: &[u8]) {
    let ([name], body) = choices::<1>(input);
    let body = String::from_utf8_lossy(body);
    let frame = Frame { name: NAMES[name % NAMES.len()], body: &body, room: None };
    if let Some(draft) = normalise(&frame, &MAPPING, NOW) {
        let again = normalise(&frame, &MAPPING, NOW).expect("it was of interest");
        sound(draft, again);
    }
    if let Ok(item) = serde_json::from_str::<Value>(&body) {
        let found = || from_history(&item, Type::MessageCreated, "c1", &MAPPING, NOW);
        sound(found(), found());
    }
}

/// The event of a draft, made twice, is what every reader can read.
pub(super) fn sound(draft: Draft, again: Draft) {
    let id = draft.id();
    let event = draft.seal();
    assert_eq!(event.bytes, again.seal().bytes, "the same frame is another event");
    assert!(event.bytes.len() <= EVENT_CAP, "an event of {} bytes", event.bytes.len());
    let json: Value = serde_json::from_slice(&event.bytes).expect("an event is JSON that can be read");
    assert_eq!(json["id"], id.as_str());
    assert!(!json.to_string().contains(CANARY), "a secret is in the event: {json}");
}
