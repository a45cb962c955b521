//! The floor of a bridge: the platform's stream, or its cable, piped to a socket by a process of its own, nothing parsed, nothing kept.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use memchr::memmem;
use serde_json::json;

use super::plain_http;
use super::platform::Platform;

/// What stands before each id, and how many bytes of it are shown.
struct Marks {
    before: &'static [u8],
    shown: usize,
}

const STREAM: Marks = Marks { before: b"\"message_id\":\"", shown: 36 };
/// A number, and what stands behind it.
const CABLE: Marks = Marks { before: b"\"event_id\":", shown: 20 };

/// The child: `--pipe stream|cable ADDRESS TOKEN SOCKET`.
pub fn serve(words: &[String]) -> anyhow::Result<()> {
    let [kind, address, token, socket] = words else { bail!("--pipe stream|cable ADDRESS TOKEN SOCKET") };
    let mut to = UnixStream::connect(socket)?;
    let mut from = TcpStream::connect(address)?;
    from.write_all(&if kind == "cable" { dial(address, token) } else { request(address, token) })?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        // Its end is how this process is told to end.
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            return Ok(());
        }
    }
}

fn request(address: &str, token: &str) -> Vec<u8> {
    let head = "Accept: text/event-stream\r\nConnection: keep-alive";
    format!("GET /api/v1/events/stream HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n{head}\r\n\r\n")
        .into_bytes()
}

/// The upgrade (RFC 6455, 4.1) and, without waiting for anything, the subscription behind it: one masked text frame
/// whose mask is zero (5.3).
fn dial(address: &str, token: &str) -> Vec<u8> {
    let head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
    let names = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: actioncable-v1-json";
    let path = format!("/cable?agent_access_token={token}");
    let mut bytes = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{head}\r\n{names}\r\n\r\n").into_bytes();
    let identifier = json!({ "channel": "AgentEventsChannel" }).to_string();
    let command = json!({ "command": "subscribe", "identifier": identifier }).to_string();
    let length = u8::try_from(command.len()).expect("a short command");
    assert!(length < 126, "a length that stands in one byte");
    bytes.extend([0x81, 0x80 | length, 0, 0, 0, 0]);
    bytes.extend(command.as_bytes());
    bytes
}

/// The reading end.
pub struct Pipe {
    marks: Marks,
    child: Child,
    stream: UnixStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Pipe {
    /// Joins the platform as somebody of its own and has the stream piped here; returns once it is open.
    pub fn open(platform: &Platform) -> anyhow::Result<Self> {
        let link = plain_http::post(platform.address(), "/_sim/invite", &json!({}))?;
        let link = link["link"].as_str().context("a link")?;
        let invite = link.split_once("token=").context("a token")?.1.replace("%3D", "=");
        let asked = json!({ "token": invite, "password": "a password of the floor", "display_name": "Floor" });
        let joined = plain_http::post(platform.address(), "/api/v1/invite/accept", &asked)?;
        let token = joined["jwt_token"].as_str().context("a session")?;
        Self::over(STREAM, "stream", platform.address(), token)
    }

    /// Has the cable of a grant piped here, subscribed to what is new; returns once it is open.
    pub fn cable(address: &str, token: &str) -> anyhow::Result<Self> {
        Self::over(CABLE, "cable", address, token)
    }

    fn over(marks: Marks, kind: &str, address: &str, token: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("ab-").tempdir()?;
        let socket = folder.path().join("pipe.sock");
        let listener = UnixListener::bind(&socket)?;
        let mut command = Command::new(std::env::current_exe()?);
        let child = command.args(["--pipe", kind, address, token]).arg(&socket).spawn()?;
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        let mut pipe = Self { marks, child, stream, buffer: vec![0; 512 << 10], start: 0, end: 0 };
        // The head of the answer: from here on the stream is heard.
        while memmem::find(&pipe.buffer[..pipe.end], b"\r\n\r\n").is_none() {
            pipe.fill()?;
        }
        Ok(pipe)
    }

    /// Takes the frames that are there, waiting for the first; `each` sees the id of every message, or for a cable the
    /// number of every event and what stands behind it.
    pub fn take(&mut self, mut each: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let Marks { before, shown } = self.marks;
        self.fill()?;
        while let Some(at) = memmem::find(&self.buffer[self.start..self.end], before) {
            let id = self.start + at + before.len();
            if id + shown > self.end {
                break;
            }
            each(std::str::from_utf8(&self.buffer[id..id + shown])?)?;
            self.start = id + shown;
        }
        // Only a mark that is cut in two must be looked at again.
        self.start = self.start.max(self.end.saturating_sub(before.len() + shown));
        Ok(())
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let count = match self.stream.read(&mut self.buffer[self.end..]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => bail!("the pipe is silent"),
            count => count?,
        };
        ensure!(count > 0, "the pipe ended");
        self.end += count;
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
