//! Collects the fields of one block and dispatches it at its blank line (HTML 9.2.6).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use memchr::memchr;

use super::lines::{Line, reserve_within};
use super::{Frame, Item};

/// The event type when the server names none.
const UNNAMED: Cow<'static, str> = Cow::Borrowed("message");

/// An id over this is passed over, as one with a NUL is: it goes back in a header, and a head of more than 8 KiB is
/// refused by many servers, for ever. Bytes.
const LONGEST_ID: usize = 4 << 10;

/// The block being read, and the ids that outlive it.
pub(super) struct Block {
    limit: usize,
    /// The standard's "last event ID buffer": the newest `id` line, in an unfinished block too.
    id: Arc<str>,
    /// The standard's "last event ID string": `id` as of the last blank line.
    last_id: Arc<str>,
    open: Open,
}

/// What ends with the block.
#[derive(Default)]
struct Open {
    name: Option<String>,
    data: Data,
    /// The bytes of its lines so far.
    bytes: u64,
}

#[derive(Default)]
enum Data {
    /// No `data` line yet: such a block dispatches nothing.
    #[default]
    Absent,
    /// Undecoded: decoding once at the end is quicker and the same, as LF never lies inside a UTF-8 sequence.
    Kept(Vec<u8>),
    /// Something was too large: the rest of the block is read for its id and its name only.
    Oversized,
}

impl Data {
    /// The bytes held, if any line is.
    fn len(&self) -> Option<usize> {
        match self {
            Self::Kept(data) => Some(data.len()),
            Self::Absent | Self::Oversized => None,
        }
    }
}

impl Block {
    pub(super) fn new(limit: usize) -> Self {
        let none: Arc<str> = Arc::default();
        Self { limit, id: Arc::clone(&none), last_id: none, open: Open::default() }
    }

    pub(super) fn resume_at(&mut self, last_event_id: &str) {
        self.id = last_event_id.into();
        self.last_id = Arc::clone(&self.id);
    }

    pub(super) fn last_event_id(&self) -> &Arc<str> {
        &self.last_id
    }

    /// Takes one line in; says what it amounts to, if anything.
    pub(super) fn read(&mut self, line: Line<'_>) -> Option<Item> {
        match line {
            Line::Whole([]) => self.dispatch(),
            Line::Whole([b':', ..]) | Line::Cut { head: [b':', ..], .. } => Some(Item::Comment),
            Line::Whole(line) => {
                self.open.bytes += line.len() as u64;
                self.field(line)
            }
            Line::Cut { head, bytes } => {
                self.open.bytes += bytes;
                // A long line that the standard ignores spoils nothing.
                if matches!(split(head).0, b"data" | b"event" | b"id") {
                    self.open.data = Data::Oversized;
                }
                None
            }
        }
    }

    fn field(&mut self, line: &[u8]) -> Option<Item> {
        match split(line) {
            (b"data", value) => self.open.append(value, self.limit),
            (b"event", value) => self.open.rename(value, self.limit),
            (b"id", value) => self.set_id(value),
            (b"retry", value) => return retry(value).map(Item::Retry),
            _ => {}
        }
        None
    }

    fn set_id(&mut self, value: &[u8]) {
        if value.len() <= LONGEST_ID && !value.contains(&0) && value != self.id.as_bytes() {
            self.id = String::from_utf8_lossy(value).into();
        }
    }

    fn dispatch(&mut self) -> Option<Item> {
        // Most blank lines change no id, and sharing one is an atomic step.
        if !Arc::ptr_eq(&self.last_id, &self.id) {
            self.last_id = Arc::clone(&self.id);
        }
        let Open { name, data, bytes } = std::mem::take(&mut self.open);
        let named = name.as_ref().map_or(0, String::len);
        let data = match data {
            Data::Absent => return None,
            Data::Oversized => None,
            // Only damaged UTF-8 outgrows the limit here: U+FFFD takes three bytes where a stray byte took one.
            Data::Kept(data) => Some(decode(data)).filter(|data| data.len() + named <= self.limit),
        };
        let event = name.map_or(UNNAMED, Cow::Owned);
        let id = Arc::clone(&self.id);
        Some(match data {
            Some(data) => Item::Event(Frame { event, data, id }),
            None => Item::Oversized { bytes, id, event },
        })
    }
}

impl Open {
    fn append(&mut self, value: &[u8], limit: usize) {
        let named = self.name.as_ref().map_or(0, String::len);
        // The LF that joins it to the line before counts too.
        let joined = self.data.len().map_or(value.len(), |held| held + 1 + value.len());
        if joined + named > limit {
            self.data = Data::Oversized;
        }
        match &mut self.data {
            Data::Oversized => {}
            Data::Absent => self.data = Data::Kept(value.to_vec()),
            Data::Kept(data) => {
                reserve_within(data, 1 + value.len(), limit);
                data.push(b'\n');
                data.extend_from_slice(value);
            }
        }
    }

    fn rename(&mut self, value: &[u8], limit: usize) {
        let held = self.data.len().unwrap_or(0);
        let name = String::from_utf8_lossy(value);
        if name.len() + held > limit {
            self.data = Data::Oversized;
        } else {
            self.name = (!name.is_empty()).then(|| name.into_owned());
        }
    }
}

/// A line's field name and value; a line without a colon is all name.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b':', line) {
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, &[]),
    }
}

/// A reconnection time in milliseconds, if it is digits and nothing else.
fn retry(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(Duration::from_millis(value.iter().fold(0, digit)))
}

/// Decodes as the standard does: each maximal part of a damaged sequence becomes one U+FFFD.
fn decode(data: Vec<u8>) -> String {
    String::from_utf8(data).unwrap_or_else(|damaged| String::from_utf8_lossy(damaged.as_bytes()).into_owned())
}
