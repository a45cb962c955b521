//! A stage with one agent, a websocket client over a pipe or a socket, and a receiver of webhooks.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use agent_bridge_sim::{
    serve,
    speakeasy::{CableFault, GrantId, Options, Sim, TopicId},
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _, http::Response, protocol::frame::coding::CloseCode},
};

/// Who lets the agent in.
pub const OWNER: &str = "owner@example.com";
pub const OFFER: &str = "actioncable-v1-json, actioncable-unsupported";
/// Where webhooks go; in memory the router alone counts.
pub const HOOK: &str = "http://127.0.0.1:9/hooks/speakeasy";

/// A platform with a person, an agent with a grant, and the topic that they share.
pub struct Stage {
    pub sim: Sim,
    pub grant: GrantId,
    pub token: String,
    pub topic: TopicId,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(Options::default(), Some(HOOK))
    }

    pub fn with(options: Options, callback_url: Option<&str>) -> Self {
        let sim = Sim::new(options);
        let owner = sim.person(OWNER, "Pierre");
        let grant = sim.grant(&owner, "Echo", callback_url);
        let topic = sim.topic("Sprint planning", &[&owner, &sim.agent(grant)]);
        Self { token: sim.access_token(grant), sim, grant, topic }
    }

    pub fn secret(&self) -> String {
        self.sim.look(|world| world.webhook_secret(self.grant)).unwrap()
    }

    /// A receiver in memory; deliveries run from now on.
    pub fn receiving(&self, answers: &[u16]) -> Receiver {
        self.receiving_with(Receiver::new(answers))
    }

    pub fn receiving_with(&self, receiver: Receiver) -> Receiver {
        self.sim.hooks_into(receiver.router());
        tokio::spawn(self.sim.deliver_hooks());
        receiver
    }

    /// The person's words; the id of the event that the agent's grant gets for them.
    pub fn say(&self, text: &str) -> u64 {
        self.sim.say(OWNER, self.topic, text);
        self.last()
    }

    /// The id of the newest event of the grant.
    pub fn last(&self) -> u64 {
        self.sim.look(|world| world.events_after(self.grant, None)).unwrap().last().unwrap().id
    }

    pub fn cursor(&self) -> String {
        let last = self.last();
        self.sim.look(|world| world.cursor_of(last))
    }

    /// A line over a pipe, for paused time.
    pub async fn dial(&self) -> Client {
        self.dial_as(&self.token, Some(OFFER)).await.unwrap()
    }

    pub async fn dial_as(&self, token: &str, offer: Option<&str>) -> Result<Client, tungstenite::Error> {
        let (near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(serve::over(self.sim.router(), far));
        Client::over(near, "speakeasy.test", token, offer).await
    }

    /// A line that is subscribed from a cursor, or from now.
    pub async fn subscribed(&self, cursor: Option<&str>) -> (Client, String) {
        let mut line = self.dial().await;
        assert_eq!(line.frame().await["type"], "welcome");
        let identifier = identifier(cursor);
        line.subscribe(&identifier).await;
        assert_eq!(line.frame().await, json!({"identifier": identifier, "type": "confirm_subscription"}));
        (line, identifier)
    }

    /// As [`Stage::subscribed`] without a cursor, with a fault armed after it.
    pub async fn struck(&self, fault: CableFault) -> Client {
        let (line, _) = self.subscribed(None).await;
        self.sim.cable_fault(fault);
        line
    }
}

