//! Posting, changing and removing messages.

use axum::{
    body::Bytes,
    extract::{FromRequest as _, Multipart, Path, Request, State},
    http::{HeaderMap, header},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, missing, refuse},
    joining::{object, text},
    wire,
    world::{Message, World},
};
use crate::ids::well_formed;

/// The platform's text limit, in bytes.
const TEXT: usize = 10_000;
/// The platform's file limit, in bytes.
const FILE: usize = 10 << 20;
/// What somebody wants to post.
struct Draft {
    text: Option<String>,
    file: Option<(String, usize)>,
}

/// `POST /channels/{id}/messages`, JSON or multipart.
pub(crate) async fn post(
    State(sim): State<Sim>,
    Path(room): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Outcome {
    // A stranger's body is not worth reading.
    sim.signed_in(&headers, |world, me| world.enter(me, &room).map(|_| Answer::plain(204, None)))?;
    let draft = draft(request).await;
    sim.signed_in(&headers, |world, me| {
        let draft = draft?;
        let text = checked(draft.text.as_deref(), draft.file.is_some())?;
        if world.crashes_by_post(&room) {
            let mut refusal: Refusal = refuse(500, "internal server error", "messages.post.crash");
            refusal.noted.facts.crash = true;
            world.cut_streams();
            return Err(refusal);
        }
        let file = draft.file.is_some();
        let message = world.store(me, &room, text, draft.file);
        world.publish(&message, "message.created");
        world.mark(if file { "messages.post.multipart" } else { "messages.post.201" });
        let body = reply(world, &message);
        Ok(Answer::plain(201, body).noting(&message.id, Some(text)))
    })
}

/// The document does not show this answer; each dialect answers in the shape of its events.
fn reply(world: &World, message: &Message) -> Value {
    let mut body = wire::message(world, message);
    if world.documented() {
        body["message_id"] = body["id"].take();
        if let Some(body) = body.as_object_mut() {
            body.remove("id");
        }
        return body;
    }
    json!({"message": body})
}

async fn draft(request: Request) -> Result<Draft, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if kind.is_some_and(|it| it.starts_with("multipart/form-data")) {
        return form(request).await;
    }
    let bad = || refuse(400, "invalid request body", "body.400");
    let body = Bytes::from_request(request, &()).await.map_err(|_| bad())?;
    let body = object(&body)?;
    Ok(Draft { text: text(&body, "text").map(Into::into), file: None })
}

async fn form(request: Request) -> Result<Draft, Refusal> {
    let bad = || refuse(400, "invalid request body", "body.400");
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| bad())?;
    let mut draft = Draft { text: None, file: None };
    while let Some(field) = form.next_field().await.map_err(|_| bad())? {
        let (name, file) = (field.name().map(String::from), field.file_name().map(String::from));
        let bytes = field.bytes().await.map_err(|_| refuse(413, "file too large", "messages.post.413_file"))?;
        match name.as_deref() {
            Some("text") => draft.text = Some(String::from_utf8_lossy(&bytes).into_owned()),
            Some("file") if bytes.len() > FILE => {
                return Err(refuse(413, "file too large", "messages.post.413_file"));
            }
            Some("file") => draft.file = Some((file.unwrap_or_else(|| "file".into()), bytes.len())),
            _ => {}
        }
    }
    draft.text = draft.text.filter(|text| !text.is_empty());
    Ok(draft)
}

/// The text, if the platform takes it.
fn checked(text: Option<&str>, file: bool) -> Result<&str, Refusal> {
    let line = if file { "messages.post.400_file_alone" } else { "messages.post.400_empty" };
    let text = text.ok_or_else(|| missing("CreateMessageRequest", "Text", line))?;
    if text.len() > TEXT {
        return Err(refuse(400, "text must be at most 10000 bytes", "messages.post.400_long"));
    }
    if text.contains('\0') {
        return Err(refuse(500, "internal server error", "messages.post.500_nul"));
    }
    Ok(text)
}

impl World {
    /// Counts a post, and says whether it is the one that brings the server down.
    fn crashes_by_post(&mut self, room: &str) -> bool {
        let (crash, now) = (self.options.crash, Instant::now());
        let Some(room) = self.rooms.get_mut(room) else {
            return false;
        };
        room.posts.push_back(now);
        room.posts.retain(|at| now.duration_since(*at) < crash.within);
        let over = room.posts.len() > crash.posts;
        if over {
            room.posts.clear();
            self.crashes += 1;
        }
        over && crash.refuse
    }

    /// A message that `me` may change or remove.
    fn own(&self, me: &str, id: &str) -> Result<Message, Refusal> {
        if !well_formed(id) {
            return Err(refuse(500, "internal server error", "malformed.500"));
        }
        let Some(message) = self.message(id) else {
            return Err(refuse(404, "message not found", "messages.404"));
        };
        if message.author_id != me {
            return Err(refuse(403, "forbidden", "messages.403_not_yours"));
        }
        Ok(message)
    }

    /// Changes a message and tells the streams.
    pub(crate) fn revise(&mut self, id: &str, text: &str) -> bool {
        let now = self.now();
        let Some((room, seq)) = self.places.get(id).cloned() else {
            return false;
        };
        let room = self.rooms.get_mut(&room);
        let Some(message) = room.and_then(|room| room.messages.get_mut(&seq)) else {
            return false;
        };
        text.clone_into(&mut message.text);
        // Two edits within a millisecond are two revisions all the same.
        message.updated = now.max(message.updated + 1);
        let message = message.clone();
        self.publish(&message, "message.updated");
        true
    }

    /// Removes a message and tells nobody.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let Some((room, seq)) = self.places.get(id).cloned() else {
            return false;
        };
        self.rooms.get_mut(&room).is_some_and(|room| room.messages.remove(&seq).is_some())
    }
}

/// `PATCH /messages/{id}`.
pub(crate) async fn edit(State(sim): State<Sim>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        let body = object(&body)?;
        let text = checked(text(&body, "text"), false)?;
        let message = world.own(me, &id)?;
        world.revise(&message.id, text);
        world.mark("messages.patch.200");
        let changed = world.message(&id).unwrap_or(message);
        Ok(Answer::plain(200, reply(world, &changed)).noting(&id, Some(text)))
    })
}

/// `DELETE /messages/{id}`.
pub(crate) async fn delete(State(sim): State<Sim>, Path(id): Path<String>, headers: HeaderMap) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        world.own(me, &id)?;
        world.remove(&id);
        world.mark("messages.delete.204");
        Ok(Answer::plain(204, None).noting(&id, None))
    })
}
