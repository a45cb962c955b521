//! A server that records what it is sent and answers raw bytes from a script, so that it can break every rule.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What happens on one connection, once the request's head and body are read.
#[derive(Clone)]
pub enum Answer {
    /// These bytes, then the connection closes.
    Bytes(Vec<u8>),
    /// These bytes, then nothing more, and the connection stays.
    Hang(Vec<u8>),
    /// These bytes, then zeros without end.
    Endless(Vec<u8>),
}

impl Answer {
    /// A whole answer with a length.
    pub fn whole(status: &str, headers: &str, body: &str) -> Self {
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}");
        Self::Bytes(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }
}

/// Stops when dropped.
pub struct ScriptedServer {
    /// `http://127.0.0.1:port`.
    pub origin: String,
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl ScriptedServer {
    /// Answers each request with what `script` says of its head.
    pub async fn start(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let (script, log) = (Arc::new(script), seen.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (script.clone(), log.clone());
                connections.spawn(async move { serve(stream, &*script, &log).await });
            }
        });
        Self { origin, seen, _tasks: tasks }
    }

    /// Everything it was sent so far, one string a request.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no test panics while it holds this").clone()
    }
}

async fn serve(mut stream: TcpStream, script: &(dyn Fn(&str) -> Answer + Send + Sync), log: &Mutex<Vec<String>>) {
    let request = read_request(&mut stream).await;
    let answer = script(&request);
    log.lock().expect("no test panics while it holds this").push(request);
    let (Answer::Bytes(bytes) | Answer::Hang(bytes) | Answer::Endless(bytes)) = &answer;
    let _ = stream.write_all(bytes).await;
    match answer {
        Answer::Bytes(_) => drop(stream.shutdown().await),
        Answer::Hang(_) => std::future::pending().await,
        Answer::Endless(_) => while stream.write_all(&[b' '; 8192]).await.is_ok() {},
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    // A TLS handshake (RFC 8446, section 5.1) is no request and is answered at once.
    while request.first() != Some(&0x16) {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length: ").map(|length| length.parse::<usize>().expect("a length"))
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer)).await {
            Ok(Ok(read)) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return text,
        }
    }
    String::new()
}
