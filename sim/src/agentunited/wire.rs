//! How messages look on the wire, in both dialects.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{
    options::Stream,
    world::{Kind, Message, World},
};

/// The platform's time format.
pub(crate) fn time(millis: u64) -> String {
    let stamp = i64::try_from(millis).ok().and_then(|it| jiff::Timestamp::from_millisecond(it).ok());
    stamp.unwrap_or_default().to_string()
}

/// `human|agent` as the document has it, `user|agent` as observed. To the observed server an
/// invited agent with a JWT is a user like any other.
pub(crate) fn author_type(world: &World, author: &str) -> &'static str {
    let kind = world.accounts.get(author).map(|account| account.kind);
    match (world.options.stream, kind) {
        (Stream::Documented, Some(Kind::Person)) => "human",
        (Stream::Observed, Some(Kind::Person | Kind::Member)) => "user",
        _ => "agent",
    }
}

/// A message as the history and the observed stream show it.
pub(crate) fn message(world: &World, message: &Message) -> Value {
    let email = world.accounts.get(&message.author_id).map_or("", |account| &account.email);
    let mut body = json!({
        "id": message.id,
        "channel_id": message.channel_id,
        "author_id": message.author_id,
        "author_type": author_type(world, &message.author_id),
        "author_email": email,
        "text": message.text,
        "created_at": time(message.created),
        "updated_at": time(message.updated),
    });
    if let Some((name, _)) = &message.attachment {
        body["attachment_url"] = json!(format!("/uploads/{}/{name}", message.id));
        body["attachment_name"] = json!(name);
    }
    body
}

/// The document's flat event.
fn flat(world: &World, message: &Message) -> Value {
    let mut body = json!({
        "channel_id": message.channel_id,
        "message_id": message.id,
        "author_id": message.author_id,
        "author_type": author_type(world, &message.author_id),
        "text": message.text,
        "created_at": time(message.created),
    });
    if message.updated != message.created {
        body["updated_at"] = json!(time(message.updated));
    }
    body
}

/// One event before it is framed.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The `id:` line, where the dialect has one.
    pub(crate) id: Option<String>,
    /// The `event:` line.
    pub(crate) name: &'static str,
    /// The `data:` line: JSON without line breaks.
    pub(crate) data: String,
}

/// The event that tells of a message; `name` is `message.created` or `message.updated`.
pub(crate) fn event(world: &World, it: &Message, name: &'static str) -> Event {
    let created = name == "message.created";
    match world.options.stream {
        // An update carries no `id:`: the document promises only that a message's id is a place.
        Stream::Documented => Event { id: created.then(|| it.id.clone()), name, data: flat(world, it).to_string() },
        Stream::Observed if created && websocket(world, it) => {
            Event { id: None, name: "message", data: message(world, it).to_string() }
        }
        Stream::Observed => {
            let body = json!({"type": name, "data": message(world, it)});
            Event { id: None, name, data: body.to_string() }
        }
    }
}

fn websocket(world: &World, message: &Message) -> bool {
    let kind = world.accounts.get(&message.author_id).map(|account| account.kind);
    world.options.websocket && kind == Some(Kind::Person)
}

/// A field of its own that makes an event at least `bytes` long.
pub(crate) fn pad(event: &mut Event, bytes: usize) {
    let Ok(mut body) = serde_json::from_str::<Map<String, Value>>(&event.data) else {
        return;
    };
    body.insert("padding".into(), Value::String("x".repeat(bytes)));
    event.data = Value::Object(body).to_string();
}

/// The event in `text/event-stream`, each line ended by `newline`.
pub(crate) fn frame(event: &Event, newline: &str) -> String {
    let mut out = String::with_capacity(event.data.len() + 96);
    if let Some(id) = &event.id {
        let _infallible = write!(out, "id: {id}{newline}");
    }
    let _infallible = write!(out, "event: {}{newline}data: ", event.name);
    out.push_str(&event.data);
    out.push_str(newline);
    out.push_str(newline);
    out
}
