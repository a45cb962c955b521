//! The engine of live documents (Yjs 13): no socket, no store, no clock. A document's failure is its own: whatever
//! bytes arrive, the answer is an error of this document, in bounded memory.
//!
//! ```text
//! frame → protocol → session → scan → ledger → Document → outline → what the agent reads
//!                                                  ↑
//!                              what the agent wants → plan → carry → update → session → frame
//! ```
//!
//! What Yjs itself makes costly is bounded by [`Bounds::blocks`] only: merging insertions that were made at one place at
//! the same time is quadratic in their number (measured on two cores: 10,000 blocks in 80 kB take 4 s). No editor writes
//! such an update, but a peer that means ill can: a document's work belongs on a thread of its own, under a deadline. No
//! look beforehand tells it from an honest one. Which blocks lie between a new one's neighbours, and are walked over, is
//! known only once it is merged; its own bytes name the neighbours alone. Two who were apart, and each put line upon line
//! at the top of one list, made the very same shape: to refuse that by a count would refuse honest work.

pub mod awareness;
mod carry;
pub mod diff;
mod edit;
mod find;
mod guard;
mod ledger;
mod markdown;
mod outline;
mod plan;
mod proof;
pub mod protocol;
mod replica;
mod root;
mod scan;
mod schema;
pub mod session;
mod varint;
mod watch;

pub use edit::{Assessment, Done, Edit, EditError, Inverse, Place};
pub use outline::{Block, Reading, Span, Style};
pub use proof::Proof;
pub use replica::{Applied, Document};
pub use root::{Kind, Shared};

/// What one document may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one websocket frame.
    pub frame: usize,
    /// Messages in one frame; `y-websocket` sends one.
    pub messages: usize,
    /// Bytes of one update, the first (the whole document) included.
    pub update: usize,
    /// Bytes of the document's content, written out.
    pub document: usize,
    /// Blocks of the document (runs of typing, nodes, marks). One takes some 400 bytes in memory.
    pub blocks: usize,
    /// Nodes inside nodes. Editors stay below 30; Yjs walks up and down recursively.
    pub depth: u16,
    /// Updates that wait for what they build on.
    pub held: usize,
    /// Peers whose presence is known.
    pub peers: usize,
    /// Bytes of one peer's presence.
    pub presence: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            frame: 8 << 20,
            messages: 64,
            update: 4 << 20,
            document: 8 << 20,
            blocks: 100_000,
            depth: 100,
            held: 64,
            peers: 256,
            presence: 16 << 10,
        }
    }
}

/// Why a document cannot go on, or an update was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Over a bound; nothing was taken.
    #[error("{what} is over the bound of {bound}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its bound.
        bound: usize,
    },
    /// Not what the protocol or Yjs writes; nothing was taken.
    #[error("the bytes are no {what}: {why}")]
    Malformed {
        /// What they should have been.
        what: &'static str,
        /// What is wrong with them.
        why: &'static str,
    },
    /// Written by a Yjs that this bridge cannot read; nothing was taken, and nothing may be written.
    #[error("only a newer Yjs can read this document ({0}); it is left alone")]
    NewerYjs(String),
    /// An update failed half-way. The document must be opened again from what was kept.
    #[error("the document is broken ({0}) and must be opened again")]
    Broken(String),
}

impl DocumentError {
    pub(crate) const fn too_large(what: &'static str, bound: usize) -> Self {
        Self::TooLarge { what, bound }
    }

    pub(crate) const fn malformed(what: &'static str, why: &'static str) -> Self {
        Self::Malformed { what, why }
    }
}
