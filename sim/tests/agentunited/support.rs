//! A caller in memory: requests through the router, streams read event by event.

use crate::listener::Listener;
use agent_bridge_sim::{agentunited::Sim, serve::ReplyLost};
use axum::{
    body::Body,
    http::{Request, Response, header},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A status and the body's JSON (`null` when it is none).
pub type Reply = (u16, Value);

/// Somebody with a credential, or without.
#[derive(Clone)]
pub struct Caller {
    pub sim: Sim,
    pub credential: String,
}

/// The token in an invite link.
pub fn token(link: &str) -> String {
    link.split("token=").nth(1).expect("a token").replace("%3D", "=")
}

impl Caller {
    pub fn stranger(sim: &Sim) -> Self {
        Self { sim: sim.clone(), credential: String::new() }
    }

    /// Accepts an invite in the document's dialect; returns the member and its DM.
    pub async fn join(sim: &Sim) -> (Self, String) {
        let link = sim.invite(Some("Agent@workspace.test"));
        let body = json!({"token": token(&link), "display_name": "Echo", "password": "correct horse battery"});
        let (status, body) = Self::stranger(sim).post("/invite/accept", body).await;
        assert_eq!(status, 200, "{body}");
        let credential = body["jwt_token"].as_str().expect("a token").into();
        let dm = body["dm_channel_id"].as_str().unwrap_or_default().into();
        (Self { sim: sim.clone(), credential }, dm)
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.sim.router().oneshot(request).await;
        response
    }

    pub fn request(&self, method: &str, path: &str, body: Body) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if !self.credential.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.credential));
        }
        request.body(body).expect("a request")
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        read(self.send(self.request(method, path, body)).await).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }

    /// Posts a form with an optional text and a file.
    pub async fn form(&self, path: &str, text: Option<&str>, file: usize) -> Reply {
        let part = |text| format!("--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n");
        let mut body = text.map_or(String::new(), part);
        body.push_str("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n");
        body.push_str(&"f".repeat(file));
        body.push_str("\r\n--B--\r\n");
        let mut request = self.request("POST", path, Body::from(body));
        let kind = "multipart/form-data; boundary=B".parse().expect("a header");
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        read(self.send(request).await).await
    }

    /// Opens the stream.
    pub async fn listen(&self, last: Option<&str>) -> Listener {
        let mut request = self.request("GET", "/events/stream", Body::empty());
        request.headers_mut().insert(header::ACCEPT, "text/event-stream".parse().expect("a header"));
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", last.parse().expect("a header"));
        }
        let response = self.send(request).await;
        assert_eq!(response.status(), 200);
        Listener::of(response.into_body())
    }
}

/// Reads a reply; a lost one panics, because no caller would have it.
pub async fn read(response: Response<Body>) -> Reply {
    assert!(response.extensions().get::<ReplyLost>().is_none(), "the reply was lost");
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}
