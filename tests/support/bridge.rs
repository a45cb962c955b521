//! The real binary as a child process, in folders of its own, with its agent's socket and its command line.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};

/// Longer than anything here takes on a busy machine; reached only when something is broken.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Folders of one bridge, which outlive its processes.
pub struct Home {
    folder: tempfile::TempDir,
    /// What the binary is run by: nothing, or a command that enters a namespace.
    inside: Vec<String>,
}

impl Home {
    /// Fresh folders with this `config.toml`.
    pub fn new(config: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("ab-").tempdir().expect("a temporary folder");
        for name in ["state", "run"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let home = Self { folder, inside: Vec::new() };
        home.configure(config);
        home
    }

    /// Replaces the config; the next start reads it.
    pub fn configure(&self, config: &str) {
        std::fs::write(self.path("config.toml"), config).expect("the config is written");
    }

    /// A path below the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary with this bridge's places in its environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut words = self.inside.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_agent-bridge")]);
        let mut command = Command::new(words.next().expect("at least the binary"));
        command
            .args(words)
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("STATE_DIRECTORY", self.path("state"))
            .env("RUNTIME_DIRECTORY", self.path("run"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_CONFIG_HOME", self.folder.path())
            .env("AGENT_BRIDGE_CONFIG", self.path("config.toml"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a command of the command line to its end.
    pub async fn cli(&self, args: &[&str]) -> Output {
        let run = self.command(args).output();
        tokio::time::timeout(PATIENCE, run).await.expect("the command ends").expect("the command starts")
    }

    /// Runs a command that must succeed; its standard output.
    pub async fn ok(&self, args: &[&str]) -> String {
        let output = self.cli(args).await;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{args:?}: {}\n{out}\n{err}", output.status);
        out.into_owned()
    }

    /// Runs the binary by this command from now on.
    pub fn run_inside(&mut self, command: Vec<String>) {
        self.inside = command;
    }

    /// Starts the daemon and waits until it is ready.
    pub async fn start(&self) -> Daemon {
        self.start_under(&[]).await
    }

    /// The same with more in its environment.
    pub async fn start_under(&self, env: &[(&str, &str)]) -> Daemon {
        let daemon = self.spawn(env);
        until(|| async { self.ready().await.then_some(()) }, || self.log()).await;
        daemon
    }

    /// Starts the daemon with more in its environment, and does not wait for it.
    pub fn spawn(&self, env: &[(&str, &str)]) -> Daemon {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("log")).expect("a log");
        let mut command = self.command(&["run"]);
        command.stderr(log).stdout(Stdio::null()).envs(env.iter().copied());
        Daemon { child: command.spawn().expect("the daemon starts") }
    }

    /// Whether a daemon was spawned well: `false` when it has ended before it was ready.
    pub async fn is_ready(&self, daemon: &mut Daemon) -> bool {
        let begun = std::time::Instant::now();
        while !daemon.has_ended() {
            if self.ready().await {
                return true;
            }
            assert!(begun.elapsed() < PATIENCE, "neither ready nor gone: {}", self.log());
            tokio::task::yield_now().await;
        }
        false
    }

    /// Whether the daemon says that it is ready.
    pub async fn ready(&self) -> bool {
        let Ok(stream) = UnixStream::connect(self.path("run/control.sock")).await else { return false };
        let (read, mut write) = stream.into_split();
        let asked = write.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        let mut lines = BufReader::new(read).lines();
        asked.is_ok() && lines.next_line().await.is_ok_and(|line| line.is_some_and(|line| line.contains(" 200 ")))
    }

    /// Everything the daemons of this home have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The agent's end of the socket, if a daemon is there.
    pub async fn try_agent(&self) -> Option<Agent> {
        UnixStream::connect(self.path("run/agent.sock")).await.ok().map(Agent::on)
    }

    /// The agent's end of the socket.
    pub async fn agent(&self) -> Agent {
        Agent::connect(&self.path("run/agent.sock")).await
    }
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// `kill -9`, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it dies");
    }

    /// SIGTERM, and its exit code.
    pub async fn stop(mut self) -> Option<i32> {
        self.terminate();
        self.exit().await
    }

    /// SIGTERM, unless it has ended.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Sends a signal, unless it has ended.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            // It may end in this moment.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_some()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Waits until it ends by itself.
    pub async fn exit(&mut self) -> Option<i32> {
        self.ended().await.code()
    }

    /// Waits until it ends by itself, and how it ended.
    pub async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("a status")
    }
}

/// A local agent on the Unix socket.
pub struct Agent {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
    next: u64,
    /// Notifications that came while an answer was awaited.
    waiting: std::collections::VecDeque<Value>,
}

impl Agent {
    async fn connect(path: &Path) -> Self {
        Self::on(until(|| async { UnixStream::connect(path).await.ok() }, String::new).await)
    }

    fn on(stream: UnixStream) -> Self {
        let (read, write) = stream.into_split();
        Self { lines: BufReader::new(read).lines(), write, next: 0, waiting: std::collections::VecDeque::new() }
    }

    /// Calls and waits for the answer: its `result`, or the whole error.
    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.try_call(method, params).await.expect("an answer")
    }

    /// The same of a bridge that may go before it answers: then `None`.
    pub async fn try_call(&mut self, method: &str, params: Value) -> Option<Result<Value, Value>> {
        self.next += 1;
        let id = self.next;
        let line = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string() + "\n";
        self.write.write_all(line.as_bytes()).await.ok()?;
        loop {
            let message = self.read().await?;
            if message["id"] != id {
                self.waiting.push_back(message);
            } else if message.get("error").is_some() {
                return Some(Err(message["error"].clone()));
            } else {
                return Some(Ok(message["result"].clone()));
            }
        }
    }

    /// Writes a line as it is.
    pub async fn write_line(&mut self, line: &str) {
        self.write(&format!("{line}\n")).await;
    }

    /// Writes just this, which need not be a line.
    pub async fn write(&mut self, text: &str) {
        self.write.write_all(text.as_bytes()).await.expect("the bridge reads");
    }

    /// The next message of any kind; `None` when the bridge has closed.
    pub async fn read(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line())
            .await
            .unwrap_or_else(|_| panic!("no line in {PATIENCE:?}"));
        line.ok().flatten().map(|line| serde_json::from_str(&line).expect("a line is JSON"))
    }

