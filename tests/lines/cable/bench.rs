//! A platform with a cable on a real socket, played by hand, and a workspace that hears it.
//!
//! The owner of the cable looks away every few milliseconds, as a busy one does: whatever is lost by that fails here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_bridge::adapter::{Manifest, Push, parse};
use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::http::{Network, Pipe, Reqwest};
use agent_bridge::line::action_cable::{Cable, Counts, Heard, LINE, Limits, Parts, Stopped};
use agent_bridge::line::report::{LineStatus, Report};
use agent_bridge::line::timing::Timing;
use agent_bridge::session::{LoginWaits, Means, Session};
use agent_bridge::store::{Batch, Change, Options, Seat, Store, WorkspaceRecord};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::task::TaskTracker;

/// In every token: whoever prints one is found out.
pub const CANARY: &str = "canary-8f2e";
const SPOKEN: &str = "actioncable-v1-json";
const MANIFEST: &str = r#"
platform: rails
title: Rails
ask:
  settings: { url: { kind: https-origin }, login: { kind: text } }
  secrets: { password: { optional: true } }
http: { base: "{settings.url}" }
sessions:
  member:
    flavour: jwt
    header: { x-token: "{session.token}" }
    expires: { else: 24h, renew_before: 5m }
    login: { post: /login, json: { login: "{settings.login}" }, take: { token: /token } }
join: { ways: { login: { needs: [login], session: member } } }
receive:
  flavour: sse
  get: /none
  push:
    - flavour: action_cable
      get: "/cable?agent_access_token={session.token}"
      identifier: { channel: Events, cursor: "{line.cursor?}" }
      error: /error/code
events: { message.created: { object: /id } }
"#;

/// No test waits longer for what must come.
pub async fn soon<T>(what: &str, wanted: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), wanted).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// The server.
pub struct Platform {
    pub origin: String,
    pub logins: Arc<AtomicU32>,
    pub refuses_logins: Arc<AtomicBool>,
    knocks: mpsc::UnboundedReceiver<Knock>,
    _tasks: JoinSet<()>,
}

/// A request for the cable.
pub struct Knock {
    stream: TcpStream,
    pub head: String,
}

/// The server's end of an open cable.
pub struct Peer(WebSocketStream<Box<dyn Pipe>>);

impl Platform {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (knock, knocks) = mpsc::unbounded_channel();
        let (logins, refuses_logins) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, refuses) = (logins.clone(), refuses_logins.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let head = read_head(&mut stream).await;
                if head.starts_with("POST /login ") {
                    let count = counted.fetch_add(1, Ordering::SeqCst) + 1;
                    let body = json!({ "token": format!("{CANARY}-{count}") }).to_string();
                    let status = if refuses.load(Ordering::SeqCst) { "401 Unauthorized" } else { "200 OK" };
                    respond(&mut stream, status, "content-type: application/json\r\n", &body).await;
                } else if knock.send(Knock { stream, head }).is_err() {
                    return;
                }
            }
        });
        Self { origin, logins, refuses_logins, knocks, _tasks: tasks }
    }

    /// The next request for the cable.
    pub async fn knock(&mut self) -> Knock {
        soon("a knock", self.knocks.recv()).await.unwrap()
    }

    /// The next one, welcome.
    pub async fn welcome(&mut self) -> Peer {
        let mut peer = self.knock().await.open().await;
        peer.say(&json!({ "type": "welcome" })).await;
        peer
    }

    /// The next one, subscribed, and by which identifier.
    pub async fn live(&mut self) -> (Peer, String) {
        let mut peer = self.welcome().await;
        let identifier = peer.subscribe().await;
        peer.kind("confirm_subscription", &identifier).await;
        (peer, identifier)
    }

    /// Nobody is knocking.
    pub fn is_quiet(&mut self) -> bool {
        self.knocks.try_recv().is_err()
    }
}

impl Knock {
    pub fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned());
        found.collect::<Vec<_>>().join(", ")
    }

    /// The token in its query.
    pub fn token(&self) -> &str {
        let query = self.head.split_once("agent_access_token=").unwrap().1;
        query.split(' ').next().unwrap()
    }

    /// Refuses.
    pub async fn answer(mut self, status: &str, headers: &str) {
        respond(&mut self.stream, status, headers, "").await;
    }

    /// Switches, as Rails does.
    pub async fn open(self) -> Peer {
        let accept = derive_accept_key(self.header("sec-websocket-key").as_bytes());
        self.switch(&accept, &format!("sec-websocket-protocol: {SPOKEN}\r\n")).await
    }

    /// Switches to another protocol, or without saying to which.
    pub async fn open_as(self, protocol: &str) -> Peer {
        let accept = derive_accept_key(self.header("sec-websocket-key").as_bytes());
        self.switch(&accept, protocol).await
    }

    pub async fn switch(mut self, accept: &str, more: &str) -> Peer {
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: {accept}\r\n{more}\r\n"
        );
        self.stream.write_all(head.as_bytes()).await.unwrap();
        Peer::over(Box::new(self.stream)).await
    }
}

impl Peer {
    /// Over a connection that has switched.
    pub async fn over(pipe: Box<dyn Pipe>) -> Self {
        Self(WebSocketStream::from_raw_socket(pipe, Role::Server, None).await)
    }

    pub async fn say(&mut self, what: &Value) {
        self.send(Message::text(what.to_string())).await;
    }

    pub async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub async fn kind(&mut self, kind: &str, identifier: &str) {
        self.say(&json!({ "type": kind, "identifier": identifier })).await;
    }

    pub async fn tell(&mut self, identifier: &str, message: Value) {
        self.say(&json!({ "identifier": identifier, "message": message })).await;
    }

