//! The frames of `y-websocket` (`y-protocols` 1: `PROTOCOL.md`, `sync.js`, `auth.js`, `awareness.js`): a number for the
//! kind, then what the kind says. A frame may hold several messages.

use super::varint::{Cut, Reader, put_buffer, put_number};
use super::{Bounds, DocumentError};

const SYNC: u64 = 0;
const AWARENESS: u64 = 1;
const AUTH: u64 = 2;
const QUERY_AWARENESS: u64 = 3;
const STEP_1: u64 = 0;
const STEP_2: u64 = 1;
const UPDATE: u64 = 2;
const DENIED: u64 = 0;

/// One message of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// What the sender has, as a state vector; it waits for a step 2.
    Step1(&'a [u8]),
    /// What the receiver of a step 1 was lacking.
    Step2(&'a [u8]),
    /// What has changed.
    Update(&'a [u8]),
    /// Peers' presence.
    Awareness(&'a [u8]),
    /// The server refuses, with its reason.
    Denied(&'a str),
    /// The sender wants to know everybody's presence.
    QueryAwareness,
    /// A kind that this bridge does not know. It has no length of its own, so the rest of the frame is left out.
    Unknown(u64),
}

/// The messages of a frame.
pub fn read<'a>(frame: &'a [u8], bounds: &Bounds) -> Result<Vec<Message<'a>>, DocumentError> {
    if frame.len() > bounds.frame {
        return Err(DocumentError::too_large("a frame", bounds.frame));
    }
    let mut reader = Reader::new(frame);
    let mut messages = Vec::new();
    while reader.left() > 0 {
        if messages.len() == bounds.messages {
            return Err(DocumentError::too_large("the number of messages in a frame", bounds.messages));
        }
        let message = one(&mut reader).map_err(|Cut(why)| DocumentError::malformed("frame", why))?;
        messages.push(message);
        if matches!(message, Message::Unknown(_)) {
            break;
        }
    }
    Ok(messages)
}

fn one<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, Cut> {
    let kind = reader.number()?;
    Ok(match kind {
        SYNC => match reader.number()? {
            STEP_1 => Message::Step1(reader.buffer()?),
            STEP_2 => Message::Step2(reader.buffer()?),
            UPDATE => Message::Update(reader.buffer()?),
            _ => Message::Unknown(kind),
        },
        AWARENESS => Message::Awareness(reader.buffer()?),
        AUTH if reader.number()? == DENIED => Message::Denied(reader.string()?),
        QUERY_AWARENESS => Message::QueryAwareness,
        _ => Message::Unknown(kind),
    })
}

/// A frame with one message; an unknown one is an empty frame.
pub fn write(message: &Message<'_>) -> Vec<u8> {
    let mut frame = Vec::new();
    let mut put = |kinds: &[u64], body: Option<&[u8]>| {
        for kind in kinds {
            put_number(&mut frame, *kind);
        }
        if let Some(body) = body {
            put_buffer(&mut frame, body);
        }
    };
    match message {
        Message::Step1(vector) => put(&[SYNC, STEP_1], Some(vector)),
        Message::Step2(update) => put(&[SYNC, STEP_2], Some(update)),
        Message::Update(update) => put(&[SYNC, UPDATE], Some(update)),
        Message::Awareness(update) => put(&[AWARENESS], Some(update)),
        Message::Denied(reason) => put(&[AUTH, DENIED], Some(reason.as_bytes())),
        Message::QueryAwareness => put(&[QUERY_AWARENESS], None),
        Message::Unknown(_) => {}
    }
    frame
}
