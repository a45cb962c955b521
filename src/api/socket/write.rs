//! What goes out on one connection: answers first, then as many events as fit one write.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::api::rpc;
use crate::deliver::{Closed, Delivery, Subscription};

/// Events taken for one write. Their bytes are bounded by the subscription.
const EVENTS: usize = 256;
/// Answers gathered for one write, in bytes.
const ANSWERS: usize = 256 << 10;

/// Bytes of answers in line after which the reading side lets the writing side have its turn.
const TURN: usize = 64 << 10;

/// The way to the writing side. It never waits: a peer that does not read must not stop its own calls.
pub struct Answers {
    to: mpsc::UnboundedSender<Outgoing>,
    unread: Arc<AtomicUsize>,
    /// Bytes that the peer may leave unread; beyond that it is deaf.
    most: usize,
}

/// The peer does not read its answers, or is gone.
#[derive(Debug)]
pub struct Deaf;

impl Answers {
    /// Puts an answer in line.
    pub fn line(&self, line: Vec<u8>) -> Result<(), Deaf> {
        let unread = self.unread.fetch_add(line.len(), Ordering::Relaxed) + line.len();
        if unread > self.most { Err(Deaf) } else { self.to.send(Outgoing::Line(line)).map_err(|_| Deaf) }
    }

    /// Puts a subscription in line: its events go behind the answers before it.
    pub fn events(&self, subscription: Subscription) -> Result<(), Deaf> {
        self.to.send(Outgoing::Events(Box::new(subscription))).map_err(|_| Deaf)
    }

    /// Whether the writing side should have its turn now.
    pub fn pile_up(&self) -> bool {
        self.unread.load(Ordering::Relaxed) > TURN
    }
}

/// What waits to be written.
pub struct Line {
    from: mpsc::UnboundedReceiver<Outgoing>,
    unread: Arc<AtomicUsize>,
}

/// Both ends of the line between reading and writing; a peer may leave `most` bytes of answers unread.
pub fn line(most: usize) -> (Answers, Line) {
    let (to, from) = mpsc::unbounded_channel();
    let unread = Arc::new(AtomicUsize::new(0));
    (Answers { to, unread: unread.clone(), most }, Line { from, unread })
}

/// What the reading side hands over.
enum Outgoing {
    /// An answer, with its newline.
    Line(Vec<u8>),
    /// From now on these events.
    Events(Box<Subscription>),
}

/// Writes until the reading side is gone and its answers are out, or nothing more can be written.
pub async fn write(mut to: OwnedWriteHalf, mut line: Line, stuck: Duration, ended: &CancellationToken) {
    let mut writer = Writer {
        buffer: Vec::with_capacity(64 << 10),
        taken: Vec::new(),
        on_way: VecDeque::new(),
        answers: 0,
        events: None,
    };
    loop {
        tokio::select! {
            biased;
            () = ended.cancelled() => return,
            next = line.from.recv() => match next {
                Some(next) => writer.gather(next, &mut line.from),
                // Nobody calls any more. A subscription that ended with the bridge is still told so.
                None => match writer.last_word() {
                    Some(why) => writer.encode(Err(why)),
                    None => return,
                },
            },
            taken = next_events(&mut writer.events, &mut writer.taken) => writer.encode(taken),
        }
        let written = tokio::select! {
            written = write_all(&mut to, &mut writer, stuck) => written,
            () = ended.cancelled() => return,
        };
        if let Err(error) = written {
            debug!(%error, "agent.sock: writing ended");
            return;
        }
        line.unread.fetch_sub(writer.answers, Ordering::Relaxed);
        writer.written();
    }
}

struct Writer {
    buffer: Vec<u8>,
    /// Empty but between taking and encoding.
    taken: Vec<Delivery>,
    /// Where in the buffer each ends. Kept until it is written up to there: that is what bounds the unsent, and what
    /// `up_to` covers.
    on_way: VecDeque<(usize, Delivery)>,
    /// Bytes of answers in the buffer.
    answers: usize,
    events: Option<Box<Subscription>>,
}

impl Writer {
    /// Takes an answer, and those that wait behind it.
    fn gather(&mut self, first: Outgoing, outgoing: &mut mpsc::UnboundedReceiver<Outgoing>) {
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Outgoing::Line(line) => {
                    self.answers += line.len();
                    self.buffer.extend_from_slice(&line);
                }
                Outgoing::Events(subscription) => self.events = Some(subscription),
            }
            next = if self.buffer.len() < ANSWERS { outgoing.try_recv().ok() } else { None };
        }
    }

    /// The end of the subscription, where it is not written yet.
    fn last_word(&self) -> Option<Closed> {
        self.events.as_ref().and_then(|subscription| subscription.closed())
    }

    fn encode(&mut self, taken: Result<(), Closed>) {
        if let Err(why) = taken {
            self.events = None;
            let kind = why.kind();
            let message = "no more events on this subscription";
            self.buffer.extend(rpc::notification("closed", &json!({ "kind": kind, "message": message })));
            return;
        }
        for delivery in self.taken.drain(..) {
            rpc::event(&delivery, &mut self.buffer);
            self.on_way.push_back((self.buffer.len(), delivery));
        }
    }

    /// The buffer is out up to here.
    fn written_to(&mut self, end: usize) {
        while self.on_way.front().is_some_and(|(at, _)| *at <= end) {
            self.on_way.pop_front();
        }
    }

    fn written(&mut self) {
        self.answers = 0;
        self.buffer.clear();
        // One large event must not hold its memory for the life of an idle connection.
        self.buffer.shrink_to(256 << 10);
    }
}

async fn next_events(events: &mut Option<Box<Subscription>>, taken: &mut Vec<Delivery>) -> Result<(), Closed> {
    match events {
        Some(subscription) => subscription.next_many(taken, EVENTS).await,
        None => std::future::pending().await,
    }
}

/// Writes the buffer; every single step must get on within `stuck`.
async fn write_all(to: &mut OwnedWriteHalf, writer: &mut Writer, stuck: Duration) -> std::io::Result<()> {
    let mut end = 0;
    while end < writer.buffer.len() {
        let step = tokio::time::timeout(stuck, to.write(&writer.buffer[end..])).await;
        let written = step.map_err(|_| Error::from(ErrorKind::TimedOut))??;
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        end += written;
        writer.written_to(end);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_reader_hears_that_the_bridge_stops_even_when_its_calls_ended_first() {
        let (mut peer, ours) = tokio::net::UnixStream::pair().unwrap();
        let (answers, outgoing) = line(1 << 20);
        answers.events(Subscription::ended(Closed::Stopped)).unwrap();
        drop(answers);
        write(ours.into_split().1, outgoing, Duration::from_secs(30), &CancellationToken::new()).await;
        let mut heard = String::new();
        peer.read_to_string(&mut heard).await.unwrap();
        assert!(heard.contains("\"closed\"") && heard.contains("stopping"), "{heard}");
    }
}