    pub async fn disconnect(&mut self, reason: &str, reconnect: bool) {
        self.say(&json!({ "type": "disconnect", "reason": reason, "reconnect": reconnect })).await;
    }

    /// What the client sends next, whatever it is.
    pub async fn hears(&mut self) -> Option<Message> {
        soon("a message of the client", self.0.next()).await?.ok()
    }

    /// The next command and its identifier.
    pub async fn command(&mut self) -> (String, String) {
        let Some(Message::Text(text)) = self.hears().await else { panic!("a command") };
        let said: Value = serde_json::from_str(&text).unwrap();
        let text = |key: &str| said[key].as_str().unwrap().to_owned();
        (text("command"), text("identifier"))
    }

    /// The subscription that the client asks for.
    pub async fn subscribe(&mut self) -> String {
        let (command, identifier) = self.command().await;
        assert_eq!(command, "subscribe");
        identifier
    }

    /// The client has gone.
    pub async fn leaves(mut self) {
        while let Some(Ok(message)) = soon("the end", self.0.next()).await {
            assert!(!message.is_text(), "{message:?}");
        }
    }
}

async fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .to_ascii_lowercase()
        .split("content-length: ")
        .nth(1)
        .map(|rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).await.unwrap();
    head
}

/// The workspace's side.
pub struct Ear {
    pub cursor: Arc<Mutex<Option<String>>>,
    pub status: watch::Receiver<LineStatus>,
    pub session: Session,
    heard: mpsc::UnboundedReceiver<Heard>,
    counts: Arc<Mutex<Counts>>,
    _tasks: JoinSet<()>,
    _dir: TempDir,
}

/// Waits long enough that none of them is met by chance.
pub fn patient() -> Timing {
    let long = Duration::from_mins(10);
    let limits = Limits {
        open: long,
        welcome: long,
        stale: long,
        resend: long,
        subscribe: long,
        settle: Duration::from_millis(50),
        rarely: Duration::from_hours(1),
    };
    let (first_wait, longest_wait, spread) =
        (Duration::from_millis(2), Duration::from_millis(20), Duration::from_millis(2));
    Timing { first_wait, longest_wait, spread, cable: limits, ..Timing::default() }
}

impl Ear {
    pub async fn on(platform: &Platform) -> Self {
        Self::with(platform, patient()).await
    }

    pub async fn with(platform: &Platform, timing: Timing) -> Self {
        Self::through(Arc::new(Reqwest::new().unwrap()), &platform.origin, timing).await
    }

    /// Through any network.
    pub async fn through(network: Arc<dyn Network>, origin: &str, timing: Timing) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let options = Options { clock: clock.clone(), ballast: 0, ..Options::default() };
        let store = Store::open(&dir.path().join("store.redb"), options).unwrap();
        let record = record(origin);
        let (owner, field) = (record.name.to_string(), "token".to_owned());
        let token = Change::Secret { owner, field, value: Some(format!("{CANARY}-0").into()) };
        store.commit(Batch::new().with(Change::Workspace(Box::new(record.clone()))).with(token)).await.unwrap();
        let tasks = TaskTracker::new();
        let means = Means { store, network, clock: clock.clone(), tasks, waits: LoginWaits::default() };
        let manifest: Arc<Manifest> = Arc::new(parse("rails.yaml", MANIFEST).unwrap());
        let Push::ActionCable(spec) = manifest.receive.push[0].clone() else { panic!("a cable") };
        let session = Session::open(means, manifest, record).unwrap();
        let report = Report::new(LINE, clock.clone());
        let status = report.watch();
        let mut cable = Cable::new(Parts { session: session.clone(), spec, clock, timing, report });
        let (told, heard) = mpsc::unbounded_channel();
        let (cursor, counts) = (Arc::new(Mutex::new(None::<String>)), Arc::new(Mutex::new(Counts::default())));
        let (reads, noted) = (cursor.clone(), counts.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let next = cable.next(|| reads.lock().unwrap().clone());
                let heard = tokio::time::timeout(Duration::from_millis(3), next).await;
                *noted.lock().unwrap() = cable.counts();
                if let Ok(heard) = heard
                    && told.send(heard).is_err()
                {
                    return;
                }
            }
        });
        Self { cursor, status, session, heard, counts, _tasks: tasks, _dir: dir }
    }

    pub fn at(&self, cursor: &str) {
        *self.cursor.lock().unwrap() = Some(cursor.to_owned());
    }

    pub fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }

    pub async fn hears(&mut self) -> Heard {
        soon("something heard", self.heard.recv()).await.unwrap()
    }

    pub async fn is_welcomed(&mut self) {
        let heard = self.hears().await;
        assert!(matches!(heard, Heard::Welcomed), "{heard:?}");
    }

    pub async fn frame(&mut self) -> String {
        match self.hears().await {
            Heard::Frame(body) => body,
            other => panic!("{other:?}"),
        }
    }

    pub async fn gap(&mut self) -> String {
        match self.hears().await {
            Heard::Gap(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// Why it is down, and for how long.
    pub async fn down(&mut self) -> (String, Duration) {
        match self.hears().await {
            Heard::Down { why, until } => (why, until.saturating_duration_since(Instant::now())),
            other => panic!("{other:?}"),
        }
    }

    pub async fn stopped(&mut self) -> Stopped {
        match self.hears().await {
            Heard::Stopped(stopped) => stopped,
            other => panic!("{other:?}"),
        }
    }
}

fn record(origin: &str) -> WorkspaceRecord {
    let settings = [("url", origin), ("login", "agent")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    WorkspaceRecord {
        name: WorkspaceName::new("acme").unwrap(),
        platform: "rails".into(),
        settings: BTreeMap::from(settings),
        facts: BTreeMap::new(),
        session: "member".into(),
        seat: Seat::SignedIn,
        joined_at: 0,
    }
}
