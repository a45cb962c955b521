//! A caller in memory: requests through the router, as an agent or as nobody.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use agent_bridge_sim::{
    contract,
    serve::ReplyLost,
    speakeasy::{GrantId, Options, Sim, TopicId},
};
use axum::{
    body::Body,
    http::{Request, Response},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::lines;

/// A status and the body's JSON (`null` when it is none).
pub type Reply = (u16, Value);
/// Lines of the contract that a story served.
pub type Served = BTreeSet<&'static str>;

pub const PIERRE: &str = "pierre@people.test";
pub const ANNA: &str = "anna@people.test";

/// A wall clock that a test turns.
#[derive(Clone)]
pub struct Hands(Arc<AtomicU64>);

impl Hands {
    pub fn turn(&self, minutes: u64) {
        self.0.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }
}

/// A platform whose wall time stands still until it is turned.
pub fn clocked(options: Options) -> (Sim, Hands) {
    // 2026-04-07T12:00:00Z, the document's own time.
    let hands = Hands(Arc::new(AtomicU64::new(1_775_563_200_000)));
    let clock = hands.clone();
    (Sim::new(Options { wall: Arc::new(move || clock.0.load(Ordering::SeqCst)), ..options }), hands)
}

/// Somebody with an access token, or without.
#[derive(Clone)]
pub struct Caller {
    pub sim: Sim,
    pub token: String,
}

/// An agent of Pierre, and a topic with both of them and Anna.
pub struct House {
    pub sim: Sim,
    pub agent: Caller,
    pub grant: GrantId,
    pub handle: String,
    pub topic: TopicId,
}

pub fn house(options: Options) -> House {
    let sim = Sim::new(options);
    let (pierre, anna) = (sim.person(PIERRE, "Pierre"), sim.person(ANNA, "Anna"));
    let grant = sim.grant(&pierre, "Echo", None);
    let handle = sim.agent(grant);
    let topic = sim.topic("Sprint planning", &[&pierre, &anna, &handle]);
    let agent = Caller { sim: sim.clone(), token: sim.access_token(grant) };
    House { sim, agent, grant, handle, topic }
}

impl House {
    /// A path below the topic.
    pub fn at(&self, path: &str) -> String {
        format!("/agent/topics/{}{path}", self.topic)
    }

    /// The agent says something; returns the chat's id.
    pub async fn says(&self, text: &str) -> u64 {
        let (status, body) = self.agent.post(&self.at("/chats"), json!({"chat": {"text": text}})).await;
        assert_eq!(status, 201, "{body}");
        body["records"]["chats"]["data"].as_object().and_then(|it| it.keys().next()?.parse().ok()).expect("a chat")
    }
}

impl Caller {
    pub fn stranger(sim: &Sim) -> Self {
        Self { sim: sim.clone(), token: String::new() }
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.sim.router().oneshot(request).await;
        response
    }

    /// A request with extra headers; a path that begins with `/` is below `/api/v1`, others are whole URLs.
    /// JSON below `/api/v1`, unless a header says otherwise.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
        let uri = if path.starts_with('/') { format!("/api/v1{path}") } else { path.to_owned() };
        let mut request = Request::builder().method(method).uri(uri);
        if !self.token.is_empty() {
            request = request.header("x-auth-token", &self.token);
        }
        let said = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if path.starts_with('/') && !said {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.send(request.body(body.into()).expect("a request")).await;
        assert!(response.extensions().get::<ReplyLost>().is_none(), "the reply was lost");
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask("POST", path, &[], body.to_string()).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.ask("PATCH", path, &[], body.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.ask("DELETE", path, &[], Body::empty()).await
    }

    /// A page of the log: the events and the next cursor.
    pub async fn poll(&self, cursor: Option<&str>) -> (Vec<Value>, Value) {
        let path = cursor.map_or("/agent/events".into(), |it| format!("/agent/events?cursor={it}"));
        let (status, body) = self.get(&path).await;
        assert_eq!(status, 200, "{body}");
        (body["events"].as_array().expect("a list").clone(), body["next_cursor"].clone())
    }
}

/// Status and error text.
pub fn error(reply: &Reply) -> (u16, &str) {
    (reply.0, reply.1["error"].as_str().unwrap_or_default())
}

/// The fields of an object, sorted.
pub fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

/// What a story served; each answer is as its line of the contract says, and came to the route that stands there.
pub fn close(sim: &Sim, served: &mut Served) {
    for (entry, id) in sim.log().iter().flat_map(|entry| entry.lines.iter().map(move |id| (entry, *id))) {
        let line = contract::lines(contract::SPEAKEASY).find(|it| it.id == id).expect("a line");
        // Some lines are of many requests, in words.
        let route = line.request.split_once(" /").is_some_and(|(method, _)| method == entry.method);
        assert!(!route || line.request == format!("{} {}", entry.method, entry.route), "{id}: {entry:?}");
    }
    lines::close(contract::SPEAKEASY, sim, served);
}
