//! Rooms and people: channels, DMs, members, users, read marks, and the door of the stream.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, missing, refuse},
    gate::relay_says,
    joining::{object, text},
    log::{Facts, Noted},
    options::UnknownCursor,
    world::{Account, Room, World},
};
use crate::{feed, ids::well_formed};

/// A list as the server writes it: an empty one is `null`.
pub(crate) fn list(items: Vec<Value>) -> Value {
    if items.is_empty() { Value::Null } else { Value::Array(items) }
}

fn room_json(room: &Room) -> Value {
    json!({
        "id": room.id,
        "name": room.name,
        "topic": "",
        "type": if room.dm { "dm" } else { "channel" },
        "member_count": room.members.len(),
        "unread_count": 0,
    })
}

fn account_json(account: &Account) -> Value {
    json!({"id": account.id, "email": account.email, "display_name": account.name})
}

impl World {
    /// The room, where the caller may use it: 500 for a malformed id, 403 for all else.
    pub(crate) fn enter(&self, me: &str, room: &str) -> Result<&Room, Refusal> {
        if !well_formed(room) {
            return Err(refuse(500, "internal server error", "malformed.500"));
        }
        let known = self.rooms.contains_key(room);
        match self.rooms.get(room).filter(|_| self.member(me, room)) {
            Some(found) => Ok(found),
            None if known => Err(refuse(403, "forbidden", "room.403_not_member")),
            None => Err(refuse(403, "forbidden", "room.403_unknown")),
        }
    }
}

/// `GET /channels`.
pub(crate) async fn channels(State(sim): State<Sim>, headers: HeaderMap) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        let mine = world.rooms.values().filter(|room| world.member(me, &room.id));
        let rooms: Vec<Value> = mine.map(room_json).collect();
        world.mark(if rooms.is_empty() { "channels.null" } else { "channels.200" });
        Ok(Answer::plain(200, json!({"channels": list(rooms)})))
    })
}

/// `GET /channels/{id}/members`.
pub(crate) async fn members(State(sim): State<Sim>, Path(room): Path<String>, headers: HeaderMap) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        let ids = world.enter(me, &room)?.members.iter();
        let members = ids.filter_map(|id| world.accounts.get(id)).map(account_json).collect();
        world.mark("members.200");
        Ok(Answer::plain(200, json!({"members": list(members)})))
    })
}

/// `GET /users`.
pub(crate) async fn users(State(sim): State<Sim>, headers: HeaderMap) -> Outcome {
    sim.signed_in(&headers, |world, _| {
        world.mark("users.200");
        let users = world.accounts.values().map(account_json).collect();
        Ok(Answer::plain(200, json!({"users": list(users)})))
    })
}

/// `POST /channels/{id}/read`.
pub(crate) async fn read(State(sim): State<Sim>, Path(room): Path<String>, headers: HeaderMap) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        world.enter(me, &room)?;
        world.mark("read.204");
        Ok(Answer::plain(204, None))
    })
}

/// `POST /dm`: the DM with a user, made where there is none.
pub(crate) async fn dm(State(sim): State<Sim>, headers: HeaderMap, body: Bytes) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        let body = object(&body)?;
        let other = text(&body, "user_id").ok_or_else(|| missing("DMRequest", "UserID", "body.400"))?;
        if !well_formed(other) {
            return Err(refuse(500, "internal server error", "malformed.500"));
        }
        if !world.accounts.contains_key(other) {
            return Err(refuse(404, "user not found", "dm.404"));
        }
        // A made agent talks in its owner's name: the owner is in the room.
        let owner = world.accounts.get(me).and_then(|it| it.owner.clone());
        let id = world.direct(other, owner.as_deref().unwrap_or(me));
        world.mark("dm.200");
        let channel = world.rooms.get(&id).map(room_json);
        Ok(Answer::plain(200, json!({"channel": channel})))
    })
}

/// `GET /events/stream`.
pub(crate) async fn events(State(sim): State<Sim>, headers: HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    let streams = accepts.is_some_and(|it| it.contains("text/event-stream"));
    if !streams && sim.look(|world| world.options.relay) {
        // Buffered by the relay, which gives up on it.
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        sim.with(|world| world.mark("relay.buffered"));
        return relay_says(504);
    }
    let opened = sim.with(|world| {
        let caller = world.caller(&headers, true)?;
        let cursor = world.cursor(&headers)?;
        let facts = Facts { authenticated_as: Some(caller.id.clone()), ..Facts::default() };
        Ok::<_, Refusal>((world.open_stream(&caller.id, cursor, caller.lasts), Noted { facts, ..Noted::default() }))
    });
    match opened {
        Ok((body, noted)) => feed::response(body, noted),
        Err(refusal) => refusal.into_response(),
    }
}

impl World {
    /// The place after which to replay; the observed server ignores the header.
    fn cursor(&mut self, headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
        let last = headers.get("last-event-id").map(|it| String::from_utf8_lossy(it.as_bytes()));
        let Some(last) = last.filter(|it| !it.is_empty()) else {
            return Ok(None);
        };
        if !self.documented() {
            self.mark("stream.observed.ignores_cursor");
            return Ok(None);
        }
        let place = self.place(&last).map(|(_, seq)| seq).filter(|seq| *seq >= self.forgotten);
        match (place, self.options.unknown_cursor) {
            (Some(seq), _) => Ok(Some(seq)),
            (None, UnknownCursor::Live) => Ok(None),
            (None, UnknownCursor::Everything) => Ok(Some(0)),
            (None, UnknownCursor::Refuse) => Err(refuse(400, "unknown Last-Event-ID", "stream.400_cursor")),
        }
    }
}
