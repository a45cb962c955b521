//! Every table, its key, its value and the schema version. A change here is a change of the file: raise `SCHEMA`,
//! teach `open` to upgrade, and check in a store file of the version before.
//!
//! Numbers in values are little-endian. `JSON` is the serde form of the named type. Texts `W` are workspace names.

mod feed;
mod fields;

use std::borrow::Cow;

use redb::TableDefinition;
use sha2::{Digest, Sha256};

pub use feed::{feed_arrival, feed_at, feed_event, feed_row};
pub use fields::Fields;
use fields::put_text;

use super::fault::Fault;
use crate::event::Lines;

/// The version of this page.
pub const SCHEMA: u32 = 3;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Via;

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
