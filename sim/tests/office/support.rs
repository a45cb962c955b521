//! A caller in memory: requests through the router, with a key or with nothing; what was said against the contract.

use std::collections::BTreeSet;

use agent_bridge_sim::{
    contract,
    office::{Options, Sim},
    serve::ReplyLost,
};
use axum::{
    body::Body,
    http::{Request, Response},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::lines;

/// A status and the body's JSON.
pub type Reply = (u16, Value);
/// Lines of the contract that a story served.
pub type Served = BTreeSet<&'static str>;

/// A wallet that the chat server takes: an address of EIP-55, and the base point of secp256k1.
pub const ADDRESS: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
pub const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// An office, and an agent that joined it.
pub struct House {
    pub sim: Sim,
    pub office: String,
    pub group: String,
    pub name: String,
    pub key: String,
}

pub async fn ask(sim: &Sim, method: &str, path: &str, key: Option<&str>, body: impl Into<Body>) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let Ok(response) = sim.router().oneshot(request.body(body.into()).expect("a request")).await;
    assert!(response.extensions().get::<ReplyLost>().is_none(), "the reply was lost");
    response
}

pub async fn read(response: Response<Body>) -> Reply {
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// Joins with a wallet that is usable.
pub async fn join(sim: &Sim, code: &str, name: &str) -> Reply {
    let capabilities = ["xmtp", "files", "tasks"];
    join_with(
        sim,
        json!({"code": code, "agent_name": name, "xmtp_address": ADDRESS, "public_key": KEY, "capabilities": capabilities}),
    )
    .await
}

pub async fn join_with(sim: &Sim, body: Value) -> Reply {
    read(ask(sim, "POST", "/api/agents/join", None, body.to_string()).await).await
}

impl House {
    /// `jared` has joined.
    pub async fn new(options: Options) -> Self {
        let sim = Sim::new(options);
        let (status, joined) = join(&sim, &sim.invite(), "jared").await;
        assert_eq!(status, 200, "{joined}");
        let text = |field: &str| joined[field].as_str().expect("a text").to_owned();
        Self { office: text("office_id"), name: text("agent_name"), key: text("api_key"), group: sim.group(), sim }
    }

    fn path(&self) -> String {
        format!("/api/offices/{}/xmtp", self.office)
    }

    /// Reads `view=…`.
    pub async fn view(&self, query: &str) -> Reply {
        let path = format!("{}?view={query}", self.path());
        read(ask(&self.sim, "GET", &path, Some(&self.key), Body::empty()).await).await
    }

    /// The messages of a view.
    pub async fn messages(&self, query: &str) -> Vec<Value> {
        let (status, body) = self.view(query).await;
        assert_eq!(status, 200, "{body}");
        body["messages"].as_array().expect("messages").clone()
    }

    /// Does an action.
    pub async fn act(&self, body: Value) -> Reply {
        read(ask(&self.sim, "POST", &self.path(), Some(&self.key), body.to_string()).await).await
    }

    pub async fn send(&self, to: &str, body: &str) -> Reply {
        self.act(json!({"action": "send", "from": self.name, "to": to, "body": body})).await
    }
}

/// Status and error text.
pub fn error(reply: &Reply) -> (u16, &str) {
    (reply.0, reply.1["error"].as_str().unwrap_or_default())
}

/// What a story served; each answer is as its line of the contract says, and each refusal in its words.
pub fn close(sim: &Sim, served: &mut Served) {
    lines::close(contract::OFFICE, sim, served);
    for (entry, id) in sim.log().iter().flat_map(|entry| entry.lines.iter().map(move |id| (entry, *id))) {
        let says = contract::lines(contract::OFFICE).find(|it| it.id == id).map(|it| it.says);
        assert!(entry.error.as_deref().is_none_or(|it| Some(it) == says), "{id}: {:?}", entry.error);
    }
}
