//! Reading messages: a room's pages, newest first, and searching.

use std::collections::HashMap;

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
};
use serde_json::json;

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    options::DeletedCursor,
    rooms::list,
    wire,
    world::{Message, World},
};
use crate::ids::well_formed;

/// The largest page, and the one that is given unasked.
const PAGE: (usize, usize) = (100, 50);

/// `GET /channels/{id}/messages?limit&before`: newest first.
pub(crate) async fn history(
    State(sim): State<Sim>,
    Path(room): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        world.enter(me, &room)?;
        let limit = limit(&query)?;
        let end = world.page_end(&room, query.get("before").map(String::as_str))?;
        let mut page = world.rooms.get(&room).map_or(Vec::new(), |it| it.before(end, limit + 1));
        let has_more = page.len() > limit || world.options.repeats_pages;
        page.truncate(limit);
        world.mark(if page.is_empty() { "history.null" } else { "history.200" });
        if has_more {
            world.mark("history.has_more");
        }
        let page = page.iter().map(|message| wire::message(world, message)).collect();
        Ok(Answer::plain(200, json!({"messages": list(page), "has_more": has_more})))
    })
}

fn limit(query: &HashMap<String, String>) -> Result<usize, Refusal> {
    let Some(limit) = query.get("limit") else {
        return Ok(PAGE.1);
    };
    let limit = limit.parse().ok().filter(|it| (1..=PAGE.0).contains(it));
    limit.ok_or_else(|| refuse(400, "limit must be between 1 and 100", "history.400_limit"))
}

impl World {
    /// The place before which a page ends.
    fn page_end(&mut self, room: &str, before: Option<&str>) -> Result<u64, Refusal> {
        let Some(id) = before.filter(|_| !self.options.repeats_pages) else {
            return Ok(u64::MAX);
        };
        if !well_formed(id) {
            return Err(refuse(500, "internal server error", "malformed.500"));
        }
        self.mark("history.before");
        let place = self.place(id).filter(|(at, _)| at == room);
        let gone = self.message(id).is_none();
        match place {
            Some(_) if gone && self.options.deleted_cursor == DeletedCursor::Nothing => Ok(0),
            Some((_, seq)) => Ok(seq),
            None => Ok(0),
        }
    }
}

/// `GET /messages/search?q&channel_id`.
pub(crate) async fn search(
    State(sim): State<Sim>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        let words = query.get("q").filter(|q| !q.is_empty());
        let words = words.ok_or_else(|| refuse(400, "q is required", "search.400"))?;
        if let Some(room) = query.get("channel_id") {
            world.enter(me, room)?;
        }
        let asked = |id: &str| query.get("channel_id").is_none_or(|it| it == id);
        let mine = world.rooms.values().filter(|it| asked(&it.id) && world.member(me, &it.id));
        let mut found: Vec<&Message> = mine.flat_map(|room| room.messages.values()).collect();
        found.retain(|message| message.text.contains(words.as_str()));
        found.sort_by_key(|message| std::cmp::Reverse(message.seq));
        found.truncate(PAGE.0);
        let found = found.into_iter().map(|message| wire::message(world, message)).collect();
        world.mark("search.200");
        Ok(Answer::plain(200, json!({"messages": list(found)})))
    })
}
