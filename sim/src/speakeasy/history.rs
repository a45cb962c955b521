//! Reading a topic: its history, single chats, its files.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::Asked,
    record::Chat,
    records::Records,
    world::World,
};

/// The document: "Page size is fixed at 100".
const PAGE: usize = 100;

/// `GET /agent/topics/{topic_id}/chats?cursor=`: newest timeline entry first.
pub(crate) async fn index(State(sim): State<Sim>, Path(topic): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        world.needs(grant, "topic_history")?;
        let topic = world.enter(grant, &topic)?;
        let end = before(asked.param("cursor"))?;
        let chats = world.timelines.range(..end).rev().filter_map(|(_, id)| world.chats.get(id));
        let mut page: Vec<&Chat> = chats.filter(|chat| chat.topic == topic.id).take(PAGE + 1).collect();
        let more = page.len() > PAGE;
        page.truncate(PAGE);
        let (facts, me) = (facts(world, &page), world.agent(grant));
        let mut records = Records::default().kind("chats").kind("timelines").topic(topic).participants(world, topic);
        for chat in &page {
            records = records.chat(world, chat);
            for child in world.topics.values().filter(|it| it.spawned_from == Some(chat.id) && it.has(&me)) {
                records = records.topic(child);
            }
        }
        let mut body = records.body();
        let last = page.last().filter(|_| more || world.options.cursor_until_empty);
        body["next_cursor"] = last.map_or(Value::Null, |chat| json!(chat.timeline.to_string()));
        for line in facts {
            world.served(line);
        }
        let line = match (more, body["next_cursor"].is_null()) {
            (true, _) => "history.200_more",
            (false, true) => "history.200_end",
            (false, false) => "history.200_last",
        };
        Ok(Answer::ok(body, line))
    })
}

/// The lines of the contract that a page serves by what is in it.
fn facts(world: &World, page: &[&Chat]) -> Vec<&'static str> {
    let spawned = |chat: &Chat| world.topics.values().any(|it| it.spawned_from == Some(chat.id));
    let facts = [
        ("history.reply", page.iter().any(|it| it.reply_to.is_some())),
        ("history.thread", page.iter().any(|it| spawned(it))),
        ("history.attachments", page.iter().any(|it| !it.attachments.is_empty())),
        ("history.deleted", page.iter().any(|it| it.deleted)),
    ];
    facts.into_iter().filter(|(_, there)| *there).map(|(line, _)| line).collect()
}

/// `id < cursor`: the exclusive end of a page.
fn before(cursor: Option<&str>) -> Result<u64, Refusal> {
    let bad = |_| refuse(400, "invalid cursor", "history.400_cursor");
    cursor.map_or(Ok(u64::MAX), |cursor| cursor.parse().map_err(bad))
}

/// `GET /agent/topics/{topic_id}/chats/{id}`.
pub(crate) async fn show(State(sim): State<Sim>, Path((topic, chat)): Path<(String, String)>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        world.needs(grant, "topic_history")?;
        let topic = world.enter(grant, &topic)?;
        let chat = world.chat_in(topic.id, &chat)?;
        let records = Records::default().topic(topic).participants(world, topic).chat(world, chat);
        Ok(Answer::ok(records.body(), "chats.show.200"))
    })
}

/// `GET /agent/topics/{topic_id}/files`.
pub(crate) async fn files(State(sim): State<Sim>, Path(topic): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        world.needs(grant, "topic_files_read")?;
        let topic = world.enter(grant, &topic)?.id;
        let blobs = world.chats.values().filter(|chat| chat.topic == topic).flat_map(|chat| &chat.attachments);
        let files: Vec<Value> = blobs.filter_map(|blob| world.attachment(*blob)).collect();
        Ok(Answer::ok(Records::default().files(topic, &files).body(), "files.index.200"))
    })
}

impl World {
    /// The chat in a path, where it is one of this topic.
    pub(crate) fn chat_in(&self, topic: u64, chat: &str) -> Result<&Chat, Refusal> {
        let found = chat.parse().ok().and_then(|id| self.chats.get(&id)).filter(|it| it.topic == topic);
        found.ok_or_else(|| refuse(404, "chat not found", "chats.404"))
    }
}
