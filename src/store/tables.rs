//! Every table, its key, its value and the schema version. A change here is a change of the file: raise `SCHEMA`,
//! teach `open` to upgrade, and check in a store file of the version before.
//!
//! Numbers in values are little-endian. `JSON` is the serde form of the named type. Texts `W` are workspace names.

use std::borrow::Cow;

use redb::TableDefinition;
use sha2::{Digest, Sha256};

use super::fault::Fault;
use crate::event::{Arrival, AuthorKind, Head, Lines, Stored, Type, Via, WorkspaceName};

/// The version of this page.
pub const SCHEMA: u32 = 2;

/// `schema` → u32 · `check` → a sealed constant that only the right vault key opens · `tally` → [`Tally`] ·
/// `swept` → u64, when forgetting was last done, milliseconds since 1970.
pub const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// Sequence → [`feed_row`].
pub const FEED: TableDefinition<u64, &[u8]> = TableDefinition::new("feed");
/// [`id_key`] → [`IdRow`]. The event's id begins `W/type/conversation/object` wherever an object is told.
pub const IDS: TableDefinition<&str, &[u8]> = TableDefinition::new("ids");
/// (W, line) → the platform's opaque text. (W, `held_back`) → how many events a policy has held back, in digits.
pub const CURSORS: TableDefinition<(&str, &str), &str> = TableDefinition::new("cursors");
/// (W, conversation) → JSON `Anchor`.
pub const ANCHORS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("anchors");
/// W → JSON `WorkspaceRecord`.
pub const WORKSPACES: TableDefinition<&str, &[u8]> = TableDefinition::new("workspaces");
/// W → JSON `Tombstone`.
pub const TOMBSTONES: TableDefinition<&str, &[u8]> = TableDefinition::new("tombstones");
/// (owner, field) → nonce (24 bytes) and sealed secret.
pub const SECRETS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("secrets");
/// Consumer → JSON `Consumer`.
pub const CONSUMERS: TableDefinition<&str, &[u8]> = TableDefinition::new("consumers");
/// Consumer → the sequence up to which all is settled.
pub const MARKS: TableDefinition<&str, u64> = TableDefinition::new("marks");
/// (consumer, sequence) → JSON `Exception`.
pub const EXCEPTIONS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("exceptions");
/// (consumer, sequence) → when (u64), then JSON list of `ActionId`.
pub const ACKED: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("acked");
/// (consumer, last sequence of a run) → `way_row` (`store/way`). Since schema 2.
pub const WAYS: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("ways");
/// (consumer, sequence) → JSON `DeadLetter`.
pub const DEAD: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("dead");
/// Action id, which sorts by time → JSON `Action`.
pub const ACTIONS: TableDefinition<&str, &[u8]> = TableDefinition::new("actions");
/// (W, action id): every action.
pub const ACTIONS_OF: TableDefinition<(&str, &str), ()> = TableDefinition::new("actions_of");
/// (W, action id): what is not settled yet.
pub const OUTBOX: TableDefinition<(&str, &str), ()> = TableDefinition::new("outbox");
/// (W, the agent's key) → (action id, when it was accepted).
pub const KEYS: TableDefinition<(&str, &str), (&str, u64)> = TableDefinition::new("keys");

/// The bytes a row counts for: key and value, a quarter more for the free space in its page and the pages above it
/// (measured with events of 1 KiB: 1.25), and its own offsets.
pub const fn cost(key: usize, value: usize) -> u64 {
    let held = (key + value) as u64;
    held + held / 4 + 16
}

/// Where the feed stands; one row, written with every change of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The newest sequence ever given.
    pub head: u64,
    /// When it was committed; the feed's time never runs backwards.
    pub at: u64,
    /// Bytes of the rows that grow with use: feed, ids, actions, dead letters, ways.
    pub bytes: u64,
}

impl Tally {
    /// As stored.
    pub fn encode(self) -> [u8; 24] {
        let mut row = [0; 24];
        for (to, field) in row.chunks_exact_mut(8).zip([self.head, self.at, self.bytes]) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        row
    }

    /// Reads it back.
    pub fn decode(row: &[u8]) -> Result<Self, Fault> {
        let mut row = Fields(row);
        Ok(Self { head: row.u64()?, at: row.u64()?, bytes: row.u64()? })
    }
}

/// What is remembered of an event id.
#[derive(Debug, PartialEq, Eq)]
pub struct IdRow<'a> {
    /// The event's sequence.
    pub seq: u64,
    /// When it was committed or last seen listed.
    pub at: u64,
    /// It was told as deleted.
    pub deleted: bool,
    /// The kinds of line that have seen it; none in rows of schema 1.
    pub lines: Lines,
    /// The conversation, where the key does not say it.
    pub conversation: Cow<'a, str>,
    /// The newest revision told; empty where there is none.
    pub revision: Cow<'a, str>,
}

