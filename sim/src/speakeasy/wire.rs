//! The shapes in which the platform shows what it keeps.

use serde_json::{Value, json};

use super::{
    record::{Chat, Topic},
    world::World,
};

/// RFC 3339, to the second, UTC.
pub(crate) fn time(millis: u64) -> String {
    let at = i64::try_from(millis).ok().and_then(|it| jiff::Timestamp::from_millisecond(it).ok()).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Turns every number under a key that names an id into a string.
pub(crate) fn strings(mut body: Value) -> Value {
    stringify(&mut body);
    body
}

fn stringify(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(stringify),
        Value::Object(fields) => {
            for (key, value) in fields {
                if value.is_number() && (key == "id" || key.ends_with("_id")) {
                    *value = Value::String(value.to_string());
                }
                stringify(value);
            }
        }
        _ => {}
    }
}

/// A topic's snapshot.
pub(crate) fn topic(topic: &Topic) -> Value {
    json!({
        "id": topic.id,
        "subject": Some(&topic.subject).filter(|it| !it.is_empty()),
        "parent_topic_id": topic.parent,
        "root_topic_id": topic.root,
        "spawned_from_chat_id": topic.spawned_from,
    })
}

impl World {
    /// A body with its ids as the options want them.
    pub(crate) fn shaped(&self, body: Value) -> Value {
        if self.options.ids_as_strings { strings(body) } else { body }
    }

    /// A time that the options may withhold.
    pub(crate) fn time_json(&self, millis: Option<u64>) -> Value {
        let shown = millis.filter(|_| !self.options.null_timestamps);
        shown.map_or(Value::Null, |it| json!(time(it)))
    }

    /// A chat as envelopes carry it.
    pub(crate) fn chat_json(&self, chat: &Chat) -> Value {
        let files: Vec<Value> = chat.attachments.iter().filter_map(|id| self.attachment(*id)).collect();
        json!({
            "id": chat.id,
            "author_handle": chat.author,
            "html": chat.html,
            "plain": chat.plain,
            "deleted": chat.deleted,
            "attachments": files,
        })
    }

    /// A timeline entry as envelopes carry it.
    pub(crate) fn timeline_json(&self, chat: &Chat) -> Value {
        let thread = self.topics.values().find(|it| it.spawned_from == Some(chat.id)).map(|it| it.id);
        json!({
            "id": chat.timeline,
            "reply_timeline_id": chat.reply_to,
            "thread_topic_id": thread,
            "edited_at": self.time_json(chat.edited),
        })
    }

    /// What is told of a file.
    pub(crate) fn attachment(&self, blob: u64) -> Option<Value> {
        let blob = self.blobs.get(&blob)?;
        Some(json!({
            "id": blob.id,
            "filename": blob.filename,
            "content_type": blob.content_type,
            "byte_size": blob.byte_size,
            "url": format!("{}/storage/{}/{}", self.options.url, blob.key, blob.filename.replace(' ', "%20")),
        }))
    }
}
