//! A bounded number of connections at once, and the listener on TCP that keeps to it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

/// Out of file descriptors: the next try would fail as fast as this one.
const AGAIN: Duration = Duration::from_millis(100);

/// A connection and its place.
pub struct Held<S> {
    stream: S,
    _place: OwnedSemaphorePermit,
}

impl<S> Held<S> {
    /// This connection in this place, which is free again when the connection is dropped.
    pub const fn new(stream: S, place: OwnedSemaphorePermit) -> Self {
        Self { stream, _place: place }
    }
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

/// Places for the connections of one door; the next one waits in the system's queue.
pub struct Places(Arc<Semaphore>);

impl Places {
    /// So many.
    pub fn new(connections: u32) -> Self {
        Self(Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(256))))
    }

    /// A place, as soon as one is free.
    pub async fn free(&self) -> OwnedSemaphorePermit {
        self.0.clone().acquire_owned().await.expect("nobody closes this semaphore")
    }

    /// The wait after a connection that could not be accepted.
    pub async fn again(&self) {
        tokio::time::sleep(AGAIN).await;
    }
}

/// TCP; who comes is asked in each request.
pub struct Tcp {
    listener: TcpListener,
    places: Places,
}

impl Tcp {
    /// Serves on this listener, so many connections at once.
    pub fn new(listener: TcpListener, connections: u32) -> Self {
        Self { listener, places: Places::new(connections) }
    }
}

impl Listener for Tcp {
    type Io = Held<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let place = self.places.free().await;
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => return (Held::new(stream, place), address),
                Err(error) => {
                    warn!(at = ?self.listener.local_addr().ok(), %error, "http: cannot accept");
                    self.places.again().await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