impl<'a> IdRow<'a> {
    /// As stored: seq, at, deleted (a bit) with the lines (the others), length and text of the conversation, the
    /// revision.
    pub fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(21 + self.conversation.len() + self.revision.len());
        row.extend_from_slice(&self.seq.to_le_bytes());
        row.extend_from_slice(&self.at.to_le_bytes());
        row.push(u8::from(self.deleted) | self.lines.bits() << 1);
        put_text(&mut row, &self.conversation);
        row.extend_from_slice(self.revision.as_bytes());
        row
    }

    /// Reads it back.
    pub fn decode(row: &'a [u8]) -> Result<Self, Fault> {
        let mut row = Fields(row);
        let (seq, at, flags) = (row.u64()?, row.u64()?, row.u8()?);
        let (deleted, lines) = (flags & 1 != 0, Lines::from_bits(flags >> 1));
        let conversation = row.text()?.into();
        let revision = std::str::from_utf8(row.0).map_err(|_| Fault::Row("an id"))?.into();
        Ok(Self { seq, at, deleted, lines, conversation, revision })
    }
}

/// Ids longer than this are kept by their hash: a key must stay small beside its page (4 KiB).
const LONG_ID: usize = 768;

/// The key of an event id: itself, or `W/type/~hash` where it is absurdly long.
pub fn id_key(id: &str) -> Cow<'_, str> {
    if id.len() <= LONG_ID {
        return id.into();
    }
    let front = id.match_indices('/').nth(1).map_or("~", |(at, _)| &id[..=at]);
    let hash = Sha256::digest(id.as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("{}~{hash}", if front.len() <= LONG_ID { front } else { "~" }).into()
}

const OWN: u8 = 1;
const MENTIONS_ME: u8 = 2;
const HAS_AUTHOR: u8 = 4;
const HUMAN: u8 = 8;
const AGENT: u8 = 16;
const ONE_CONSUMER: u8 = 32;
/// Since schema 2.
const ARRIVAL: u8 = 64;

/// The front of a feed row, behind which the event's bytes stand: checksum of all that follows (u64), at (u64),
/// flags (u8), where it arrived by a line when (u64) and by which kind (u8), then with their lengths workspace, type, conversation,
/// author, only_for.
pub fn feed_front(at: u64, arrival: Option<Arrival>, head: &Head, row: &mut Vec<u8>) {
    row.clear();
    row.extend_from_slice(&[0; 8]);
    row.extend_from_slice(&at.to_le_bytes());
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    row.push(
        flag(head.own, OWN)
            | flag(head.mentions_me, MENTIONS_ME)
            | flag(head.author.is_some(), HAS_AUTHOR)
            | flag(head.author_kind == Some(AuthorKind::Human), HUMAN)
            | flag(head.author_kind == Some(AuthorKind::Agent), AGENT)
            | flag(head.only_for.is_some(), ONE_CONSUMER)
            | flag(arrival.is_some(), ARRIVAL),
    );
    if let Some(Arrival { at, via }) = arrival {
        row.extend_from_slice(&at.to_le_bytes());
        row.push(via as u8);
    }
    put_text(row, head.workspace.as_str());
    put_text(row, head.kind.as_str());
    put_text(row, &head.conversation);
    put_text(row, head.author.as_deref().unwrap_or_default());
    put_text(row, head.only_for.as_deref().unwrap_or_default());
}

/// Writes front and event into the place kept for the row.
pub fn feed_row(front: &[u8], event: &[u8], row: &mut [u8]) {
    row[..front.len()].copy_from_slice(front);
    row[front.len()..].copy_from_slice(event);
    let sum = checksum(&row[8..]);
    row[..8].copy_from_slice(&sum.to_le_bytes());
}

/// When a feed row was committed; nothing else of it is read.
pub fn feed_at(row: &[u8]) -> Result<u64, Fault> {
    let mut row = Fields(row);
    row.u64()?;
    row.u64()
}

/// When a feed row was committed, and when and by what its event came.
pub fn feed_arrival(row: &[u8]) -> Result<(u64, Option<Arrival>), Fault> {
    let mut row = Fields(row);
    row.u64()?;
    let at = row.u64()?;
    let flags = row.u8()?;
    Ok((at, row.arrival(flags)?))
}

