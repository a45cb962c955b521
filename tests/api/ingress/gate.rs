//! A listener on loopback over a store with workspaces of every kind, and whoever delivers there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::ingress::{
    Answer, Bounds, Door, Expectations, Hooks, PublicUrl, Signature, Taken, Tally, callback_url, router,
};
use agent_bridge::serve::{Limits, Tcp, serve};
use agent_bridge::store::{Batch, Change, Options, Seat, Store, WorkspaceRecord};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::running::PATIENCE;

/// The secret of `acme`: the key of RFC 4231's second test case.
pub const SECRET: &str = "Jefe";
/// A path's last part that nobody was ever told.
pub const WRONG: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

pub fn name(text: &str) -> WorkspaceName {
    WorkspaceName::new(text).unwrap()
}

pub fn public() -> PublicUrl {
    "https://bridge.example/b".parse().unwrap()
}

/// A joined place on the platform `hooked`, which has webhooks, or on another.
pub fn record(workspace: &str, platform: &str, seat: Seat) -> WorkspaceRecord {
    WorkspaceRecord {
        name: name(workspace),
        platform: platform.into(),
        settings: std::collections::BTreeMap::new(),
        facts: std::collections::BTreeMap::new(),
        session: "grant".into(),
        seat,
        joined_at: 1,
    }
}

/// Lower-case hex of the HMAC.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub fn signed(secret: &str, body: &[u8]) -> String {
    format!("X-Agent-Signature: {}\r\n", sign(secret, body))
}

pub struct Gate {
    pub dir: TempDir,
    pub store: Store,
    pub hooks: Hooks,
    pub tally: Tally,
    pub token: CancellationToken,
    pub bounds: Bounds,
    pub limits: Limits,
    pub connections: u32,
}

impl Gate {
    /// `acme` can be delivered to; each of the others lacks something.
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { ballast: 0, cache: 8 << 20, clock: Clock::paced(1), ..Options::default() };
        let gate = Self {
            store: Store::open(&dir.path().join("store.redb"), options).unwrap(),
            dir,
            hooks: Hooks::default(),
            tally: Tally::default(),
            token: CancellationToken::new(),
            bounds: Bounds { body: 64 << 10, receive: Duration::from_secs(20), wait: Duration::from_secs(10) },
            limits: Limits {
                head: Duration::from_secs(20),
                head_bytes: 8 << 10,
                stuck: Duration::from_secs(20),
                drain: Duration::from_secs(1),
            },
            connections: 16,
        };
        gate.holds(record("acme", "hooked", Seat::SignedIn), Some(SECRET)).await;
        gate.holds(record("bare", "hooked", Seat::SignedIn), None).await;
        gate.holds(record("blank", "hooked", Seat::SignedIn), Some("")).await;
        gate.holds(record("plain", "silent", Seat::SignedIn), Some(SECRET)).await;
        gate.holds(record("former", "hooked", Seat::Revoked { reason: "left".into() }), Some(SECRET)).await;
        gate
    }

    /// Keeps a workspace, its secret, and a path that its platform was told.
    async fn holds(&self, record: WorkspaceRecord, secret: Option<&str>) {
        let (owner, field) = (record.name.to_string(), "webhook_secret".to_owned());
        let mut batch = Batch::new().with(Change::Workspace(Box::new(record)));
        if let Some(secret) = secret {
            batch = batch.with(Change::Secret { owner: owner.clone(), field, value: Some(secret.into()) });
        }
        self.store.commit(batch).await.unwrap();
        self.path(&owner).await;
    }

    /// Where the platform of a workspace delivers, as the proxy passes it on.
    pub async fn path(&self, workspace: &str) -> String {
        let url = callback_url(&self.store, &public(), &name(workspace)).await.unwrap();
        url.expose_secret().strip_prefix("https://bridge.example/b").unwrap().to_owned()
    }

    pub fn door(&self) -> Door {
        let way = |record: &WorkspaceRecord| {
            (record.platform == "hooked").then(|| Signature {
                header: "x-agent-signature".into(),
                prefix: String::new(),
                secret: "webhook_secret".into(),
            })
        };
        Door {
            public: public(),
            expectations: Expectations::new(self.store.clone(), Arc::new(way)),
            hooks: self.hooks.clone(),
            health: self.store.health(),
            tally: self.tally.clone(),
            bounds: self.bounds,
            token: self.token.clone(),
        }
    }

    /// Serves on a free port of loopback until it is dropped.
    pub async fn open(&self) -> Platform {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (listener, routes) = (Tcp::new(listener, self.connections), router(self.door()));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, routes, self.limits, self.token.clone()));
        Platform { address, _tasks: tasks }
    }

    /// Runs the line of a workspace: every delivery is answered so. What came is in the list.
    pub fn line(&self, workspace: &str, taken: Taken) -> Line {
        let (mut hooks, heard) = (self.hooks.register(&name(workspace)), Heard::default());
        let (mut tasks, events) = (JoinSet::new(), heard.clone());
        tasks.spawn(async move {
            while let Some(hook) = hooks.recv().await {
                events.lock().unwrap().push(hook.event.clone());
                hook.answer(taken);
            }
        });
        Line { heard, _tasks: tasks }
    }

    /// How many deliveries became something.
    pub fn counted(&self, answer: Answer) -> u64 {
        self.tally.of(answer)
    }
}

type Heard = Arc<Mutex<Vec<Map<String, Value>>>>;

/// Who runs a workspace's line.
pub struct Line {
    heard: Heard,
    _tasks: JoinSet<()>,
}

impl Line {
    pub fn heard(&self) -> Vec<Map<String, Value>> {
        self.heard.lock().unwrap().clone()
    }
}

/// Whoever delivers.
#[derive(Debug)]
pub struct Platform {
    pub address: String,
    _tasks: JoinSet<()>,
}

impl Platform {
    pub async fn connects(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// Sends these bytes; everything that comes back until the bridge closes, but for the date.
    pub async fn says(&self, bytes: &[u8]) -> String {
        let mut stream = self.connects().await;
        // Who is refused early is no longer read: what was said until then is the answer.
        let _ = stream.write_all(bytes).await;
        heard(&mut stream).await
    }

    /// Delivers a body with these header lines.
    pub async fn delivers(&self, path: &str, headers: &str, body: &[u8]) -> String {
        self.says(&request(path, headers, body)).await
    }
}

/// Everything until the bridge closes, but for the date.
pub async fn heard(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end like any other; what came before it counts.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the bridge closes");
    let text = String::from_utf8(answer).unwrap();
    text.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
}

pub fn request(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: bridge.example\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The status of an answer; 0 where there was none.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}
