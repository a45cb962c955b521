//! Over a real socket: one request as bytes, and the script's door.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Sends one request and reads until the server closes; a lost reply is empty. The credential goes in both headers
/// that the platforms know.
pub async fn raw(url: &str, method: &str, path: &str, credential: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(url.trim_start_matches("http://")).await.expect("a server");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nAuthorization: Bearer {credential}\r\n\
         X-AUTH-TOKEN: {credential}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut reply = Vec::new();
    // A reset after the last byte is as good as an end.
    let _reset = socket.read_to_end(&mut reply).await;
    String::from_utf8(reply).expect("text")
}

/// Status and JSON of a reply.
pub fn parts(reply: &str) -> (u16, Value) {
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Scripts the platform as another process would.
pub async fn control(url: &str, path: &str, body: Value) -> Value {
    let (status, body) = parts(&raw(url, "POST", &format!("/_sim/{path}"), "-", &body.to_string()).await);
    assert_eq!(status, 200, "{path}: {body}");
    body
}
