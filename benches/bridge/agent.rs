//! An agent that streams: takes what is there, acks it with one `up_to`, and looks at each event's id.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use memchr::{memchr, memmem};
use serde_json::{Value, json};

/// Without a byte for so long something is broken.
const SILENCE: Duration = Duration::from_mins(1);

/// One line of the socket: an event, or anything else.
pub struct Event<'a> {
    /// Its place in the feed.
    pub seq: u64,
    /// `workspace/type/conversation/object`.
    pub id: &'a str,
}

impl<'a> Event<'a> {
    /// The conversation and the object of `workspace`'s new message.
    pub fn message(&self, workspace: &str) -> Option<(&'a str, &'a str)> {
        self.id.strip_prefix(workspace)?.strip_prefix("/message.created/")?.split_once('/')
    }
}

/// The agent's end of the socket.
pub struct Agent {
    stream: UnixStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    calls: u64,
}

impl Agent {
    /// Connects, trying until `patience` is over.
    pub fn connect(socket: &Path, patience: Duration) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let stream = loop {
            match UnixStream::connect(socket) {
                Ok(stream) => break stream,
                Err(error) if begun.elapsed() > patience => return Err(error).context("agent.sock"),
                Err(_) => std::thread::sleep(Duration::from_micros(200)),
            }
        };
        stream.set_read_timeout(Some(SILENCE))?;
        Ok(Self { stream, buffer: vec![0; 512 << 10], start: 0, end: 0, calls: 0 })
    }

    /// Becomes the reader of a consumer.
    pub fn subscribe(&mut self, consumer: &str, in_flight: u32, per_lane: u32) -> anyhow::Result<()> {
        let params = json!({ "consumer": consumer, "max_in_flight": in_flight, "per_lane": per_lane });
        self.call("subscribe", &params).map(drop)
    }

    /// Takes the events that are there, waiting for the first; `each` sees every one. All are acked at once.
    /// Returns the newest sequence.
    pub fn take(&mut self, each: impl FnMut(Event<'_>) -> anyhow::Result<()>) -> anyhow::Result<u64> {
        let last = self.look(each)?;
        self.notify("ack", &json!({ "up_to": last }))?;
        Ok(last)
    }

    /// Like [`Agent::take`], but nothing is acked.
    pub fn look(&mut self, mut each: impl FnMut(Event<'_>) -> anyhow::Result<()>) -> anyhow::Result<u64> {
        let mut last = 0;
        while last == 0 {
            if self.start == self.end || memchr(b'\n', &self.buffer[self.start..self.end]).is_none() {
                self.fill()?;
            }
            while let Some(length) = memchr(b'\n', &self.buffer[self.start..self.end]) {
                let line = &self.buffer[self.start..self.start + length];
                self.start += length + 1;
                if let Some(event) = event(line)? {
                    // Lanes go their own ways: the last to come need not be the newest.
                    last = last.max(event.seq);
                    each(event)?;
                }
            }
        }
        Ok(last)
    }

    /// A call and its answer; events that come in between are not expected.
    pub fn call(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let id = self.ask(method, params)?;
        let (answered, value) = self.answer()?;
        ensure!(answered == id, "answers come to whom they belong");
        Ok(value)
    }

    /// Sends a call; its number.
    pub fn ask(&mut self, method: &str, params: &Value) -> anyhow::Result<u64> {
        self.calls += 1;
        let line = json!({ "jsonrpc": "2.0", "id": self.calls, "method": method, "params": params });
        self.stream.write_all(format!("{line}\n").as_bytes())?;
        Ok(self.calls)
    }

    /// The next answer and the number of its call.
    pub fn answer(&mut self) -> anyhow::Result<(u64, Value)> {
        loop {
            if let Some(length) = memchr(b'\n', &self.buffer[self.start..self.end]) {
                let line: Value = serde_json::from_slice(&self.buffer[self.start..self.start + length])?;
                if let Some(error) = line.get("error") {
                    bail!("the bridge refuses: {error}");
                }
                // An event that came before the answer to a later call stays for `take`.
                let Some(id) = line["id"].as_u64() else { bail!("an answer was expected, not {line}") };
                self.start += length + 1;
                return Ok((id, line["result"].clone()));
            }
            self.fill()?;
        }
    }

    fn notify(&mut self, method: &str, params: &Value) -> anyhow::Result<()> {
        let line = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        Ok(self.stream.write_all(format!("{line}\n").as_bytes())?)
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        let count = match self.stream.read(&mut self.buffer[self.end..]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => bail!("nothing came for {} s", SILENCE.as_secs()),
            count => count?,
        };
        ensure!(count > 0, "the bridge closed the socket");
        self.end += count;
        Ok(())
    }
}

/// Reads what is needed of a line; parsing all of it would be the agent's cost, not the bridge's.
fn event(line: &[u8]) -> anyhow::Result<Option<Event<'_>>> {
    if memmem::find(&line[..line.len().min(60)], b"\"method\":\"event\"").is_none() {
        if memmem::find(line, b"\"error\"").is_some() || memmem::find(line, b"\"method\":\"closed\"").is_some() {
            bail!("the bridge says {}", String::from_utf8_lossy(line));
        }
        return Ok(None);
    }
    let after = |mark: &[u8]| memmem::find(line, mark).map(|at| &line[at + mark.len()..]);
    let seq = after(b"\"seq\":").context("a seq")?;
    let digits = seq.iter().take_while(|byte| byte.is_ascii_digit());
    let seq = digits.fold(0, |seq, byte| seq * 10 + u64::from(byte - b'0'));
    let id = after(b"\"id\":\"").context("an id")?;
    let id = std::str::from_utf8(&id[..memchr(b'"', id).context("an id's end")?])?;
    Ok(Some(Event { seq, id }))
}
