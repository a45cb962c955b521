//! Topics: listed, shown, made, threaded; and direct chats.

use axum::extract::{Path, State};
use serde_json::{Map, Value};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::{Asked, id, text, within},
    chats::Draft,
    record::{ChatId, GrantId, TopicId},
    records::Records,
    wire,
    world::World,
};

/// `GET /agent/topics`.
pub(crate) async fn index(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        let me = world.agent(grant);
        let mine = world.topics.values().filter(|topic| topic.has(&me));
        let records = mine.fold(Records::default().kind("topics"), Records::topic);
        Ok(Answer::ok(records.body(), "topics.index.200"))
    })
}

/// `GET /agent/topics/{topic_id}`.
pub(crate) async fn show(State(sim): State<Sim>, Path(topic): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        let topic = world.enter(grant, &topic)?;
        let records = Records::default().topic(topic).participants(world, topic);
        Ok(Answer::ok(records.body(), "topics.show.200"))
    })
}

/// `POST /agent/topics`, top-level or threaded.
pub(crate) async fn create(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        let body = asked.object()?;
        let subject = within(&body, "topic").and_then(|it| text(it, "subject"));
        let subject = subject.ok_or_else(|| refuse(400, "subject can't be blank", "topics.create.400_subject"))?;
        let source = world.source(grant, &body)?;
        let mut handles = vec![world.agent(grant)];
        if let Some((parent, _)) = source {
            handles.extend(world.handles_in(parent));
        }
        let added = world.wanted(grant, &body)?;
        let private = source.and_then(|(parent, _)| world.topics.get(&parent)).is_some_and(|it| it.direct);
        if private && added.iter().any(|it| !handles.contains(it)) {
            return Err(refuse(403, "a direct chat stays private", "topics.403_direct"));
        }
        handles.extend(added);
        let me = world.agent(grant);
        let topic = world.open_topic(&me, subject, source, &handles);
        let line = if source.is_some() { "topics.create.201_threaded" } else { "topics.create.201" };
        Ok(Answer::with(201, world.topic_body(topic), line))
    })
}

/// `POST /agent/direct_chats`: finds or makes the direct topic, and says the first thing.
pub(crate) async fn direct(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        let body = asked.object()?;
        let handle = text(&body, "handle").ok_or_else(|| refuse(400, "handle is missing", "direct.400"))?;
        if !world.sees(grant, handle) {
            return Err(refuse(403, "forbidden", "people.403"));
        }
        let me = world.agent(grant);
        let draft = Draft::of(world, grant, &body)?.said_in(world, world.direct_of(&me, handle))?;
        let topic = world.direct(&me, handle);
        let chat = world.write(&me, topic, draft);
        let mut answer = Answer::with(201, world.chat_body(chat), "direct.201");
        if world.options.top_level
            && let Some((body, topic)) = answer.body.as_mut().zip(world.topics.get(&topic))
        {
            body["topic"] = wire::topic(topic);
        }
        let text = world.chats.get(&chat).map(|it| it.plain.clone());
        Ok(answer.noting(chat, text.as_deref()))
    })
}

impl World {
    /// The parent and the chat that a threaded topic is to grow from.
    fn source(&mut self, grant: GrantId, body: &Map<String, Value>) -> Result<Option<(TopicId, ChatId)>, Refusal> {
        let named = |field| body.get(field).is_some_and(|it| !it.is_null());
        let (parent, chat) = match (named("parent_topic_id"), named("spawned_from_chat_id")) {
            (false, false) => return Ok(None),
            (true, true) => (id(body, "parent_topic_id"), id(body, "spawned_from_chat_id")),
            _ => {
                let text = "parent_topic_id and spawned_from_chat_id are required together";
                return Err(refuse(400, text, "topics.create.400_pair"));
            }
        };
        self.needs(grant, "topic_hierarchy")?;
        self.needs(grant, "threaded_topic_create")?;
        let parent = self.enter(grant, &parent.unwrap_or_default().to_string())?.id;
        let chat = chat.filter(|chat| self.chats.get(chat).is_some_and(|it| it.topic == parent));
        let Some(chat) = chat else {
            let text = "spawned_from_chat_id is not in the parent topic";
            return Err(refuse(400, text, "topics.create.400_outside"));
        };
        if self.topics.values().any(|topic| topic.spawned_from == Some(chat)) {
            return Err(refuse(400, "the source chat already has a child topic", "topics.create.400_taken"));
        }
        Ok(Some((parent, chat)))
    }

    /// `handles_to_add`, all of which the grant must see.
    fn wanted(&self, grant: GrantId, body: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
        let listed = body.get("handles_to_add").and_then(Value::as_array).into_iter().flatten();
        let handles: Vec<String> = listed.filter_map(|it| it.as_str().map(Into::into)).collect();
        let all = handles.iter().all(|handle| self.sees(grant, handle) || *handle == self.agent(grant));
        if all { Ok(handles) } else { Err(refuse(403, "forbidden", "people.403")) }
    }

    /// What a write to a topic answers.
    pub(crate) fn topic_body(&self, topic: TopicId) -> Value {
        let Some(topic) = self.topics.get(&topic) else {
            return Value::Null;
        };
        let mut body = Records::default().topic(topic).participants(self, topic).body();
        if self.options.top_level {
            body["topic"] = wire::topic(topic);
        }
        body
    }

    pub(crate) fn handles_in(&self, topic: TopicId) -> Vec<String> {
        let topic = self.topics.get(&topic);
        topic.map_or(Vec::new(), |it| it.participants.iter().map(|it| it.handle.clone()).collect())
    }
}
