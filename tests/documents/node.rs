//! The real server and the real client as processes, and the agent's side of a connection.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use agent_bridge::document::awareness::Awareness;
use agent_bridge::document::session::{Phase, Session};
use agent_bridge::document::{Bounds, Document, Edit};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// No test waits that long for anything that comes.
const LONG: Duration = Duration::from_mins(1);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents")
}

/// Whether node and its packages are here. In CI they must be.
pub fn here() -> bool {
    let node = std::process::Command::new("node").arg("--version").stdout(Stdio::null()).status();
    let missing = if !node.is_ok_and(|status| status.success()) {
        "node is not installed"
    } else if !folder().join("node_modules/y-websocket").exists() {
        "run `npm ci --omit=optional` in tests/documents first"
    } else {
        return true;
    };
    assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI this must run: {missing}");
    println!("skipped: {missing}");
    false
}

fn node(script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("node");
    command.arg(folder().join(script)).args(arguments).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A `y-websocket` server without a disk: what it knew is gone when it is started again.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    pub async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = free.local_addr().expect("it has an address").port();
        drop(free);
        Self { child: Self::run(port).await, port }
    }

    async fn run(port: u16) -> Child {
        let mut command = node("node_modules/y-websocket/bin/server.js", &[]);
        let mut child = command.env("HOST", "127.0.0.1").env("PORT", port.to_string()).spawn().expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let line = tokio::time::timeout(LONG, lines.next_line()).await.expect("it starts in time");
        assert!(line.expect("it is read").is_some_and(|line| line.contains("running at")));
        child
    }

    pub async fn stop(&mut self) {
        self.child.kill().await.expect("it ends");
    }

    pub async fn start_again(&mut self) {
        self.child = Self::run(self.port).await;
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Whether it was not stopped.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// A person's editor.
pub struct Client {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Client {
    pub fn start(server: &Server, kind: &str, name: &str) -> Self {
        Self::run("client.mjs", &[&server.url(), "room", kind, name])
    }

    /// Runs one of the clients here.
    pub fn run(script: &str, arguments: &[&str]) -> Self {
        let mut child = node(script, arguments).spawn().expect("node starts");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { _child: child, input, output }
    }

    pub async fn does(&mut self, command: Value) {
        self.input.write_all(format!("{command}\n").as_bytes()).await.expect("it listens");
    }

    /// What it sees now, from one that speaks only when it is asked.
    pub async fn looks(&mut self) -> Value {
        self.does(json!({ "look": true })).await;
        let line = tokio::time::timeout(LONG, self.output.next_line()).await.expect("it answers");
        serde_json::from_str(&line.expect("it is read").expect("it runs")).expect("it is JSON")
    }

    /// Waits until it sees what is looked for.
    pub async fn sees(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let looking = async {
            while let Some(line) = self.output.next_line().await.expect("it is read") {
                last = serde_json::from_str(&line).expect("it is JSON");
                if wanted(&last) {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(LONG, looking).await.is_ok();
        assert!(in_time && wanted(&last), "the client never saw {what}; last: {last}");
        last
    }

    /// Waits until it sees this text.
    pub async fn sees_text(&mut self, text: &str) {
        self.sees(text, |seen| seen["text"] == text).await;
    }
}

/// The agent: the engine on a socket.
pub struct Agent {
    pub document: Document,
    pub awareness: Awareness,
    session: Session,
    socket: Option<WebSocketStream<TcpStream>>,
}

impl Agent {
    pub fn new(client: u64) -> Self {
        let mut awareness = Awareness::new(client, Bounds::default());
        awareness.set("Atlas", "#00ff00", "acting");
        let document = Document::new(client, [], Vec::new(), Bounds::default());
        Self { document, awareness, session: Session::default(), socket: None }
    }

    /// Dials, and says who it is and what it has.
    pub async fn dial(&mut self, server: &Server) {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).await.expect("the server listens");
        let (socket, _) = client_async(format!("{}/room", server.url()), stream).await.expect("it is a websocket");
        self.socket = Some(socket);
        let frames = self.session.opened(&self.document, &mut self.awareness);
        self.send(frames).await;
        self.until("it is live", |agent| *agent.session.phase() == Phase::Live).await;
    }

    async fn send(&mut self, frames: Vec<Vec<u8>>) {
        let socket = self.socket.as_mut().expect("it is connected");
        for frame in frames {
            socket.send(Message::binary(frame)).await.expect("it is sent");
        }
    }

    /// Takes frames until something holds.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&mut Self) -> bool) {
        while !holds(self) {
            let socket = self.socket.as_mut().expect("it is connected");
            let frame = tokio::time::timeout(LONG, socket.next()).await.unwrap_or_else(|_| panic!("never: {what}"));
            let frame = frame.expect("the connection stands").expect("it is sound").into_data();
            let outcome = self.session.frame(&frame, &mut self.document, &mut self.awareness);
            assert_eq!(outcome.ignored, Vec::<String>::new(), "real Yjs sends nothing wrong");
            self.send(outcome.send).await;
        }
    }

    pub async fn reads(&mut self, text: &str) {
        self.until(text, |agent| agent.text() == text).await;
    }

    pub fn text(&mut self) -> String {
        self.document.read().expect("it reads").text()
    }

    /// The connection is lost.
    pub fn lost(&mut self) {
        self.socket = None;
        self.session.closed(&mut self.awareness);
    }

    /// Edits, and tells whoever is there.
    pub async fn edits(&mut self, edit: &Edit) {
        let done = self.document.edit(edit).expect("it is made");
        if let Some(frame) = self.session.edited(&done.update) {
            self.send(vec![frame]).await;
        }
    }
}
