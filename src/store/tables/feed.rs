//! Rows of the feed: a checked front with the facts of an event, and behind it the event itself, its rest mostly packed.

use super::fields::{Fields, put_bytes, put_text};
use crate::event::{Arrival, AuthorKind, Head, NewEvent, Rest, Stored, Type, Via, WorkspaceName, unpack};
use crate::store::fault::Fault;

const OWN: u8 = 1;
const MENTIONS_ME: u8 = 2;
const HAS_AUTHOR: u8 = 4;
const HUMAN: u8 = 8;
const AGENT: u8 = 16;
const ONE_CONSUMER: u8 = 32;
/// Since schema 2.
const ARRIVAL: u8 = 64;
/// Since schema 3.
const PACKED: u8 = 128;

/// A feed row: checksum of all that follows (u64), at (u64), flags (u8), where it arrived by a line when (u64) and by
/// which kind (u8), then with their lengths workspace, type, conversation, author, only_for; where the event's rest is packed, its
/// start with its length; then the event, or its packed rest. `row` is emptied first.
pub fn feed_row(at: u64, event: &NewEvent, row: &mut Vec<u8>) {
    let (start, rest) = event.stored();
    let packed = matches!(rest, Rest::Packed(_));
    row.clear();
    front(at, event.arrival, &event.head, packed, row);
    if packed {
        put_bytes(row, start);
    } else {
        row.extend_from_slice(start);
    }
    let (Rest::Plain(rest) | Rest::Packed(rest)) = rest;
    row.extend_from_slice(rest);
    let sum = checksum(&row[8..]);
    row[..8].copy_from_slice(&sum.to_le_bytes());
}

fn front(at: u64, arrival: Option<Arrival>, head: &Head, packed: bool, row: &mut Vec<u8>) {
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
            | flag(arrival.is_some(), ARRIVAL)
            | flag(packed, PACKED),
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
    Ok((at, arrival_of(&mut row, flags)?))
}

/// Reads a whole feed row; a row that a disk altered is an error, never an event.
pub fn feed_event(seq: u64, row: &[u8]) -> Result<Stored, Fault> {
    let mut fields = Fields(row);
    if fields.u64()? != checksum(fields.0) {
        return Err(Fault::Row("an event"));
    }
    let (at, flags) = (fields.u64()?, fields.u8()?);
    arrival_of(&mut fields, flags)?;
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
    let bytes = if has(PACKED) {
        let start = fields.bytes()?;
        unpack(start, fields.0).ok_or(Fault::Row("a packed event"))?.into()
    } else {
        bytes::Bytes::copy_from_slice(fields.0)
    };
    Ok(Stored { seq, at, head, bytes })
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

fn arrival_of(row: &mut Fields<'_>, flags: u8) -> Result<Option<Arrival>, Fault> {
    if flags & ARRIVAL == 0 {
        return Ok(None);
    }
    let (at, via) = (row.u64()?, row.u8()?);
    let via = *Via::ALL.get(usize::from(via)).ok_or(Fault::Row("a kind of line"))?;
    Ok(Some(Arrival { at, via }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Conversation, Data, Draft, Identity, Message};

    /// An event with so many letters.
    fn event(letters: usize) -> NewEvent {
        let message = Message { id: "m".into(), text: Some("letters ".repeat(letters / 8)), ..Message::default() };
        let draft = Draft {
            workspace: WorkspaceName::new("acme").unwrap(),
            platform: None,
            kind: Type::MessageCreated,
            identity: Identity::Sequence,
            time: "2026-03-22T18:00:00Z".into(),
            data: Data {
                conversation: Some(Conversation { id: "c/1".into(), ..Conversation::default() }),
                message: Some(message),
                ..Data::default()
            },
        };
        let mut event = draft.seal();
        event.head = Head {
            author: Some("ü".into()),
            author_kind: Some(AuthorKind::Agent),
            own: true,
            only_for: Some("main".into()),
            ..event.head
        };
        event.arrival = Some(Arrival { at: 5, via: Via::History });
        event.fill(3);
        event
    }

    #[test]
    fn an_event_reads_back_whole_plain_or_packed_and_any_flipped_bit_is_seen() {
        for (letters, packed) in [(8, false), (4_000, true)] {
            let event = event(letters);
            let mut row = vec![9; 3];
            feed_row(7, &event, &mut row);
            assert_eq!((row[16] & PACKED != 0, row.len() < 1_000), (packed, true), "{}", row.len());
            let stored = feed_event(3, &row).unwrap();
            assert_eq!((stored.at, &stored.head, &stored.bytes[..]), (7, &event.head, &event.bytes[..]));
            assert_eq!((feed_at(&row).unwrap(), feed_arrival(&row).unwrap()), (7, (7, event.arrival)));
            for bit in 0..row.len() * 8 {
                row[bit / 8] ^= 1 << (bit % 8);
                assert!(feed_event(3, &row).is_err(), "bit {bit}");
                row[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}
