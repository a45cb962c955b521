//! The body of one open event stream, on every platform that has one: pieces, keep-alives, and its end.

use std::{convert::Infallible, io, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::stream::{self, Stream as BodyStream};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, Interval, MissedTickBehavior},
};

use crate::{
    answer::with_note,
    log::{Noted, Own},
};

/// Unread pieces that one stream may hold; a listener further behind is cut.
pub(crate) const QUEUE: usize = 4096;

/// What the queue of a stream carries.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Bytes as they go out.
    Bytes(Bytes),
    /// The end, without the last chunk of the encoding.
    Broken,
}

/// How a stream dies of the server's write timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Closed when its lifetime is over.
    AtDeadline,
    /// Left open but mute: the first event (or keep-alive) after the lifetime is lost and closes it.
    AtNextWrite,
}

/// How long a stream lives, and how it beats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// Time between two keep-alive comments.
    pub(crate) heartbeat: Duration,
    /// Its longest life.
    pub(crate) longest: Option<Duration>,
    /// How it dies at the end of that.
    pub(crate) cut: Cut,
    /// What remains of the token that opened it.
    pub(crate) token: Option<Duration>,
}

/// The body of one stream.
pub(crate) struct Feed {
    pieces: mpsc::Receiver<Piece>,
    deadline: Option<Instant>,
    cut: Cut,
    token_ends: Option<Instant>,
    heartbeat: Interval,
    over: bool,
    changed: watch::Sender<u64>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        // Whoever waits for this stream to be gone must look again.
        self.pieces.close();
        self.changed.send_modify(|version| *version += 1);
    }
}

impl Feed {
    /// `changed` is told when the stream is gone.
    pub(crate) fn new(life: Life, pieces: mpsc::Receiver<Piece>, changed: watch::Sender<u64>) -> Self {
        let now = Instant::now();
        let every = life.heartbeat.max(Duration::from_millis(1));
        let mut heartbeat = tokio::time::interval_at(now + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            pieces,
            deadline: life.longest.and_then(|it| now.checked_add(it)),
            cut: life.cut,
            token_ends: life.token.and_then(|it| now.checked_add(it)),
            heartbeat,
            over: false,
            changed,
        }
    }

    pub(crate) fn into_body(self) -> impl BodyStream<Item = io::Result<Bytes>> {
        stream::unfold(self, |mut feed| async move {
            if feed.over {
                return None;
            }
            let next = feed.next().await;
            if next.is_err() {
                // What was sent before the cut leaves first: the server writes while we wait.
                tokio::task::yield_now().await;
            }
            feed.over = next.is_err();
            Some((next, feed))
        })
    }

    async fn next(&mut self) -> io::Result<Bytes> {
        let mute = self.deadline.is_some_and(|it| it <= Instant::now());
        let close = (self.cut == Cut::AtDeadline).then_some(self.deadline).flatten();
        let close = [close, self.token_ends].into_iter().flatten().min();
        let bytes = tokio::select! {
            biased;
            () = at(close) => return Err(broken()),
            piece = self.pieces.recv() => match piece {
                Some(Piece::Bytes(bytes)) => bytes,
                Some(Piece::Broken) | None => return Err(broken()),
            },
            _ = self.heartbeat.tick() => Bytes::from_static(b": keepalive\n\n"),
        };
        // The write fails once its deadline is behind: these bytes are lost.
        let late = mute || self.deadline.is_some_and(|it| it <= Instant::now());
        if late { Err(broken()) } else { Ok(bytes) }
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => match std::future::pending::<Infallible>().await {},
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the simulated server cut its stream")
}

/// The head that an event stream has.
pub(crate) fn response<F: Own>(body: Body, noted: Noted<F>) -> Response {
    let mut response = with_note(Response::new(body), noted);
    let (kind, cache) = (HeaderValue::from_static("text/event-stream"), HeaderValue::from_static("no-cache"));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
    response
}