    /// The next delivery of this type; others are acked.
    pub async fn delivery_of(&mut self, kind: &str) -> Delivery {
        loop {
            let delivery = self.delivery().await;
            if delivery.event["type"] == kind {
                return delivery;
            }
            self.call("ack", json!({ "seq": delivery.seq })).await.expect("it is acked");
        }
    }

    /// The next delivery.
    pub async fn delivery(&mut self) -> Delivery {
        self.try_delivery().await.expect("the bridge delivers")
    }

    /// The same of a bridge that may go: then `None`.
    pub async fn try_delivery(&mut self) -> Option<Delivery> {
        loop {
            let message = match self.waiting.pop_front() {
                Some(message) => message,
                None => self.read().await?,
            };
            if message["method"] == "event" {
                let params = &message["params"];
                return Some(Delivery {
                    seq: params["delivery"]["seq"].as_u64().expect("a sequence"),
                    attempt: params["delivery"]["attempt"].as_u64().expect("an attempt"),
                    event: params["event"].clone(),
                });
            }
        }
    }
}

/// One event as the agent gets it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its place in the feed.
    pub seq: u64,
    /// 1 for the first.
    pub attempt: u64,
    /// The CloudEvent.
    pub event: Value,
}

impl Delivery {
    /// What was said.
    pub fn text(&self) -> &str {
        self.event["data"]["message"]["text"].as_str().unwrap_or_default()
    }
}

/// Asks again and again until there is an answer; after [`PATIENCE`] it fails with what `explain` says.
pub async fn until<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F, explain: impl Fn() -> String) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {}", explain());
        // Not a wait for time but a pause between two looks.
        tokio::time::interval_at(tokio::time::Instant::now() + Duration::from_millis(20), PATIENCE).tick().await;
    }
}

/// Plain HTTP/1.1, one request a connection: enough for a simulator's routes.
pub mod http {
    use serde_json::Value;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    /// POST of JSON to an origin: status and JSON body.
    pub async fn post(origin: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        ask(origin, &head, &body).await
    }

    /// POST of JSON that a platform has signed: the status.
    pub async fn signed(origin: &str, path: &str, body: &str, signature: &str) -> u16 {
        signed_as("X-Agent-Signature", origin, path, body, signature).await
    }

    /// The same where the signature stands in this header.
    pub async fn signed_as(header: &str, origin: &str, path: &str, body: &str, signature: &str) -> u16 {
        let head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n{header}: {signature}\r\nContent-Length: {}",
            body.len()
        );
        ask(origin, &head, body).await.0
    }

    /// GET: status and JSON body.
    pub async fn get(origin: &str, path: &str) -> (u16, Value) {
        ask(origin, &format!("GET {path} HTTP/1.1"), "").await
    }

    async fn ask(origin: &str, head: &str, body: &str) -> (u16, Value) {
        let host = origin.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.expect("the server listens");
        let request = format!("{head}\r\nHost: {host}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut answer = String::new();
        let whole = stream.read_to_string(&mut answer);
        tokio::time::timeout(super::PATIENCE, whole).await.expect("an answer in time").expect("a whole answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}
