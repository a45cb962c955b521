//! Writing chats: create, update, delete; only one's own, each once per `Idempotency-Key`.

use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::{Asked, id, text, within},
    markdown,
    record::{ChatId, GrantId, TopicId},
    records::Records,
    world::World,
};

/// What a chat was written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Source {
    #[default]
    Markdown,
    Html,
}

/// What somebody wants to say.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) source: Source,
    pub(crate) html: String,
    pub(crate) plain: String,
    pub(crate) reply_to: Option<u64>,
    pub(crate) attachments: Vec<u64>,
}

impl Draft {
    /// From Markdown.
    pub(crate) fn markdown(text: &str) -> Self {
        let html = markdown::html(text);
        Self { plain: markdown::plain(&html), html, ..Self::default() }
    }

    /// From a body's `chat`: `text` (preferred) or `html`, `reply_timeline_id`, `sgid`.
    pub(crate) fn of(world: &World, grant: GrantId, body: &Map<String, Value>) -> Result<Self, Refusal> {
        let empty = Map::new();
        let chat = within(body, "chat").unwrap_or(&empty);
        let mut draft = match (text(chat, "text"), text(chat, "html")) {
            (Some(text), _) => Self::markdown(text),
            (None, Some(html)) => {
                let plain = markdown::plain(html);
                Self { source: Source::Html, html: html.into(), plain, ..Self::default() }
            }
            (None, None) => Self::default(),
        };
        if let Some(sgid) = text(chat, "sgid") {
            world.needs(grant, "attachments")?;
            draft.attachments = sgid.split(',').map(|it| world.uploaded(grant, it.trim())).collect::<Result<_, _>>()?;
        }
        if draft.html.is_empty() && draft.attachments.is_empty() {
            return Err(refuse(400, "chat can't be blank", "chats.400_blank"));
        }
        if chat.get("reply_timeline_id").is_some_and(|it| !it.is_null()) {
            draft.reply_to = id(chat, "reply_timeline_id");
            if draft.reply_to.is_none_or(|it| !world.timelines.contains_key(&it)) {
                return Err(refuse(400, "reply_timeline_id names no timeline", "chats.400_reply"));
            }
        }
        Ok(draft)
    }

    /// The same, where what it answers was said in this topic; `None` is one that is yet to be made.
    pub(crate) fn said_in(self, world: &World, topic: Option<TopicId>) -> Result<Self, Refusal> {
        let answered = self.reply_to.and_then(|it| world.timelines.get(&it)).and_then(|it| world.chats.get(it));
        match answered {
            Some(chat) if Some(chat.topic) != topic => {
                Err(refuse(400, "reply_timeline_id is in another topic", "chats.400_reply_elsewhere"))
            }
            _ => Ok(self),
        }
    }
}

/// `POST /agent/topics/{topic_id}/chats`.
pub(crate) async fn create(State(sim): State<Sim>, Path(topic): Path<String>, asked: Asked) -> Outcome {
    sim.once(&asked, |world, grant| {
        let topic = world.enter(grant, &topic)?.id;
        let draft = Draft::of(world, grant, &asked.object()?)?.said_in(world, Some(topic))?;
        if draft.source == Source::Html {
            world.served("chats.create.html");
        }
        let line = match (draft.attachments.len(), draft.reply_to) {
            (0, Some(_)) => "chats.create.201_reply",
            (0, None) => "chats.create.201",
            (1, _) => "chats.create.201_file",
            _ => "chats.create.201_files",
        };
        let chat = world.write(&world.agent(grant), topic, draft);
        world.stops_typing(grant, chat);
        Ok(world.wrote(201, chat, line))
    })
}

/// `PATCH /agent/topics/{topic_id}/chats/{id}`.
pub(crate) async fn update(
    State(sim): State<Sim>,
    Path((topic, chat)): Path<(String, String)>,
    asked: Asked,
) -> Outcome {
    sim.once(&asked, |world, grant| {
        let chat = world.own(grant, &topic, &chat)?;
        let draft = Draft::of(world, grant, &asked.object()?)?;
        // A file alone would leave the chat without the words that it has.
        if draft.html.is_empty() {
            return Err(refuse(400, "chat can't be blank", "chats.400_blank"));
        }
        world.revise(chat, &draft.html, &draft.plain);
        world.stops_typing(grant, chat);
        Ok(world.wrote(200, chat, "chats.update.200"))
    })
}

/// `DELETE /agent/topics/{topic_id}/chats/{id}`.
pub(crate) async fn delete(
    State(sim): State<Sim>,
    Path((topic, chat)): Path<(String, String)>,
    asked: Asked,
) -> Outcome {
    sim.once(&asked, |world, grant| {
        let chat = world.own(grant, &topic, &chat)?;
        world.remove(chat);
        world.stops_typing(grant, chat);
        Ok(world.wrote(200, chat, "chats.delete.200"))
    })
}

impl World {
    /// A chat that the grant's agent may change or remove.
    fn own(&self, grant: GrantId, topic: &str, chat: &str) -> Result<ChatId, Refusal> {
        let topic = self.enter(grant, topic)?.id;
        let chat = self.chat_in(topic, chat)?;
        if chat.author != self.agent(grant) {
            return Err(refuse(403, "forbidden", "chats.403_not_own"));
        }
        if chat.deleted {
            return Err(refuse(404, "chat not found", "chats.404_deleted"));
        }
        Ok(chat.id)
    }

    fn stops_typing(&mut self, grant: GrantId, chat: ChatId) {
        let (me, topic) = (self.agent(grant), self.chats.get(&chat).map(|it| it.topic));
        if topic.is_some_and(|topic| self.typing.remove(&(topic, me))) {
            self.served("typing.cleared_by_write");
        }
    }

    /// What a write of a chat answers.
    fn wrote(&mut self, status: u16, chat: ChatId, line: &'static str) -> Answer {
        if self.options.top_level {
            self.served("write.top_level");
        }
        let text = self.chats.get(&chat).map(|it| it.plain.clone());
        Answer::with(status, self.chat_body(chat), line).noting(chat, text.as_deref())
    }

    /// A chat in records, and beside them where the options say so.
    pub(crate) fn chat_body(&self, chat: ChatId) -> Value {
        let Some(chat) = self.chats.get(&chat) else {
            return Value::Null;
        };
        let mut records = Records::default().chat(self, chat);
        if let Some(topic) = self.topics.get(&chat.topic) {
            records = records.topic(topic);
        }
        let mut body = records.body();
        if self.options.top_level {
            body["chat"] = self.chat_json(chat);
            body["chat"]["topic_id"] = json!(chat.topic);
        }
        body
    }
}
