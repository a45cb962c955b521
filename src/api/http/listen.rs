//! Listeners that check a peer when it connects and hold a bounded number of connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use crate::api::bind::Bound;
use crate::api::socket::Peers;

/// Out of file descriptors: the next try would fail as fast as this one.
const AGAIN: Duration = Duration::from_millis(100);

/// A connection and its place.
pub struct Held<S> {
    stream: S,
    _place: OwnedSemaphorePermit,
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Connections of one door at once; the next one waits in the system's queue.
fn places(connections: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(256)))
}

async fn place(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    places.clone().acquire_owned().await.expect("nobody closes this semaphore")
}

/// `control.sock`: the daemon's own user and root.
pub struct Control {
    bound: Bound,
    peers: Peers,
    places: Arc<Semaphore>,
}

impl Control {
    /// Serves on this socket, so many connections at once.
    pub fn new(bound: Bound, connections: u32) -> Self {
        Self { bound, peers: Peers::own(), places: places(connections) }
    }
}

impl Listener for Control {
    type Io = Held<UnixStream>;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let place = place(&self.places).await;
        loop {
            match self.bound.listener.accept().await {
                Ok((stream, address)) if self.peers.admits(&stream) => {
                    return (Held { stream, _place: place }, address);
                }
                Ok((stream, _)) => warn!(peer = ?stream.peer_cred().ok(), "control.sock: peer refused"),
                Err(error) => {
                    warn!(%error, "control.sock: cannot accept");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.bound.listener.local_addr()
    }
}

/// Loopback TCP; the token is asked for in each request.
pub struct Loopback {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Loopback {
    /// Serves on this listener, so many connections at once.
    pub fn new(listener: TcpListener, connections: u32) -> Self {
        Self { listener, places: places(connections) }
    }
}

impl Listener for Loopback {
    type Io = Held<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let place = place(&self.places).await;
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => return (Held { stream, _place: place }, address),
                Err(error) => {
                    warn!(%error, "http: cannot accept");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
