//! The event stream: who listens, what reaches them, and every way in which it can go wrong.

use std::{collections::BTreeSet, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::{
    mangle::spend,
    options::Stream,
    wire::{self, Event},
    world::{AccountId, Message, RoomId, World},
};
use crate::feed::{Feed, Life, Piece, QUEUE};

/// One open stream.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) account: AccountId,
    /// The rooms fixed at connect (observed); `None` follows membership (documented).
    pub(crate) rooms: Option<BTreeSet<RoomId>>,
    pub(crate) queue: mpsc::Sender<Piece>,
    /// It beats, and tells nothing any more.
    pub(crate) deaf: bool,
}

impl Subscriber {
    pub(crate) fn open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Queues a piece; a full queue loses it, and the caller then drops the stream.
    fn put(&self, piece: Piece) -> bool {
        self.queue.try_send(piece).is_ok()
    }
}

impl World {
    /// Tells every stream that may know of it about a message.
    pub(crate) fn publish(&mut self, message: &Message, name: &'static str) {
        let heard = |it: &Subscriber| it.open() && self.hears(it, &message.channel_id);
        if !self.streams.iter().any(heard) {
            // Faults wait for an event that somebody would have had.
            return;
        }
        let mut event = wire::event(self, message, name);
        self.mark(event_line(self.options.stream, event.name));
        if let Some(bytes) = self.mangle.oversize.take() {
            wire::pad(&mut event, bytes);
        }
        if spend(&mut self.mangle.hold_back) {
            return;
        }
        if spend(&mut self.mangle.reorder) {
            self.mangle.reordered.push((message.clone(), event));
            if self.mangle.reorder == 0 {
                for (message, event) in std::mem::take(&mut self.mangle.reordered).into_iter().rev() {
                    self.emit(&message, &event);
                }
            }
            return;
        }
        self.replay_old(message);
        if spend(&mut self.mangle.duplicate) {
            self.emit(message, &event);
        }
        self.emit(message, &event);
    }

    fn replay_old(&mut self, message: &Message) {
        let count = std::mem::take(&mut self.mangle.replay_old);
        let room = self.rooms.get(&message.channel_id);
        let old = room.map_or(Vec::new(), |room| room.before(message.seq, count));
        for message in old.iter().rev() {
            let event = wire::event(self, message, "message.created");
            self.emit(message, &event);
        }
    }

    fn emit(&mut self, message: &Message, event: &Event) {
        let mut bytes = wire::frame(event, self.mangle.newline.text()).into_bytes();
        if std::mem::take(&mut self.mangle.bad_utf8) {
            spoil(&mut bytes);
        }
        match self.mangle.drop_after {
            Some((0, Some(part))) => {
                bytes.truncate(part);
                self.broadcast(message, &Bytes::from(bytes));
                self.mangle.drop_after = None;
                self.cut_streams();
            }
            Some((1, None)) => {
                self.broadcast(message, &Bytes::from(bytes));
                self.mangle.drop_after = None;
                self.cut_streams();
            }
            // Cut now, and before this event.
            Some((0, None)) => {
                self.mangle.drop_after = None;
                self.cut_streams();
            }
            Some((events, part)) => {
                self.mangle.drop_after = Some((events - 1, part));
                self.broadcast(message, &Bytes::from(bytes));
            }
            None => self.broadcast(message, &Bytes::from(bytes)),
        }
    }

    fn broadcast(&mut self, message: &Message, bytes: &Bytes) {
        let streams = std::mem::take(&mut self.streams);
        self.streams = streams
            .into_iter()
            .filter(|it| {
                let quiet = !self.hears(it, &message.channel_id);
                it.open() && (quiet || it.put(Piece::Bytes(bytes.clone())))
            })
            .collect();
    }

    /// Whether events of `room` go to this stream.
    pub(crate) fn hears(&self, stream: &Subscriber, room: &str) -> bool {
        if stream.deaf {
            return false;
        }
        match &stream.rooms {
            Some(rooms) => rooms.contains(room),
            None => self.member(&stream.account, room),
        }
    }

