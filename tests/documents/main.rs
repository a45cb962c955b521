//! Live documents: recorded bytes, reading and editing, convergence, hostile bytes, and a real server with real clients, for
//! the engine alone and for the whole bridge.

mod converge;
mod editing;
mod hostile;
mod node;
mod reading;
mod recorded;
mod server;
mod sessions;
mod together;
mod wire;

#[path = "../support/bridge.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod bridge;
#[path = "../support/chance.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod chance;
#[path = "../support/lib0.rs"]
mod lib0;

use agent_bridge::document::{Bounds, Document, Kind, Reading, Shared};
use yrs::updates::decoder::Decode;
use yrs::{Doc, OffsetKind, Options, ReadTxn, StateVector, Transact, Update};

/// The agent's client id.
pub const AGENT: u64 = 77;
/// The one of its run before.
pub const AGENT_BEFORE: u64 = 76;

/// An empty document of the agent.
pub fn document(wanted: &[(&str, Kind)]) -> Document {
    let shared = |(name, kind): &(&str, Kind)| Shared { name: (*name).to_owned(), kind: *kind };
    Document::new(AGENT, [AGENT_BEFORE], wanted.iter().map(shared).collect(), Bounds::default())
}

/// The agent's document with all that a person's document holds.
pub fn copied(from: &Doc) -> Document {
    let mut document = document(&[]);
    document.apply(&all(from)).expect("it is taken");
    document
}

/// A person's document, in the library itself.
pub fn person(client: u64) -> Doc {
    let client_id = yrs::ClientID::new(client);
    Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::with_client_id(client_id) })
}

/// All of a person's document as one update.
pub fn all(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v1(&StateVector::default())
}

/// A person's document takes an update.
pub fn take(doc: &Doc, update: &[u8]) {
    doc.transact_mut().apply_update(Update::decode_v1(update).expect("it decodes")).expect("it applies");
}

/// What the document says.
pub fn read(document: &mut Document) -> Reading {
    document.read().expect("it reads")
}