/// Reads a whole feed row; a row that a disk altered is an error, never an event.
pub fn feed_event(seq: u64, row: &[u8]) -> Result<Stored, Fault> {
    let mut fields = Fields(row);
    if fields.u64()? != checksum(fields.0) {
        return Err(Fault::Row("an event"));
    }
    let (at, flags) = (fields.u64()?, fields.u8()?);
    fields.arrival(flags)?;
    let has = |flag: u8| flags & flag != 0;
    let workspace = WorkspaceName::new(fields.text()?).map_err(|_| Fault::Row("an event's workspace"))?;
    let kind = Type::parse(fields.text()?).ok_or(Fault::Row("an event's type"))?;
    let conversation = fields.text()?.to_owned();
    let author = fields.text()?;
    let only_for = fields.text()?;
    let author_kind = if has(HUMAN) { Some(AuthorKind::Human) } else { has(AGENT).then_some(AuthorKind::Agent) };
    let head = Head {
        workspace,
        kind,
        conversation,
        author: has(HAS_AUTHOR).then(|| author.to_owned()),
        author_kind,
        own: has(OWN),
        mentions_me: has(MENTIONS_ME),
        only_for: has(ONE_CONSUMER).then(|| only_for.to_owned()),
    };
    Ok(Stored { seq, at, head, bytes: bytes::Bytes::copy_from_slice(fields.0) })
}

/// Catches what a disk altered; nobody's malice. Each step is a bijection, so no single altered word goes unseen.
fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut tail = [0; 8];
    tail[..rest.len()].copy_from_slice(rest);
    let step = |sum: u64, word: u64| (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = words.iter().fold(bytes.len() as u64, |sum, word| step(sum, u64::from_le_bytes(*word)));
    step(sum, u64::from_le_bytes(tail))
}

fn put_text(row: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).expect("no frame is 4 GiB long");
    row.extend_from_slice(&length.to_le_bytes());
    row.extend_from_slice(text.as_bytes());
}

/// Reads a row field by field.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (field, rest) = self.0.split_at_checked(count).ok_or(Fault::Row("a row's length"))?;
        self.0 = rest;
        Ok(field)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| Fault::Row("a row's length"))
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Fault> {
        Ok(self.array::<1>()?[0])
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    fn arrival(&mut self, flags: u8) -> Result<Option<Arrival>, Fault> {
        if flags & ARRIVAL == 0 {
            return Ok(None);
        }
        let (at, via) = (self.u64()?, self.u8()?);
        let via = *Via::ALL.get(usize::from(via)).ok_or(Fault::Row("a kind of line"))?;
        Ok(Some(Arrival { at, via }))
    }

    /// A text behind its length.
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        let length = self.u32()? as usize;
        std::str::from_utf8(self.take(length)?).map_err(|_| Fault::Row("a row's text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_back_whole_and_any_flipped_bit_is_seen() {
        let head = Head {
            workspace: WorkspaceName::new("acme").unwrap(),
            kind: Type::MessageCreated,
            conversation: "c/1".into(),
            author: Some("ü".into()),
            author_kind: Some(AuthorKind::Agent),
            own: true,
            mentions_me: false,
            only_for: Some("main".into()),
        };
        let mut front = Vec::new();
        let arrival = Some(Arrival { at: 5, via: Via::History });
        feed_front(7, arrival, &head, &mut front);
        let mut row = vec![0; front.len() + 5];
        feed_row(&front, b"{\"a\"}", &mut row);
        let stored = feed_event(3, &row).unwrap();
        assert_eq!((stored.at, &stored.head, &stored.bytes[..]), (7, &head, &b"{\"a\"}"[..]));
        assert_eq!((feed_at(&row).unwrap(), feed_arrival(&row).unwrap()), (7, (7, arrival)));
        for bit in 0..row.len() * 8 {
            row[bit / 8] ^= 1 << (bit % 8);
            assert!(feed_event(3, &row).is_err(), "bit {bit}");
            row[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn an_absurdly_long_id_keeps_its_front_and_a_small_key() {
        let long = format!("acme/message.created/c/{}", "x".repeat(5_000));
        let other = format!("{long}y");
        assert!(id_key(&long).starts_with("acme/message.created/~") && id_key(&long).len() < LONG_ID);
        assert_ne!(id_key(&long), id_key(&other));
        assert_eq!(id_key("acme/message.created/c/x"), "acme/message.created/c/x");
    }

    #[test]
    fn id_rows_read_back() {
        let lines = Lines::default().with(Via::Yjs);
        let row = IdRow { seq: 1, at: 2, deleted: true, lines, conversation: "c".into(), revision: "r".into() };
        assert_eq!(IdRow::decode(&row.encode()).unwrap(), row);
        assert!(IdRow::decode(&row.encode()[..10]).is_err());
    }
}