    /// Ends every stream with a broken chunk, after what is already queued.
    pub(crate) fn cut_streams(&mut self) {
        for stream in self.streams.drain(..) {
            stream.put(Piece::Broken);
        }
        self.mark("stream.drops");
    }

    /// Ends the streams of one account.
    pub(crate) fn cut_streams_of(&mut self, account: &str) {
        let (gone, kept) = self.streams.drain(..).partition(|it| it.account == account);
        self.streams = kept;
        let gone: Vec<Subscriber> = gone;
        for stream in gone {
            stream.put(Piece::Broken);
        }
    }

    /// Opens a stream. `lasts` is what remains of the caller's token.
    pub(crate) fn open_stream(&mut self, account: &str, cursor: Option<u64>, lasts: Option<Duration>) -> Body {
        let (queue, pieces) = mpsc::channel(QUEUE);
        let observed = self.options.stream == Stream::Observed;
        let first = self.opening(account, cursor);
        let subscriber = Subscriber {
            account: account.into(),
            rooms: observed.then(|| self.audible_rooms(account)),
            queue,
            deaf: false,
        };
        self.streams.push(subscriber);
        self.opened += 1;
        let options = &self.options;
        let life = Life { heartbeat: options.heartbeat, longest: options.lifetime(), cut: options.cut, token: lasts };
        let feed = Feed::new(life, pieces, self.changed.clone());
        let opening = stream::iter((!first.is_empty()).then(|| Ok(Bytes::from(first))));
        Body::from_stream(opening.chain(feed.into_body()))
    }

    fn audible_rooms(&self, account: &str) -> BTreeSet<RoomId> {
        let rooms = self.rooms.values().filter(|room| !room.dm && self.member(account, &room.id));
        rooms.map(|room| room.id.clone()).collect()
    }

    /// What a stream says before anything happens: the greeting, or what was missed.
    fn opening(&mut self, account: &str, cursor: Option<u64>) -> Vec<u8> {
        let newline = self.mangle.newline.text();
        let mut out = if self.mangle.bom { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        if let Some(says) = &self.mangle.retry {
            out.extend(format!("retry: {says}{newline}").into_bytes());
        }
        if self.options.stream == Stream::Observed {
            let event = Event { id: None, name: "connected", data: r#"{"status":"ok"}"#.to_owned() };
            out.extend(wire::frame(&event, newline).into_bytes());
            self.mark("stream.observed.connected");
            return out;
        }
        for message in self.missed(account, cursor) {
            let event = wire::event(self, &message, "message.created");
            out.extend(wire::frame(&event, newline).into_bytes());
            self.mark("stream.documented.replay");
        }
        // A comment makes the head go out at once.
        out.extend(format!(": open{newline}{newline}").into_bytes());
        out
    }

    fn missed(&self, account: &str, cursor: Option<u64>) -> Vec<Message> {
        let Some(cursor) = cursor else {
            return Vec::new();
        };
        let end = self.seq + 1;
        let mine = self.rooms.values().filter(|room| self.member(account, &room.id));
        let pages = mine.flat_map(|room| room.before(end, self.options.replay));
        let from = cursor.max(self.forgotten);
        let mut missed: Vec<Message> = pages.filter(|it| it.seq > from).collect();
        missed.sort_by_key(|message| message.seq);
        let surplus = missed.len().saturating_sub(self.options.replay);
        missed.drain(..surplus);
        missed
    }
}

/// The contract's line for an event of this name.
fn event_line(stream: Stream, name: &str) -> &'static str {
    match (stream, name) {
        (Stream::Documented, "message.created") => "stream.documented.created",
        (Stream::Documented, _) => "stream.documented.updated",
        (Stream::Observed, "message") => "stream.observed.websocket",
        (Stream::Observed, "message.created") => "stream.observed.created",
        (Stream::Observed, _) => "stream.observed.updated",
    }
}

/// Puts two bytes that no UTF-8 has into the event's text.
fn spoil(bytes: &mut Vec<u8>) {
    const MARK: &[u8] = br#""text":""#;
    if let Some(at) = bytes.windows(MARK.len()).position(|window| window == MARK) {
        let at = at + MARK.len();
        bytes.splice(at..at, [0xff, 0xfe]);
    }
}
