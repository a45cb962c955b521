//! (frame, mapping) → event. Pure: no clock, no store, no network; the same input always gives the same event.
//!
//! What no mapping knows becomes `platform.other` with its raw payload: kept, never dropped.

mod mapping;
mod mention;
mod object;
mod scrub;
mod time;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use mapping::{Mapping, Room};
pub use object::{Object, Unmapped, object};
pub use scrub::{SEALED, Scrubber};

use crate::adapter::EventSpec;
use crate::event::{Data, Draft, Identity, Type};

/// What a line received.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The transport's name for it, as in SSE's `event:`.
    pub name: Option<&'a str>,
    /// Its body: JSON, or what the platform takes for it.
    pub body: &'a str,
    /// The conversation it came from, where the line knows and the body may not say.
    pub room: Option<&'a str>,
}

/// The event of a frame; `None` where the manifest says that the frame is of no interest. `now` (RFC 3339) is the
/// time of an event that carries none.
pub fn normalise(frame: &Frame<'_>, mapping: &Mapping, now: &str) -> Option<Draft> {
    let Ok(mut body) = serde_json::from_str::<Value>(frame.body) else {
        let text = Value::String(mapping.scrubber.scrub(frame.body).into_owned());
        return Some(other(mapping, frame.name, raw(&text), "the body is not JSON", now));
    };
    let raw = if mapping.scrubber.clean(frame.body) {
        RawValue::from_string(frame.body.to_owned()).unwrap_or_else(|_| raw(&body))
    } else {
        mapping.scrubber.scrub_value(&mut body);
        raw(&body)
    };
    named(frame, &body, raw, mapping, now)
}

/// The event of an entry of an event log, which is the same whichever way it came. `name` is the transport's name for
/// it, which counts where the entry has none itself. `None` where the manifest says that it is of no interest.
pub fn entry(name: Option<&str>, entry: &Value, mapping: &Mapping, now: &str) -> Option<Draft> {
    let mut entry = entry.clone();
    mapping.scrubber.scrub_value(&mut entry);
    let own = mapping.manifest.receive.name.text(&entry);
    let name = own.as_deref().or(name);
    named(&Frame { name, body: "", room: None }, &entry, raw(&entry), mapping, now)
}

/// What a body (scrubbed) says, by its name.
fn named(frame: &Frame<'_>, body: &Value, raw: Box<RawValue>, mapping: &Mapping, now: &str) -> Option<Draft> {
    let (name, spec) = match known(body, frame.name, mapping) {
        Name::Ignored => return None,
        Name::Unknown => return Some(other(mapping, frame.name, raw, "no mapping knows it", now)),
        Name::Known(name, spec) => (name, spec),
    };
    let item = mapping.manifest.receive.item.find(body).unwrap_or(body);
    Some(match object::read(item, mapping, spec, frame.room) {
        Ok(object) => draft(object, mapping, kind(name, spec), raw, now),
        Err(unmapped) => {
            let mut kept = other(mapping, Some(name), raw, &unmapped.to_string(), now);
            if let Some(id) = object::id(&spec.event, item) {
                // What can be read of it is enough to know it again.
                kept.identity = Identity::Native(id);
            }
            kept
        }
    })
}

/// The event of one item of a history page, as `history.event` maps it, but of this `kind`: an item whose revision
/// is new is an update.
pub fn from_history(item: &Value, kind: Type, room: &str, mapping: &Mapping, now: &str) -> Draft {
    let event = mapping.manifest.receive.history.as_ref().map_or("", |history| &history.event);
    listed(item, event, kind, room, mapping, now)
}

/// The event of one item of a list of what waits, as `receive.event` maps it; `room` is the document or conversation
/// whose list it is, empty where there is one list for all.
pub fn waiting(item: &Value, room: &str, mapping: &Mapping, now: &str) -> Draft {
    let (event, known) = waits_as(mapping);
    listed(item, event, known, room, mapping, now)
}

/// The id of the event that an item of such a list becomes, where only the item's own id is known.
pub fn waiting_id(object: &str, room: &str, mapping: &Mapping) -> String {
    let (_, known) = waits_as(mapping);
    let item = Object { id: object.to_owned(), conversation: room.to_owned(), ..Object::default() };
    draft(item, mapping, known, raw(&Value::Null), "").id()
}

/// What an item of a list of what waits is in `events`, and its type.
fn waits_as(mapping: &Mapping) -> (&str, Type) {
    let event = mapping.manifest.receive.inbox.as_ref().map_or("", |inbox| &inbox.event);
    (event, known_as(event, mapping))
}

