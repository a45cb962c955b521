//! The body of one open stream: pieces, keep-alives, and its end.

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use futures_util::stream::{self, Stream as BodyStream};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, Interval, MissedTickBehavior},
};

use super::{options::Cut, stream::Piece, world::World};

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
    pub(crate) fn new(world: &World, pieces: mpsc::Receiver<Piece>, lasts: Option<Duration>) -> Self {
        let now = Instant::now();
        let every = world.options.heartbeat.max(Duration::from_millis(1));
        let mut heartbeat = tokio::time::interval_at(now + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            pieces,
            deadline: world.options.lifetime().and_then(|it| now.checked_add(it)),
            cut: world.options.cut,
            token_ends: lasts.and_then(|it| now.checked_add(it)),
            heartbeat,
            over: false,
            changed: world.changed.clone(),
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
