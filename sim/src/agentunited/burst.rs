//! Many messages fast: payloads follow from (seed, n), so that a reader can check each of them.

use std::{fmt::Write as _, sync::OnceLock, time::Duration};

use bytes::Bytes;
use serde::Deserialize;
use tokio::{sync::mpsc, time::Instant};

use super::{
    Sim, wire,
    world::{Message, World},
};
use crate::{feed::Piece, ids};

/// Messages that go out as one chunk.
const BATCH: u64 = 128;
/// Letters that repeat nothing, as many times over as a text may be long: what stores texts gains nothing on them.
const LETTERS: usize = 64 * 1024;
/// The seed has 28 bits, because it is part of each id.
const SEED_BITS: u32 = 0x0fff_ffff;

/// A burst of messages into one room.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// The room, by id.
    pub channel: String,
    /// How many messages.
    pub count: u64,
    /// The length of each text in bytes; at least 32.
    #[serde(default = "kibibyte")]
    pub bytes: usize,
    /// Messages a second; as fast as the streams take them when absent.
    #[serde(default)]
    pub rate_per_s: Option<u32>,
    /// What the payloads are made from; 28 bits count.
    #[serde(default)]
    pub seed: u32,
    /// The number of the first message.
    #[serde(default)]
    pub first: u64,
}

fn kibibyte() -> usize {
    1024
}

/// A stretch of a room's history that a burst made; it is written out only when asked for.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    seed: u32,
    first_n: u64,
    first_seq: u64,
    count: u64,
    bytes: usize,
    author: String,
    created: u64,
}

impl Segment {
    /// The place of a message id, when it is one of these.
    pub(crate) fn place(&self, id: &str) -> Option<u64> {
        let n = burst_number(id, self.seed)?;
        let at = n.checked_sub(self.first_n).filter(|at| *at < self.count)?;
        Some(self.first_seq + at)
    }

    pub(crate) fn message(&self, room: &str, seq: u64) -> Option<Message> {
        let at = seq.checked_sub(self.first_seq).filter(|at| *at < self.count)?;
        let n = self.first_n + at;
        Some(Message {
            id: burst_id(self.seed, n),
            seq,
            channel_id: room.into(),
            author_id: self.author.clone(),
            text: burst_text(self.seed, n, self.bytes),
            created: self.created,
            updated: self.created,
            attachment: None,
        })
    }

    pub(crate) fn before(&self, room: &str, end: u64, limit: usize) -> Vec<Message> {
        let end = end.min(self.first_seq + self.count);
        let places = (self.first_seq..end).rev().take(limit);
        places.filter_map(|seq| self.message(room, seq)).collect()
    }
}

/// The id of message `n` of a burst.
pub fn burst_id(seed: u32, n: u64) -> String {
    let seed = u64::from(seed & SEED_BITS);
    let high = (0xb1a5_7000 << 32) | ((seed >> 12) << 16) | 0x4000 | (seed & 0xfff);
    let low = (0b10 << 62) | (n & 0x0fff_ffff_ffff_ffff);
    ids::uuid(high, low)
}

fn burst_number(id: &str, seed: u32) -> Option<u64> {
    let digits: String = id.split('-').skip(3).collect();
    let n = u64::from_str_radix(&digits, 16).ok()? & 0x0fff_ffff_ffff_ffff;
    (burst_id(seed, n) == id).then_some(n)
}

/// The text of message `n` of a burst: its numbers, then letters that depend on them.
pub fn burst_text(seed: u32, n: u64, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 32);
    let _infallible = write!(text, "burst {:07x} {n:016x} ", seed & SEED_BITS);
    let letters = LETTERS_DRAWN.get_or_init(drawn);
    let mut turn = usize::try_from(n.wrapping_mul(31).wrapping_add(u64::from(seed)) % LETTERS as u64).unwrap_or(0);
    while text.len() < bytes {
        let part = (bytes - text.len()).min(LETTERS - turn);
        text.push_str(&letters[turn..turn + part]);
        turn = 0;
    }
    text
}

/// The same letters every time, drawn by a generator of Knuth's.
static LETTERS_DRAWN: OnceLock<String> = OnceLock::new();

fn drawn() -> String {
    let mut state = 1_u64;
    let draw = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + state.to_be_bytes()[0] % 26)
    };
    (0..LETTERS).map(draw).collect()
}