pub fn identifier(cursor: Option<&str>) -> String {
    // The spaces are ours: an echo that was written anew would lack them.
    match cursor {
        Some(cursor) => format!(r#"{{"channel": "AgentEventsChannel", "cursor": "{cursor}"}}"#),
        None => r#"{"channel": "AgentEventsChannel"}"#.into(),
    }
}

/// Whatever a websocket can be made of.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

pub struct Client {
    pub socket: WebSocketStream<Box<dyn Io>>,
    pub head: Response<Option<Vec<u8>>>,
}

impl Client {
    pub async fn over(
        io: impl Io + 'static,
        host: &str,
        token: &str,
        offer: Option<&str>,
    ) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{host}/cable?agent_access_token={token}").into_client_request()?;
        if let Some(offer) = offer {
            request.headers_mut().insert("sec-websocket-protocol", offer.parse().unwrap());
        }
        let (socket, head) = client_async(request, Box::new(io) as Box<dyn Io>).await?;
        Ok(Self { socket, head })
    }

    pub fn subprotocol(&self) -> Option<&str> {
        self.head.headers().get("sec-websocket-protocol").map(|it| it.to_str().unwrap())
    }

    pub async fn command(&mut self, command: Value) {
        self.socket.send(Message::text(command.to_string())).await.unwrap();
    }

    pub async fn subscribe(&mut self, identifier: &str) {
        self.command(json!({"command": "subscribe", "identifier": identifier})).await;
    }

    /// The next text, pings of the cable included.
    pub async fn text(&mut self) -> Option<Result<String, tungstenite::Error>> {
        match self.socket.next().await? {
            Ok(Message::Text(text)) => Some(Ok(text.to_string())),
            Ok(other) => panic!("no text: {other:?}"),
            Err(error) => Some(Err(error)),
        }
    }

    /// The next frame that is no ping.
    pub async fn frame(&mut self) -> Value {
        loop {
            let text = self.text().await.expect("a frame").expect("a whole frame");
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["type"] != "ping" {
                return frame;
            }
        }
    }

    /// The ids of the next events.
    pub async fn events(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let frame = self.frame().await;
            ids.push(frame["message"]["event_id"].as_u64().unwrap_or_else(|| panic!("an event: {frame}")));
        }
        ids
    }

    /// Whether no frame but pings comes within a minute.
    pub async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_mins(1), self.frame()).await.is_err()
    }

    /// The disconnect frame, and the code of the close frame after it.
    pub async fn disconnected(&mut self) -> (Value, CloseCode) {
        let frame = self.frame().await;
        match self.socket.next().await {
            Some(Ok(Message::Close(Some(close)))) => (frame, close.code),
            other => panic!("no close frame after {frame}: {other:?}"),
        }
    }
}

/// One webhook as it arrived.
#[derive(Clone, Debug)]
pub struct Letter {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Letter {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|it| it.to_str().unwrap())
    }

    pub fn event(&self) -> u64 {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["event_id"].as_u64().unwrap()
    }

    /// Whether the signature is the one of these bytes, in lower-case digits.
    pub fn signed_with(&self, secret: &str) -> bool {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(&self.body);
        let digits: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        self.header("x-agent-signature") == Some(&digits.concat())
    }
}

/// A receiver that keeps every letter and answers as it is told.
#[derive(Clone)]
pub struct Receiver {
    letters: Arc<Mutex<Vec<Letter>>>,
    /// Answers to come; 204 once they are used up.
    answers: Arc<Mutex<Vec<u16>>>,
    count: watch::Sender<usize>,
    /// Nobody is answered before so many letters are there.
    together: usize,
}

impl Receiver {
    pub fn new(answers: &[u16]) -> Self {
        let answers = Arc::new(Mutex::new(answers.to_vec()));
        Self { letters: Arc::default(), answers, count: watch::Sender::new(0), together: 0 }
    }

    /// Answers nobody before `count` letters are there.
    pub fn together(count: usize) -> Self {
        Self { together: count, ..Self::new(&[]) }
    }

    pub fn router(&self) -> Router {
        // 16 MiB: huge bodies are part of the stories.
        let limit = axum::extract::DefaultBodyLimit::max(16 << 20);
        Router::new().route("/hooks/speakeasy", post(take)).layer(limit).with_state(self.clone())
    }

    /// The letters, once there are so many.
    pub async fn letters(&self, count: usize) -> Vec<Letter> {
        self.count.subscribe().wait_for(|it| *it >= count).await.unwrap();
        self.letters.lock().unwrap().clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.letters.lock().unwrap().push(Letter { headers, body });
    receiver.count.send_modify(|it| *it += 1);
    receiver.count.subscribe().wait_for(|it| *it >= receiver.together).await.unwrap();
    let mut answers = receiver.answers.lock().unwrap();
    let answer = if answers.is_empty() { 204 } else { answers.remove(0) };
    StatusCode::from_u16(answer).unwrap()
}
