//! The y-websocket protocol: one binary websocket message each, numbers as lib0's varints (seven bits a byte, low first).

/// Sync, with a kind of its own behind it.
const SYNC: u64 = 0;
const AWARENESS: u64 = 1;
const AUTH: u64 = 2;
const QUERY_AWARENESS: u64 = 3;

/// What somebody tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) client: u64,
    pub(crate) clock: u64,
    /// JSON; `null` is a farewell.
    pub(crate) json: String,
}

/// A message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Its state vector.
    Step1(Vec<u8>),
    /// What it has and we lack.
    Step2(Vec<u8>),
    Update(Vec<u8>),
    Awareness(Vec<State>),
    QueryAwareness,
    /// A type that is none of the protocol's, or one that only servers send.
    Unknown,
}

/// Reads a message; `None` where it stops in the middle.
pub(crate) fn read(mut bytes: &[u8]) -> Option<Heard> {
    let from = &mut bytes;
    Some(match number(from)? {
        SYNC => match number(from)? {
            0 => Heard::Step1(buffer(from)?.to_vec()),
            1 => Heard::Step2(buffer(from)?.to_vec()),
            2 => Heard::Update(buffer(from)?.to_vec()),
            _ => Heard::Unknown,
        },
        AWARENESS => Heard::Awareness(states(buffer(from)?)?),
        QUERY_AWARENESS => Heard::QueryAwareness,
        _ => Heard::Unknown,
    })
}

fn states(mut bytes: &[u8]) -> Option<Vec<State>> {
    let from = &mut bytes;
    let count = number(from)?;
    let mut states = Vec::new();
    for _ in 0..count {
        let (client, clock) = (number(from)?, number(from)?);
        let json = String::from_utf8(buffer(from)?.to_vec()).ok()?;
        states.push(State { client, clock, json });
    }
    Some(states)
}

fn number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn buffer<'b>(from: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(number(from)?).ok()?;
    let (buffer, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(buffer)
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

fn put_buffer(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn sync(kind: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, SYNC);
    put_number(&mut out, kind);
    put_buffer(&mut out, bytes);
    out
}

/// What the server has, as a state vector.
pub(crate) fn step1(state_vector: &[u8]) -> Vec<u8> {
    sync(0, state_vector)
}

/// What the client lacks.
pub(crate) fn step2(update: &[u8]) -> Vec<u8> {
    sync(1, update)
}

/// What has changed.
pub(crate) fn update(update: &[u8]) -> Vec<u8> {
    sync(2, update)
}

/// Who is here.
pub(crate) fn awareness(states: &[State]) -> Vec<u8> {
    let mut inner = Vec::new();
    put_number(&mut inner, states.len() as u64);
    for state in states {
        put_number(&mut inner, state.client);
        put_number(&mut inner, state.clock);
        put_buffer(&mut inner, state.json.as_bytes());
    }
    let mut out = Vec::new();
    put_number(&mut out, AWARENESS);
    put_buffer(&mut out, &inner);
    out
}

/// Permission denied, and why.
pub(crate) fn denied(reason: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, AUTH);
    put_number(&mut out, 0);
    put_buffer(&mut out, reason.as_bytes());
    out
}
