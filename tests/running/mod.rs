//! A bridge of its own: the real binary in a temporary home, and a person or an agent at its sockets.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Nothing in these tests takes longer unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A home: config, state and sockets of one bridge.
pub struct Home {
    dir: TempDir,
}

impl Home {
    /// An empty one.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// One with this config.
    pub fn with_config(text: &str) -> Self {
        let home = Self::new();
        std::fs::write(home.path("config.toml"), text).unwrap();
        home
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The binary with this home and nothing from outside.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("agent-bridge"));
        command.env_clear().env("HOME", self.dir.path()).env("XDG_RUNTIME_DIR", self.dir.path());
        for (flag, place) in [("--state", "state"), ("--runtime", "run")] {
            if !args.contains(&flag) {
                command.arg(flag).arg(self.path(place));
            }
        }
        if self.path("config.toml").exists() {
            command.arg("--config").arg(self.path("config.toml"));
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn does(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that must succeed; its stdout.
    pub fn says(&self, args: &[&str]) -> String {
        let output = self.does(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A running daemon.
    pub fn run(&self) -> Daemon {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let child = self.command(&["run"]).stderr(log).spawn().unwrap();
        let mut daemon = Daemon { child, log: self.path("log"), runtime: self.path("run") };
        daemon.wait_until_ready();
        daemon
    }
}

/// What a command said on stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A daemon; killed when the test ends.
pub struct Daemon {
    child: Child,
    log: PathBuf,
    runtime: PathBuf,
}

impl Daemon {
    fn wait_until_ready(&mut self) {
        let begun = Instant::now();
        while self.get("/readyz").is_none_or(|(status, _)| status != 200) {
            assert!(self.child.try_wait().unwrap().is_none(), "the daemon ended: {}", self.log());
            assert!(begun.elapsed() < PATIENCE, "the daemon is not ready: {}", self.log());
            std::thread::yield_now();
        }
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// One of its sockets.
    pub fn socket(&self, name: &str) -> PathBuf {
        self.runtime.join(name)
    }

    /// An agent at `agent.sock`.
    pub fn agent(&self) -> Agent {
        Agent::at(&self.socket("agent.sock"))
    }

    /// GET on `control.sock`: status and body.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        http(
            &self.socket("control.sock"),
            &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        )
    }

    /// POST of JSON on `control.sock`: status and body.
    pub fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, body) = http(&self.socket("control.sock"), &request).unwrap();
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Raw HTTP on `control.sock`.
    pub fn raw(&self, request: &str) -> Option<(u16, String)> {
        http(&self.socket("control.sock"), request)
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), pid.as_str()]).status().unwrap().success());
    }

    /// Its exit code, once it has ended.
    pub fn ends(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "the daemon does not end: {}", self.log());
            std::thread::yield_now();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn http(socket: &Path, request: &str) -> Option<(u16, String)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// An agent, or a person at `nc -U`.
pub struct Agent {
    reader: BufReader<UnixStream>,
}

impl Agent {
    /// At this socket.
    pub fn at(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    /// Sends bytes as they are.
    pub fn sends(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// The next line; `None` when the bridge closed.
    pub fn hears(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    /// Sends a line and takes the next one.
    pub fn asks(&mut self, line: &str) -> Value {
        self.sends(format!("{line}\n").as_bytes());
        self.hears().expect("an answer")
    }

    /// The word of the refusal of a line.
    pub fn is_refused(&mut self, line: &str) -> String {
        let answer = self.asks(line);
        answer["error"]["data"]["kind"].as_str().unwrap_or_else(|| panic!("{line} gave {answer}")).to_owned()
    }
}