/// The type of an event of the manifest.
fn known_as(event: &str, mapping: &Mapping) -> Type {
    mapping.manifest.events.entry(event).map_or(Type::PlatformOther, |(name, spec)| kind(name, spec))
}

/// The event of one item of a list beside the line, as `event` maps it; `room` is the conversation whose list it is,
/// empty where it is of none.
pub fn beside(item: &Value, event: &str, room: &str, mapping: &Mapping, now: &str) -> Draft {
    listed(item, event, known_as(event, mapping), room, mapping, now)
}

/// The event of one item of a list.
fn listed(item: &Value, event: &str, kind: Type, room: &str, mapping: &Mapping, now: &str) -> Draft {
    let mut item = item.clone();
    mapping.scrubber.scrub_value(&mut item);
    let raw = raw(&item);
    match object(&item, mapping, event, Some(room)) {
        Ok(object) => draft(object, mapping, kind, raw, now),
        Err(unmapped) => other(mapping, Some(event), raw, &unmapped.to_string(), now),
    }
}

/// A message that a history no longer lists.
pub fn deleted(object: &str, room: &str, mapping: &Mapping, now: &str) -> Draft {
    let gone = Object { id: object.to_owned(), conversation: room.to_owned(), ..Object::default() };
    let mut draft = draft(gone, mapping, Type::MessageDeleted, raw(&Value::Null), now);
    draft.data.raw = None;
    draft.data.mentions_me = None;
    draft
}

/// When, in milliseconds since 1970, as any platform writes it; `None` for what is no time.
pub fn instant(value: &Value) -> Option<u64> {
    let time = time::rfc3339(value)?.parse::<jiff::Timestamp>().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

enum Name<'a> {
    Known(&'a str, &'a EventSpec),
    Ignored,
    Unknown,
}

/// The body's own name for itself counts before the transport's, where the manifest knows it.
fn known<'a>(body: &Value, frame: Option<&str>, mapping: &'a Mapping) -> Name<'a> {
    let (receive, events) = (&mapping.manifest.receive, &mapping.manifest.events);
    let own = receive.name.text(body);
    for name in own.as_deref().into_iter().chain(frame) {
        let key = match receive.names.get(name) {
            Some(None) => return Name::Ignored,
            Some(Some(key)) => key.as_str(),
            None => name,
        };
        if let Some((key, spec)) = events.entry(key) {
            return Name::Known(key, spec);
        }
    }
    Name::Unknown
}

/// The type that the manifest gives an event; the check at start has seen to it that there is one.
fn kind(name: &str, spec: &EventSpec) -> Type {
    spec.r#type.or_else(|| Type::parse(name)).unwrap_or(Type::PlatformOther)
}

fn draft(mut object: Object, mapping: &Mapping, kind: Type, raw: Box<RawValue>, now: &str) -> Draft {
    let speaks = matches!(
        kind,
        Type::MessageCreated | Type::MessageUpdated | Type::MessageDeleted | Type::MentionCreated | Type::EmailReceived
    );
    let mentions_me = speaks.then(|| kind == Type::MentionCreated || mapping.is_meant(&object));
    let can = if kind == Type::MessageDeleted { mapping.can_in_room(&object) } else { mapping.can(&object) };
    let mut more = Map::new();
    if !speaks {
        more.insert("object".to_owned(), Value::String(object.id.clone()));
    }
    let identity = object.identity();
    let time = object.time.clone().unwrap_or_else(|| now.to_owned());
    let told = std::mem::take(&mut object.topic);
    let conversation = Some(mapping.conversation(&object.conversation, told));
    let (author, message) = object.into_parts();
    let message = speaks.then_some(message);
    let data =
        Data { conversation, message, author: Some(author), mentions_me, can, more, raw: Some(raw), ..Data::default() };
    Draft { workspace: mapping.workspace.clone(), platform: Some(mapping.platform.clone()), kind, identity, time, data }
}

/// Kept raw; its identity is its content, so that a repetition is known as one.
fn other(mapping: &Mapping, name: Option<&str>, raw: Box<RawValue>, why: &str, now: &str) -> Draft {
    let hash = object::hash(&[name.unwrap_or_default(), raw.get()]);
    let name = name.map(|name| mapping.scrubber.scrub(name).into_owned());
    let more = Map::from_iter([("name".to_owned(), name.into()), ("why".to_owned(), why.into())]);
    let identity = Identity::Object { object: hash.clone(), revision: hash };
    let data = Data { more, raw: Some(raw), ..Data::default() };
    let (workspace, platform) = (mapping.workspace.clone(), Some(mapping.platform.clone()));
    Draft { workspace, platform, kind: Type::PlatformOther, identity, time: now.to_owned(), data }
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).expect("serde_json reads what it writes")
}

#[cfg(test)]
mod tests;
