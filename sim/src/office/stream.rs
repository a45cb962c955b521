//! The stream about bots: who listens, what reaches them, and what can go wrong with it.

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    auth::Caller,
    options::EventStyle,
    record::{Employee, OfficeId},
    wire,
    world::World,
};
use crate::{
    armed,
    feed::{Cut, Feed, Life, Piece, QUEUE},
};

/// The beat of a stream that says nothing: longer than any test.
const NEVER: std::time::Duration = std::time::Duration::from_hours(24 * 365);

/// What goes wrong with the stream: a dial, or an event that some open stream would hear.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StreamFault {
    /// A dial: it opens without its `init`.
    NoInit,
    /// A dial: it opens and never says anything, not even that it is alive.
    Mute,
    /// An event: every stream ends before it.
    DropBefore,
    /// An event: every stream ends after it.
    DropAfter,
    /// An event: every stream ends in the middle of it.
    DropMidFrame,
    /// An event: nobody hears it.
    Lose,
    /// An event: it comes twice.
    Duplicate,
    /// An event: it is at least this long.
    Oversize {
        /// Bytes.
        bytes: usize,
    },
    /// An event: its data is no JSON.
    NotJson,
}

impl StreamFault {
    fn of_dials(&self) -> bool {
        matches!(self, Self::NoInit | Self::Mute)
    }
}

/// One open stream.
#[derive(Debug)]
pub(crate) struct Subscriber {
    office: OfficeId,
    agent: String,
    queue: mpsc::Sender<Piece>,
    mute: bool,
}

impl Subscriber {
    pub(crate) fn open(&self) -> bool {
        !self.queue.is_closed()
    }

    fn put(&self, piece: Piece) -> bool {
        self.queue.try_send(piece).is_ok()
    }
}

impl World {
    /// Opens a stream: every bot of the office first.
    pub(crate) fn open_stream(&mut self, me: &Caller) -> Body {
        let (queue, pieces) = mpsc::channel(QUEUE);
        let fault = armed::strike(&mut self.turns, StreamFault::of_dials);
        let mute = fault == Some(StreamFault::Mute);
        // A comment makes the head go out at once.
        let opening = if fault.is_some() { b": open\n\n".to_vec() } else { self.init(&me.office) };
        self.streams.retain(Subscriber::open);
        self.streams.push(Subscriber { office: me.office.clone(), agent: me.name.clone(), queue, mute });
        self.opened += 1;
        let heartbeat = if mute { NEVER } else { self.options.heartbeat };
        let life = Life { heartbeat, longest: self.options.stream_lifetime, cut: Cut::AtDeadline, token: None };
        let feed = Feed::new(life, pieces, self.changed.clone());
        Body::from_stream(stream::iter([Ok(Bytes::from(opening))]).chain(feed.into_body()))
    }

    fn init(&mut self, office: &str) -> Vec<u8> {
        let bots = self.office(office).map(wire::bots).unwrap_or_default();
        let style = self.options.events;
        self.served("stream.init");
        self.served(if style == EventStyle::Named { "stream.named" } else { "stream.in_data" });
        wire::frame(style, "init", json!({"office_id": office, "bots": bots}))
    }

    /// Tells everybody who listens how a bot is now.
    pub(crate) fn tell_bot(&mut self, office: &str, employee: &Employee) {
        if let Some(bot) = wire::bot(office, employee) {
            self.publish(office, "bot_update", "stream.bot_update", json!({"bot": bot}));
        }
    }

    /// Tells everybody who listens that a bot is gone.
    pub(crate) fn tell_gone(&mut self, office: &str, bot: &str) {
        self.publish(office, "bot_removed", "stream.bot_removed", json!({"bot_id": bot}));
    }

    fn publish(&mut self, office: &str, name: &str, line: &'static str, mut data: Value) {
        if !self.streams.iter().any(|it| it.open() && !it.mute && it.office == office) {
            // Faults wait for an event that somebody would have had.
            return;
        }
        self.served(line);
        let fault = armed::strike(&mut self.turns, |fault| !fault.of_dials());
        if let Some(StreamFault::Oversize { bytes }) = fault {
            data["padding"] = json!("x".repeat(bytes));
        }
        let mut frame = wire::frame(self.options.events, name, data);
        match fault {
            Some(StreamFault::NotJson) => frame.retain(|byte| *byte != b'}'),
            Some(StreamFault::DropMidFrame) => frame.truncate(frame.len() / 2),
            _ => {}
        }
        let times = match fault {
            Some(StreamFault::Lose | StreamFault::DropBefore) => 0,
            Some(StreamFault::Duplicate) => 2,
            _ => 1,
        };
        (0..times).for_each(|_| self.broadcast(office, &Bytes::from(frame.clone())));
        if let Some(StreamFault::DropBefore | StreamFault::DropAfter | StreamFault::DropMidFrame) = fault {
            self.cut_streams(|_| true);
        }
    }

    fn broadcast(&mut self, office: &str, bytes: &Bytes) {
        let quiet = |it: &Subscriber| it.mute || it.office != office;
        self.streams.retain(|it| it.open() && (quiet(it) || it.put(Piece::Bytes(bytes.clone()))));
    }

    /// Ends the streams of some agents with a broken chunk, after what is already queued.
    pub(crate) fn cut_streams(&mut self, of: impl Fn(&str) -> bool) {
        let (gone, kept): (Vec<_>, _) = self.streams.drain(..).partition(|it| of(&it.agent));
        self.streams = kept;
        for stream in gone {
            stream.put(Piece::Broken);
        }
    }
}
