//! A caller in memory: requests through the router, with a key or with nothing; and a receiver of webhooks.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use agent_bridge_sim::{
    agentworkspace::{AgentId, DocumentId, DocumentType, Options, ShareToken, Sim},
    contract,
    serve::ReplyLost,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Request, StatusCode},
};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::lines;

/// A status and the body's JSON; a text body is a JSON string.
pub type Reply = (u16, Value);
/// Lines of the contract that a story served.
pub type Served = BTreeSet<&'static str>;

/// An agent, its draft, and the share token of that.
pub struct House {
    pub sim: Sim,
    pub agent: AgentId,
    pub key: String,
    pub draft: DocumentId,
    pub token: ShareToken,
}

/// A wall clock that a test turns.
#[derive(Clone)]
pub struct Hands(Arc<AtomicU64>);

impl Hands {
    pub fn turn(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

/// Options whose wall time stands still until it is turned: 2026-03-20T10:00:00Z, the document's own time.
pub fn clocked() -> (Options, Hands) {
    let hands = Hands(Arc::new(AtomicU64::new(1_774_000_800_000)));
    let clock = hands.clone();
    (Options { wall: Arc::new(move || clock.0.load(Ordering::SeqCst)), ..Options::default() }, hands)
}

pub fn house(options: Options) -> House {
    let sim = Sim::new(options);
    let agent = sim.agent("Atlas");
    let draft = sim.document(&agent, "Trip to Italy", DocumentType::Draft, "Rome is the majority of it.");
    let token = sim.share(&draft);
    House { key: sim.api_key(&agent), sim, agent, draft, token }
}

impl House {
    /// What a story served; each answer is as its line of the contract says.
    pub fn close(&self, served: &mut Served) {
        lines::close(contract::AGENTWORKSPACE, &self.sim, served);
    }

    pub async fn ask(&self, method: &str, path: &str, key: Option<&str>, body: impl Into<Body>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.header("content-type", "application/json").body(body.into()).expect("a request");
        let Ok(response) = self.sim.router().oneshot(request).await;
        assert!(response.extensions().get::<ReplyLost>().is_none(), "the reply was lost");
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
        let text = || String::from_utf8_lossy(&bytes).into_owned().into();
        (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
    }

    /// With the agent's key, below `/api/v1`.
    pub async fn own(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask(method, &format!("/api/v1{path}"), Some(&self.key), body).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.own("GET", path, Value::Null).await
    }

    /// Below the share token.
    pub async fn shared(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask(method, &format!("/api/share/{}{path}", self.token), None, body).await
    }
}

/// Status and error text.
pub fn error(reply: &Reply) -> (u16, &str) {
    (reply.0, reply.1["error"].as_str().unwrap_or_default())
}

/// The fields that a validation error names.
pub fn issues(reply: &Reply) -> Vec<&str> {
    assert_eq!(error(reply), (400, "Validation failed"), "{}", reply.1);
    reply.1["issues"].as_array().expect("issues").iter().filter_map(|it| it["path"].as_str()).collect()
}

/// The fields of an object, sorted.
pub fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

/// A webhook as it came in.
pub type Letter = (HeaderMap, Bytes);

/// What came in, and what each is answered; 200 when nothing is said.
#[derive(Clone, Default)]
pub struct Receiver {
    letters: Arc<Mutex<Vec<Letter>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().expect("no panic").clone()
    }

    /// The statuses of the next answers.
    pub fn answers(&self, statuses: &[u16]) {
        *self.answers.lock().expect("no panic") = statuses.to_vec();
    }

    pub fn router(&self) -> Router {
        async fn take(State(own): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
            own.letters.lock().expect("no panic").push((headers, body));
            let mut answers = own.answers.lock().expect("no panic");
            let status = if answers.is_empty() { 200 } else { answers.remove(0) };
            StatusCode::from_u16(status).expect("a status")
        }
        Router::new().fallback(take).with_state(self.clone())
    }
}
