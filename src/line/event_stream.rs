//! Reads Server-Sent Events from bytes, exactly as the WHATWG HTML standard section 9.2 reads them, in bounded memory.
//!
//! Pure: bytes go in with [`EventStream::push`], [`Item`]s come out of the iterator, nothing is awaited. Work is linear in
//! the input: every byte is scanned once, copied once into its event, and once more only when a line spans two chunks.
//!
//! ```
//! # use agent_bridge::line::event_stream::{EventStream, Item, Limits};
//! let mut stream = EventStream::new(Limits::default());
//! stream.push("id: 7\nevent: message.created\ndata: {}\n\n".into());
//! let Some(Item::Event(frame)) = stream.next() else { unreachable!() };
//! assert_eq!((&*frame.id, &*frame.event, &*frame.data), ("7", "message.created", "{}"));
//! assert_eq!(stream.next(), None); // no more until the next push
//! ```

mod block;
mod lines;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use block::Block;
use lines::Lines;

/// How much of a hostile or broken stream is held in memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line kept, without its end. Values below 16 are raised to 16: a field's name must fit.
    pub line: usize,
    /// The largest event kept: its data (lines joined) and its name together.
    pub event: usize,
}

impl Default for Limits {
    /// 4 MiB each: above any event a known platform sends, below what hurts with a stream for each workspace.
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self { line: 4 * MIB, event: 4 * MIB }
    }
}

/// What a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A complete event with data.
    Event(Frame),
    /// The server asks for this delay before a reconnect. As sent, not clamped; beyond `u64` milliseconds it saturates.
    Retry(Duration),
    /// A comment line: the server is alive.
    Comment,
    /// An event too large to keep ([`Limits`]) went past and was not buffered. The events after it are unharmed.
    Oversized {
        /// The bytes of its lines, line ends left out.
        bytes: u64,
        /// As [`Frame::id`]; an `id` line that was itself too long is passed over.
        id: Arc<str>,
        /// As [`Frame::event`]; an `event` line that was itself too long is passed over.
        event: Cow<'static, str>,
    },
}

/// One dispatched event.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The event's name; `message` when the server named none.
    pub event: Cow<'static, str>,
    /// The data lines joined with LF: at most [`Limits::event`] bytes, empty only if the server sent an empty `data` line.
    pub data: String,
    /// The last event id as of this event: this event's own or an earlier one's, empty when there is none.
    pub id: Arc<str>,
}

impl fmt::Debug for Frame {
    /// Data is counted, not shown: an event may carry a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("event", &self.event)
            .field("data", &format_args!("{} bytes", self.data.len()))
            .field("id", &self.id)
            .finish()
    }
}

/// The parser of one connection's body; a reconnect starts a new one with [`EventStream::resumed_at`].
///
/// Iterating yields what the bytes pushed so far say. `None` means "push more", not the end: the iterator is not fused.
/// At the end of the body an unfinished event is dropped with the parser, as the standard has it.
pub struct EventStream {
    lines: Lines,
    block: Block,
}

impl EventStream {
    /// A parser at the start of a body.
    pub fn new(limits: Limits) -> Self {
        Self { lines: Lines::new(limits.line), block: Block::new(limits.event) }
    }

    /// Starts with the id that the request named in `Last-Event-ID`, so that events without an `id` keep it
    /// across a reconnect, as in browsers (web-platform-tests, `eventsource/format-field-id-2`).
    #[must_use]
    pub fn resumed_at(mut self, last_event_id: &str) -> Self {
        self.block.resume_at(last_event_id);
        self
    }

    /// Takes the next bytes of the body. Drain the iterator before the next push: undrained bytes are kept and
    /// joined, and only the caller bounds them.
    pub fn push(&mut self, chunk: Bytes) {
        self.lines.push(chunk);
    }

    /// The id a reconnect sends as `Last-Event-ID`: that of the last block ended by a blank line, never of an unfinished one.
    pub fn last_event_id(&self) -> &Arc<str> {
        self.block.last_event_id()
    }
}

impl Iterator for EventStream {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let line = self.lines.next_line()?;
            if let Some(item) = self.block.read(line) {
                return Some(item);
            }
        }
    }
}

/// Whether a `Content-Type` value names an event stream. Parameters are ignored, `charset` too: the standard always
/// decodes as UTF-8. Anything else must fail the connection (HTML 9.2.2).
pub fn is_event_stream(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim_matches([' ', '\t', '\r', '\n']).eq_ignore_ascii_case("text/event-stream")
}
