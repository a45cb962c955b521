//! A platform that is an event log in memory, and a script of how it goes wrong.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Events of one page.
const PAGE: usize = 10;

/// What the next request is answered instead of a page.
#[derive(Clone, Debug)]
pub enum Odd {
    /// This status and body.
    Answer(u16, &'static str),
    /// The same, with `Retry-After`.
    Later(u16, &'static str),
    /// A page as it is.
    Page,
    /// A page as it is, but its `next_cursor` is this.
    Next(Value),
    /// A page as it is, once somebody [lets it go](Ledger::let_go).
    Held,
    /// This status, once somebody lets it go.
    HeldThen(u16),
    /// A page as it is, but its `next_cursor` is another one each time, though it leads to the same place.
    Moves,
}

#[derive(Default)]
struct World {
    /// Id, whether it can be seen, the event.
    events: Vec<(u64, bool, Value)>,
    written: u64,
    odd: VecDeque<Odd>,
    /// Every request, until this is taken back.
    always: Option<Odd>,
    asked: Vec<Option<String>>,
    /// Cursors of another age are refused.
    age: u32,
    /// And this one.
    refused: Option<String>,
    /// These events are counted into their pages, and nobody sees them there.
    withheld: Vec<u64>,
    /// Who takes part in topics.
    people: BTreeMap<String, Vec<String>>,
    /// The topics whose people were asked for.
    wondered: Vec<String>,
    /// How such requests are answered, until this is taken back.
    shy: Option<Odd>,
    /// Something happens elsewhere at each request.
    busy: bool,
    /// So many requests are answered, and no further one.
    left: Option<usize>,
}

/// The platform.
#[derive(Clone, Default)]
pub struct Ledger {
    world: Arc<Mutex<World>>,
    held: Arc<Notify>,
}

impl Ledger {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn router(&self) -> Router {
        Router::new().route("/events", get(events)).route("/topics/{id}/people", get(people)).with_state(self.clone())
    }

    /// The number of the newest event.
    pub fn head(&self) -> u64 {
        41 + self.world().written
    }

    /// Something happens at this time (RFC 3339); returns the event.
    pub fn happens(&self, kind: &str, topic: &Value, at: &str, payload: Value) -> Value {
        self.write(kind, topic, at, payload, true)
    }

    /// The same, but nobody sees it before it is [shown](Self::show).
    pub fn happens_unseen(&self, kind: &str, topic: &Value, at: &str, payload: Value) -> Value {
        self.write(kind, topic, at, payload, false)
    }

    fn write(&self, kind: &str, topic: &Value, at: &str, payload: Value, seen: bool) -> Value {
        let id = self.head() + 1;
        let mut event = json!({
            "id": id, "event_id": id, "event_type": kind, "occurred_at": at, "topic_id": topic,
            "chat_id": payload["chat"]["id"], "actor_handle": "ann@x.example",
        });
        event["payload"] = payload;
        let mut world = self.world();
        world.written += 1;
        world.events.push((id, seen, event.clone()));
        drop(world);
        event
    }

    /// These people take part in a topic from now on.
    pub fn gathers(&self, topic: u64, handles: &[&str]) {
        let handles = handles.iter().map(|&handle| handle.to_owned()).collect();
        self.world().people.insert(topic.to_string(), handles);
    }

    /// The topics whose people were asked for, in order.
    pub fn wondered(&self) -> Vec<String> {
        self.world().wondered.clone()
    }

    /// Whoever asks for people is answered so, or as it is again.
    pub fn is_shy(&self, odd: Option<Odd>) {
        self.world().shy = odd;
    }

    /// What nobody could see can be seen.
    pub fn show(&self) {
        self.world().events.iter_mut().for_each(|(_, seen, _)| *seen = true);
    }

    /// This event takes its place on a page, and nobody sees it there.
    pub fn withholds(&self, event: &Value) {
        self.world().withheld.push(event["event_id"].as_u64().unwrap());
    }

    /// All of the log up to this id is gone.
    pub fn forget(&self, up_to: u64) {
        self.world().events.retain(|(id, ..)| *id > up_to);
    }

    /// Cursors that were given so far are refused.
    pub fn refuse_cursors(&self) {
        self.world().age += 1;
    }

    /// This cursor is refused, and no other.
    pub fn refuses_only(&self, cursor: Option<&str>) {
        self.world().refused = cursor.map(str::to_owned);
    }

    /// So many requests are answered; the others wait for ever. `None`: all are answered.
    pub fn answers(&self, left: Option<usize>) {
        self.world().left = left;
    }

    /// Each request for the log finds something that has happened just now, or no longer.
    pub fn is_busy(&self, busy: bool) {
        self.world().busy = busy;
    }

    /// The next requests are answered so.
    pub fn next(&self, odd: impl IntoIterator<Item = Odd>) {
        self.world().odd.extend(odd);
    }

    /// Every request is answered so, or no longer.
    pub fn always(&self, odd: Option<Odd>) {
        self.world().always = odd;
    }

    /// Answers what was held.
    pub fn let_go(&self) {
        self.held.notify_one();
    }

    /// The cursor of every request so far.
    pub fn asked(&self) -> Vec<Option<String>> {
        self.world().asked.clone()
    }

    /// Another cursor that leads where this one does.
    fn moved(&self, cursor: &Value) -> String {
        let world = self.world();
        let place = cursor.as_str().and_then(|cursor| cursor.rsplit(' ').next()).unwrap_or("0").trim_start_matches('0');
        format!("age {}: {}{place}", world.age, "0".repeat(world.asked.len() + 1))
    }

    fn page(&self, cursor: Option<&str>) -> Response {
        let world = self.world();
        let refuses = cursor.is_some() && cursor == world.refused.as_deref();
        let after = match cursor.map(|cursor| cursor.strip_prefix(&format!("age {}: ", world.age))) {
            _ if refuses => return (StatusCode::BAD_REQUEST, "invalid cursor").into_response(),
            None => 0,
            Some(Some(id)) => id.parse::<u64>().unwrap(),
            Some(None) => return (StatusCode::BAD_REQUEST, Json(json!({ "error": "Invalid cursor" }))).into_response(),
        };
        let mut seen: Vec<_> = world.events.iter().filter(|(id, seen, _)| *seen && *id > after).collect();
        seen.sort_by_key(|(id, ..)| *id);
        seen.truncate(PAGE);
        let last = seen.last().map(|(id, ..)| format!("age {}: {id}", world.age));
        seen.retain(|(id, ..)| !world.withheld.contains(id));
        let events: Vec<_> = seen.into_iter().map(|(.., event)| event.clone()).collect();
        Json(json!({ "events": events, "next_cursor": last.as_deref().or(cursor) })).into_response()
    }
}

#[derive(serde::Deserialize)]
struct From {
    cursor: Option<String>,
}

async fn events(State(ledger): State<Ledger>, Query(From { cursor }): Query<From>) -> Response {
    let busy = ledger.world().busy;
    if busy {
        let chat = json!({ "chat": { "id": format!("busy {}", ledger.head()), "plain": "busy" } });
        ledger.happens("chat.created", &json!(9), "2026-03-22T18:00:01Z", chat);
    }
    let (odd, answered) = {
        let mut world = ledger.world();
        world.asked.push(cursor.clone());
        let answered = world.left != Some(0);
        world.left = world.left.map(|left| left.saturating_sub(1));
        (world.odd.pop_front().or_else(|| world.always.clone()), answered)
    };
    if !answered {
        std::future::pending::<()>().await;
    }
    match odd {
        None | Some(Odd::Page) => ledger.page(cursor.as_deref()),
        Some(Odd::Answer(status, body)) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Some(Odd::Later(status, after)) => {
            (StatusCode::from_u16(status).unwrap(), [(header::RETRY_AFTER, after)], "").into_response()
        }
        Some(Odd::HeldThen(status)) => {
            ledger.held.notified().await;
            StatusCode::from_u16(status).unwrap().into_response()
        }
        Some(odd @ (Odd::Next(_) | Odd::Moves)) => {
            let page = ledger.page(cursor.as_deref()).into_body();
            let body = axum::body::to_bytes(page, usize::MAX).await.unwrap();
            let mut page: Value = serde_json::from_slice(&body).unwrap();
            page["next_cursor"] = match odd {
                Odd::Next(next) => next,
                _ => ledger.moved(&page["next_cursor"]).into(),
            };
            Json(page).into_response()
        }
        Some(Odd::Held) => {
            // What the page has is what there was when it was asked for.
            let page = ledger.page(cursor.as_deref());
            ledger.held.notified().await;
            page
        }
    }
}

async fn people(State(ledger): State<Ledger>, Path(topic): Path<String>) -> Response {
    let odd = {
        let mut world = ledger.world();
        world.wondered.push(topic.clone());
        world.shy.clone()
    };
    // What the answer has is what there was when it was asked for.
    let people = ledger.world().people.get(&topic).cloned();
    match odd {
        Some(Odd::Answer(status, body)) => return (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Some(Odd::Later(status, after)) => {
            return (StatusCode::from_u16(status).unwrap(), [(header::RETRY_AFTER, after)], "").into_response();
        }
        Some(Odd::Held) => ledger.held.notified().await,
        Some(Odd::Page | Odd::Next(_) | Odd::HeldThen(_) | Odd::Moves) | None => {}
    }
    let Some(people) = people else { return StatusCode::NOT_FOUND.into_response() };
    let records: BTreeMap<String, Value> =
        people.iter().enumerate().map(|(no, handle)| (no.to_string(), json!({ "id": no, "handle": handle }))).collect();
    Json(json!({ "records": { "people": { "data": records } } })).into_response()
}
