//! Normalised answers: `{"records": {"topics": {"data": {"456": {…}}}}}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    record::{Chat, Topic},
    wire,
    world::World,
};

/// Records by kind and id, each once.
#[derive(Debug, Default)]
pub(crate) struct Records {
    kinds: BTreeMap<&'static str, Map<String, Value>>,
}

impl Records {
    fn put(&mut self, kind: &'static str, key: &impl ToString, record: Value) {
        self.kinds.entry(kind).or_default().insert(key.to_string(), record);
    }

    /// Makes a kind appear even without records.
    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kinds.entry(kind).or_default();
        self
    }

    /// A topic alone.
    pub(crate) fn topic(mut self, topic: &Topic) -> Self {
        self.put("topics", &topic.id, wire::topic(topic));
        self
    }

    /// Who is in a topic, and how they appear.
    pub(crate) fn participants(mut self, world: &World, topic: &Topic) -> Self {
        for one in &topic.participants {
            self.put("participants", &one.id, json!({"id": one.id, "topic_id": topic.id, "handle": one.handle}));
            let name = world.accounts.get(&one.handle).map(|it| &it.name);
            self.put("contacts", &one.handle, json!({"handle": one.handle, "name": name}));
        }
        self
    }

    /// A chat, its timeline entry and the entry that it answers.
    pub(crate) fn chat(mut self, world: &World, chat: &Chat) -> Self {
        let mut record = world.chat_json(chat);
        record["topic_id"] = json!(chat.topic);
        record["handle"] = json!(chat.author);
        self.put("chats", &chat.id, record);
        self.timeline(world, chat);
        let answered = chat.reply_to.and_then(|it| world.timelines.get(&it)).and_then(|it| world.chats.get(it));
        if let Some(answered) = answered {
            self.timeline(world, answered);
        }
        self
    }

    fn timeline(&mut self, world: &World, chat: &Chat) {
        let mut record = world.timeline_json(chat);
        record["topic_id"] = json!(chat.topic);
        record["tl_type"] = json!("Chat");
        record["tl_id"] = json!(chat.id);
        record["author_handle"] = json!(chat.author);
        self.put("timelines", &chat.timeline, record);
    }

    /// The files of a topic.
    pub(crate) fn files(mut self, topic: u64, files: &[Value]) -> Self {
        self.put("files", &topic, json!({"id": topic, "topic_id": topic, "files": files}));
        self
    }

    /// The body.
    pub(crate) fn body(self) -> Value {
        let kinds: Map<String, Value> =
            self.kinds.into_iter().map(|(kind, data)| (kind.into(), json!({"data": data}))).collect();
        json!({"records": kinds})
    }
}
