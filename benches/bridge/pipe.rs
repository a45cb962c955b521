//! The floor of a bridge: the platform's stream piped to a socket by a process of its own, nothing parsed, nothing kept.

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

/// The child: `--pipe ADDRESS TOKEN SOCKET`.
pub fn serve(words: &[String]) -> anyhow::Result<()> {
    let [address, token, socket] = words else { bail!("--pipe ADDRESS TOKEN SOCKET") };
    let mut to = UnixStream::connect(socket)?;
    let mut from = TcpStream::connect(address)?;
    let head = "Accept: text/event-stream\r\nConnection: keep-alive";
    write!(
        from,
        "GET /api/v1/events/stream HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n{head}\r\n\r\n"
    )?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        // Its end is how this process is told to end.
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            return Ok(());
        }
    }
}

/// The reading end.
pub struct Pipe {
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
        let folder = tempfile::Builder::new().prefix("ab-").tempdir()?;
        let socket = folder.path().join("pipe.sock");
        let listener = UnixListener::bind(&socket)?;
        let mut command = Command::new(std::env::current_exe()?);
        let child = command.args(["--pipe", platform.address(), token]).arg(&socket).spawn()?;
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        let mut pipe = Self { child, stream, buffer: vec![0; 512 << 10], start: 0, end: 0 };
        // The head of the answer: from here on the stream is heard.
        while memmem::find(&pipe.buffer[..pipe.end], b"\r\n\r\n").is_none() {
            pipe.fill()?;
        }
        Ok(pipe)
    }

    /// Takes the frames that are there, waiting for the first; `each` sees the id of every message.
    pub fn take(&mut self, mut each: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
        const ID: &[u8] = b"\"message_id\":\"";
        const LENGTH: usize = 36;
        self.fill()?;
        while let Some(at) = memmem::find(&self.buffer[self.start..self.end], ID) {
            let id = self.start + at + ID.len();
            if id + LENGTH > self.end {
                break;
            }
            each(std::str::from_utf8(&self.buffer[id..id + LENGTH])?)?;
            self.start = id + LENGTH;
        }
        // Only a mark that is cut in two must be looked at again.
        self.start = self.start.max(self.end.saturating_sub(ID.len() + LENGTH));
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
