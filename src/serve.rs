//! Serves one HTTP door: each connection a task; a head that does not come whole in time ends it, as does a peer that does
//! not read. (`axum::serve` has no deadline for heads, so a byte a minute would hold a place for ever.)

mod listen;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

pub use listen::{Held, Places, Tcp};

/// More header lines than this in one head, and the request is refused.
const HEADER_LINES: usize = 100;

/// Bounds of one connection, and of the door's end.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The head of a request must be there in this time, counted from the connection or the last answer.
    pub head: Duration,
    /// The longest head, in bytes; at least 8 KiB. As much of an answer is kept unsent.
    pub head_bytes: usize,
    /// A write stuck this long ends the connection.
    pub stuck: Duration,
    /// At a stop, requests under way have this long.
    pub drain: Duration,
}

/// Serves one door until told to stop; then requests under way have `drain`, and watchers are ended at once.
pub async fn serve<L: Listener>(mut listener: L, router: Router, limits: Limits, token: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let io = tokio::select! {
            () = token.cancelled() => break,
            Some(ended) = connections.join_next() => {
                resume(ended);
                continue;
            }
            (io, _) = listener.accept() => io,
        };
        connections.spawn(converse(io, router.clone(), limits, token.clone()));
    }
    drop(listener);
    let rest = async {
        while let Some(ended) = connections.join_next().await {
            resume(ended);
        }
    };
    if tokio::time::timeout(limits.drain, rest).await.is_err() {
        warn!("http: requests under way were cut off");
    }
}

async fn converse<S>(stream: S, router: Router, limits: Limits, token: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let stream = Unstuck { stream, within: limits.stuck, stuck: None };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(HEADER_LINES)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = token.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "http: a connection was ended");
    }
}

/// Passes a connection's panic on: it must end the daemon, not hide in a set.
fn resume(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// A stream whose writes fail once nothing could be written for `within`: the peer does not read.
struct Unstuck<S> {
    stream: S,
    within: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Unstuck<S> {
    /// Lets a write that is done pass, and one that waits only so long.
    fn bound<T>(&mut self, cx: &mut Context<'_>, write: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.stuck = None;
            return write;
        }
        let within = self.within;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        stuck.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstuck<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstuck<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.bound(cx, write)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.stream).poll_flush(cx);
        self.bound(cx, flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
