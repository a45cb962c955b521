//! A platform of which every byte is the attacker's choice. It speaks just enough to be joined by a key.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::front::{Foul, Front};
use crate::bridge::Home;

/// What it says; each part may be changed while it runs.
struct Says {
    frames: Vec<u8>,
    /// What each dial of the stream gets in turn before the stream ends; empty: `frames`, and it stays.
    turns: Vec<Vec<u8>>,
    dials: usize,
    rooms: Value,
    page: Value,
}

/// Stops when dropped.
pub struct Platform {
    front: Front,
    says: Arc<Mutex<Says>>,
    dialled: Arc<Mutex<Vec<String>>>,
}

/// A message as the platform's stream and history have it.
pub fn message(id: &str, room: &str, more: &Value) -> Value {
    let mut message = json!({
        "type": "message.created", "id": id, "message_id": id, "channel_id": room, "text": "hello",
        "author_id": "u1", "author_name": "Ann", "author_type": "user", "created_at": "2026-03-22T18:00:00Z",
    });
    let own = message.as_object_mut().expect("an object");
    own.extend(more.as_object().cloned().unwrap_or_default());
    message
}

fn frames(messages: &[Value]) -> Vec<u8> {
    messages.iter().flat_map(|it| format!("event: message.created\ndata: {it}\n\n").into_bytes()).collect()
}

impl Platform {
    /// Its stream sends these messages, then stays; its list has these rooms.
    pub async fn of(messages: Vec<Value>, rooms: Vec<Value>) -> Self {
        let page = json!({ "messages": [], "has_more": false });
        let says =
            Says { frames: frames(&messages), turns: Vec::new(), dials: 0, rooms: json!({ "channels": rooms }), page };
        let (says, dialled) = (Arc::new(Mutex::new(says)), Arc::new(Mutex::new(Vec::new())));
        let front = Front::of("http://127.0.0.1:1").await;
        let (script, log) = (says.clone(), dialled.clone());
        front.rule(move |line| {
            log.lock().expect("no test panics while it holds this").push(line.to_owned());
            Some(answer(line, &mut script.lock().expect("no test panics while it holds this")))
        });
        Self { front, says, dialled }
    }

    /// From now on each dial of the stream gets the next of these, and then its end.
    pub fn turns(&self, turns: Vec<Vec<u8>>) {
        self.says.lock().expect("no test panics while it holds this").turns = turns;
    }

    /// From now on each history is this page.
    pub fn page(&self, page: Value) {
        self.says.lock().expect("no test panics while it holds this").page = page;
    }

    /// Every request line so far.
    pub fn dialled(&self) -> Vec<String> {
        self.dialled.lock().expect("no test panics while it holds this").clone()
    }

    /// All that the bridge sent, raw.
    pub fn heard(&self) -> String {
        self.front.passed()
    }

    /// Joins it as `acme`, by a key.
    pub async fn join(&self, home: &Home) {
        std::fs::write(home.path("key"), "ak_live_0123456789abcdef").expect("a key");
        let key = format!("api_key=@{}", home.path("key").display());
        home.ok(&["join", "agentunited", &self.front.origin, "--as", "acme", "--secret", &key]).await;
    }
}

fn answer(line: &str, says: &mut Says) -> Foul {
    let json = |value: &Value| Foul::whole("200 OK", "content-type: application/json\r\n", &value.to_string());
    let path = line.split(' ').nth(1).unwrap_or_default();
    if path.starts_with("/api/v1/events/stream") {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
        if says.turns.is_empty() {
            return Foul::Hang([head, says.frames.clone()].concat());
        }
        says.dials += 1;
        return Foul::Bytes([head, says.turns[says.dials % says.turns.len()].clone()].concat());
    }
    match path.split('?').next().unwrap_or_default() {
        "/api/v1/channels" => json(&says.rooms),
        path if path.ends_with("/messages") => json(&says.page),
        _ => json(&json!({})),
    }
}