impl Sim {
    /// Emits a burst as one person's messages and returns once the streams have taken all of it.
    /// The messages are in the history, too. False when there is no such room.
    pub async fn burst(&self, burst: &Burst) -> bool {
        let (start, author) = (Instant::now(), self.person("Burst"));
        let mut sent = 0;
        while sent < burst.count {
            if let Some(rate) = burst.rate_per_s.filter(|rate| *rate > 0) {
                let due = Duration::from_nanos(1_000_000_000 / u64::from(rate) * sent);
                tokio::time::sleep_until(start + due).await;
            }
            // At a low rate a batch is what one tick of the timer may carry.
            let batch = burst.rate_per_s.map_or(BATCH, |rate| BATCH.min(u64::from(rate / 500).max(1)));
            let count = batch.min(burst.count - sent);
            let Some((bytes, queues)) = self.with(|world| world.batch(burst, &author, sent, count)) else {
                return false;
            };
            for queue in queues {
                // Waits for a slow reader; one that is gone needs nothing.
                let _gone = queue.send(Piece::Bytes(bytes.clone())).await;
            }
            sent += count;
        }
        true
    }
}

impl World {
    /// Stores a batch and writes it out for the streams that hear it.
    fn batch(
        &mut self,
        burst: &Burst,
        author: &str,
        sent: u64,
        count: u64,
    ) -> Option<(Bytes, Vec<mpsc::Sender<Piece>>)> {
        let segment = Segment {
            seed: burst.seed & SEED_BITS,
            first_n: burst.first + sent,
            first_seq: self.seq + 1,
            count,
            bytes: burst.bytes,
            author: author.into(),
            created: self.now(),
        };
        self.rooms.get(&burst.channel)?;
        self.seq += count;
        self.keep(&burst.channel, &segment);
        if !self.mangle.idle() {
            for seq in segment.first_seq..=self.seq {
                let message = segment.message(&burst.channel, seq)?;
                self.publish(&message, "message.created");
            }
            return Some((Bytes::new(), Vec::new()));
        }
        self.streams.retain(super::stream::Subscriber::open);
        let hearing = self.streams.iter().filter(|it| self.hears(it, &burst.channel));
        let queues: Vec<_> = hearing.map(|it| it.queue.clone()).collect();
        let bytes = if queues.is_empty() { Bytes::new() } else { self.write_out(&burst.channel, &segment) };
        Some((bytes, queues))
    }

    /// Adds the batch to the room's history, joined to the one before where nothing came between.
    fn keep(&mut self, room: &str, segment: &Segment) {
        let Some(room) = self.rooms.get_mut(room) else {
            return;
        };
        if let Some(last) = room.segments.last_mut() {
            let next = last.first_seq + last.count == segment.first_seq && last.first_n + last.count == segment.first_n;
            let same = (last.seed, last.bytes, &last.author) == (segment.seed, segment.bytes, &segment.author);
            if next && same {
                last.count += segment.count;
                return;
            }
        }
        room.segments.push(segment.clone());
    }

    /// The frames of a batch: one is serialised, the others differ in id, time and text alone.
    fn write_out(&self, room: &str, segment: &Segment) -> Bytes {
        const ID: &str = "@id@";
        const TEXT: &str = "@text@";
        let Some(mut model) = segment.message(room, segment.first_seq) else {
            return Bytes::new();
        };
        model.id = ID.into();
        model.text = TEXT.into();
        let event = wire::event(self, &model, "message.created");
        let frame = wire::frame(&event, "\n");
        let mut out =
            String::with_capacity(usize::try_from(segment.count).unwrap_or(0) * (frame.len() + segment.bytes + 80));
        let parts = split(&frame, &[ID, TEXT]);
        for n in segment.first_n..segment.first_n + segment.count {
            let (id, text) = (burst_id(segment.seed, n), burst_text(segment.seed, n, segment.bytes));
            for part in &parts {
                out.push_str(match *part {
                    ID => &id,
                    TEXT => &text,
                    fixed => fixed,
                });
            }
        }
        Bytes::from(out)
    }
}

/// `text` cut before and after every mark.
fn split<'t>(text: &'t str, marks: &[&'t str]) -> Vec<&'t str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    loop {
        let found = marks.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min();
        let Some((at, mark)) = found else {
            parts.push(rest);
            return parts;
        };
        parts.extend([&rest[..at], mark]);
        rest = &rest[at + mark.len()..];
    }
}
