//! Who is in a topic, and who types there.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, refuse},
    asked::{Asked, text},
    records::Records,
};

/// `GET /agent/topics/{topic_id}/participants`.
pub(crate) async fn index(State(sim): State<Sim>, Path(topic): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        world.needs(grant, "topic_participants_read")?;
        let topic = world.enter(grant, &topic)?;
        let records = Records::default().topic(topic).participants(world, topic);
        Ok(Answer::ok(records.body(), "participants.index.200"))
    })
}

/// `POST /agent/topics/{topic_id}/participants`.
pub(crate) async fn add(State(sim): State<Sim>, Path(topic): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        let body = asked.object()?;
        let topic = world.enter(grant, &topic)?;
        let (id, direct) = (topic.id, topic.direct);
        let handle = text(&body, "handle");
        let handle = handle.ok_or_else(|| refuse(400, "handle is missing", "participants.add.400"))?;
        if topic.has(handle) {
            return Ok(Answer::ok(world.topic_body(id), "participants.add.200_there"));
        }
        if direct {
            return Err(refuse(403, "a direct chat stays private", "topics.403_direct"));
        }
        if !world.sees(grant, handle) {
            return Err(refuse(403, "forbidden", "people.403"));
        }
        let me = world.agent(grant);
        world.join(&me, id, handle);
        Ok(Answer::with(201, world.topic_body(id), "participants.add.201"))
    })
}

/// `PATCH /agent/topics/{topic_id}/typing`.
pub(crate) async fn typing(State(sim): State<Sim>, Path(topic): Path<String>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        world.needs(grant, "typing_indicator")?;
        let topic = world.enter(grant, &topic)?.id;
        let typing = asked.object()?.get("typing").and_then(Value::as_bool);
        let typing = typing.ok_or_else(|| refuse(400, "typing must be true or false", "typing.400"))?;
        let mark = (topic, world.agent(grant));
        if typing {
            world.typing.insert(mark);
        } else {
            world.typing.remove(&mark);
            world.served("typing.cleared");
        }
        Ok(Answer::ok(json!({"typing": typing}), "typing.200"))
    })
}
