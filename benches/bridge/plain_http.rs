//! One request on one connection: enough HTTP/1.1 to script the platform and the daemon, without a client's own cost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;

/// POSTs JSON to `host:port`, answers with JSON.
pub fn post(address: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
    let stream = TcpStream::connect(address).with_context(|| format!("the platform at {address}"))?;
    exchange(stream, address, path, Some(body))
}

/// GETs JSON from `host:port`.
pub fn get(address: &str, path: &str) -> anyhow::Result<Value> {
    exchange(TcpStream::connect(address)?, address, path, None)
}

/// POSTs JSON to the daemon's `control.sock`.
pub fn control(socket: &Path, path: &str, body: &Value) -> anyhow::Result<Value> {
    exchange(UnixStream::connect(socket).context("control.sock")?, "localhost", path, Some(body))
}

/// Whether the daemon says that it is ready.
pub fn ready(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    let mut answer = [0; 12];
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.ends_with(b" 200")
}

/// With a body a POST, else a GET. The answer must be a success.
fn exchange(mut stream: impl Read + Write, host: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
    let body = body.map(Value::to_string);
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").with_context(|| format!("{path}: no answer"))?;
    ensure!(head.starts_with("HTTP/1.1 2"), "{path}: {} {body}", head.lines().next().unwrap_or_default());
    let body =
        if head.to_ascii_lowercase().contains("transfer-encoding: chunked") { dechunk(body)? } else { body.into() };
    serde_json::from_str(&body).with_context(|| format!("{path}: no JSON"))
}

fn dechunk(mut rest: &str) -> anyhow::Result<String> {
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).context("a chunk's size")?;
        if size == 0 {
            break;
        }
        whole.push_str(after.get(..size).context("a whole chunk")?);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    Ok(whole)
}
