//! A peer at the bridge's doors that follows no rule, and what it gets.

use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::bridge::{Home, PATIENCE};

/// Both ends of anything that is connected.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}

/// A connection of which nothing is known but its bytes.
pub struct Peer(pub Box<dyn Wire>);

impl Peer {
    /// At a Unix socket.
    pub async fn unix(path: &Path) -> Self {
        Self(Box::new(UnixStream::connect(path).await.expect("it listens")))
    }

    /// At `control.sock`.
    pub async fn control(home: &Home) -> Self {
        Self::unix(&home.path("run/control.sock")).await
    }

    /// At a TCP address.
    pub async fn tcp(address: &str) -> Self {
        Self(Box::new(TcpStream::connect(address).await.expect("it listens")))
    }

    /// Sends these bytes; false once the bridge has closed.
    pub async fn sends(&mut self, bytes: &[u8]) -> bool {
        let sent = tokio::time::timeout(PATIENCE, self.0.write_all(bytes)).await;
        sent.expect("the bridge reads, or closes").is_ok()
    }

    /// Everything until the bridge closes.
    pub async fn hears(&mut self) -> String {
        let mut heard = Vec::new();
        // A reset is an end like any other; what came before it counts.
        let _ = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut heard)).await.expect("the bridge closes");
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Sends a piece again and again until the bridge closes; what it said.
    pub async fn goes_on_with(self, piece: &[u8]) -> String {
        let (mut read, mut write) = tokio::io::split(self.0);
        let piece = piece.to_vec();
        let drip = tokio::spawn(async move {
            // A drip, not a flood: the next piece follows when the one before had time to be read.
            let mut pause = tokio::time::interval(std::time::Duration::from_millis(20));
            while write.write_all(&piece).await.is_ok() {
                pause.tick().await;
            }
        });
        let mut heard = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, read.read_to_end(&mut heard)).await.expect("the bridge closes");
        drip.abort();
        String::from_utf8_lossy(&heard).into_owned()
    }
}

/// The status of an HTTP answer; 0 where there was none.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// One request on `control.sock`, and its answer.
pub async fn ask(home: &Home, request: &str) -> String {
    let mut peer = Peer::control(home).await;
    assert!(peer.sends(request.as_bytes()).await, "the request is sent");
    peer.hears().await
}

/// GET on `control.sock`: the whole answer.
pub async fn get(home: &Home, path: &str) -> String {
    ask(home, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
}

/// POST of JSON on `control.sock`: the whole answer.
pub async fn post(home: &Home, path: &str, body: &str) -> String {
    let head = "Host: localhost\r\nConnection: close\r\nContent-Type: application/json";
    ask(home, &format!("POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await
}

/// An address of loopback that nothing else on this machine uses, for a door on TCP.
pub fn address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").to_string()
}
