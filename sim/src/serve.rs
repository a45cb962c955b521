//! Serves any router on loopback; a reply marked [`ReplyLost`] closes its connection without a byte.
//!
//! `axum::serve` cannot lose a reply, because its services are infallible. Here hyper is driven
//! directly: a service error makes it drop the connection before anything was written.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// How long open requests may still run after [`Serving::stop`]; streams never end by themselves.
const DRAIN: Duration = Duration::from_millis(500);

/// A response extension: the request took effect, and its reply never reaches the caller.
///
/// Over a socket the connection closes without a byte; a caller in memory finds the extension on the
/// response and turns it into an error of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLost;

/// A response extension: what goes on over the connection once it has left HTTP (101).
///
/// It runs in the connection's own task, so that it ends with the listener.
#[derive(Clone)]
pub struct Takeover(Arc<Mutex<Option<After>>>);

type After = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Takeover {
    /// `after` may await the upgrade: it is polled when the last byte of HTTP has left.
    pub fn new(after: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::pin(after)))))
    }

    fn take(&self) -> Option<After> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Takeover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Takeover")
    }
}

/// A router that listens on loopback until it is stopped, killed or dropped.
#[derive(Debug)]
pub struct Serving {
    addr: SocketAddr,
    stop: CancellationToken,
    kill: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Serving {
    /// The address that was bound.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The origin, such as `http://127.0.0.1:40123`; no trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Cancelled as soon as the listener stops or is killed; tasks that belong to it watch this.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs something beside the listener, until that stops or is killed.
    pub(crate) fn meanwhile(&self, task: impl Future<Output: Send> + Send + 'static) {
        let stopping = self.stopping();
        tokio::spawn(async move { stopping.run_until_cancelled(task).await });
    }

    /// Takes no new connections, gives open requests half a second, then closes what is left.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.join().await;
    }

    /// Drops every connection at once, in the middle of whatever it was sending.
    pub async fn kill(mut self) {
        self.kill.cancel();
        self.stop.cancel();
        self.join().await;
    }

    async fn join(&mut self) {
        if let Some(task) = self.task.take() {
            // An aborted or panicked listener is as stopped as one that returned.
            let _ended = task.await;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill.cancel();
        self.stop.cancel();
    }
}

/// Serves `router` on `127.0.0.1:port`; port 0 picks a free one.
///
/// # Errors
/// The port is taken, or may not be bound.
pub async fn serve(router: Router, port: u16) -> io::Result<Serving> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let addr = listener.local_addr()?;
    let (stop, kill) = (CancellationToken::new(), CancellationToken::new());
    let task = tokio::spawn(accept(listener, router, stop.clone(), kill.clone()));
    Ok(Serving { addr, stop, kill, task: Some(task) })
}

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken, kill: CancellationToken) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // A peer that vanished between SYN and accept is its own problem.
            Ok((socket, _)) = listener.accept() => {
                // Small events must not wait for each other; where it cannot be set they are merely slower.
                let _slower = socket.set_nodelay(true);
                open.spawn(connection(socket, router.clone(), stop.clone()));
            }
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
    drop(listener);
    let drained = async { while open.join_next().await.is_some() {} };
    tokio::select! {
        () = kill.cancelled() => {}
        _ = tokio::time::timeout(DRAIN, drained) => {}
    }
    open.shutdown().await;
}

/// Serves one connection that is no socket, such as one end of `tokio::io::duplex`: under paused time
/// a real socket would let the clock run away. Returns when the connection is over.
pub async fn over(router: Router, io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    connection(io, router, CancellationToken::new()).await;
}

async fn connection(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, router: Router, stop: CancellationToken) {
    let takeover: Arc<Mutex<Option<Takeover>>> = Arc::default();
    let found = takeover.clone();
    let service = service_fn(move |request| answer(router.clone(), request, found.clone()));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(io), service).with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        // Errors here are what the faults are for: cut bodies, lost replies, callers gone.
        _ended = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ended = connection.as_mut().await;
        }
    }
    let after = takeover.lock().unwrap_or_else(PoisonError::into_inner).take().and_then(|it| it.take());
    if let Some(after) = after {
        // A line that has left HTTP never ends by itself: it is cut as soon as the listener stops.
        stop.run_until_cancelled(after).await;
    }
}

async fn answer(
    router: Router,
    request: axum::http::Request<Incoming>,
    takeover: Arc<Mutex<Option<Takeover>>>,
) -> Result<Response, io::Error> {
    let Ok(mut response) = router.oneshot(request.map(Body::new)).await;
    if response.extensions().get::<ReplyLost>().is_some() {
        return Err(io::Error::from(io::ErrorKind::ConnectionReset));
    }
    if let Some(found) = response.extensions_mut().remove::<Takeover>() {
        *takeover.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }
    Ok(response)
}
