//! What goes wrong, in the words of the one who must act: at opening, in use, and inside the engine.

use std::sync::Arc;

/// Why a store cannot be opened. Each says the next move.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{0} is in use by another agent-bridge: stop that one first, or give this one another --state")]
    InUse(String),
    /// Written by a newer version.
    #[error("{path} has schema {found}, this agent-bridge knows up to {known}: install the newer version again")]
    Newer {
        /// The file.
        path: String,
        /// Its schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Not readable as a store.
    #[error(
        "{path} cannot be read as a store ({why}): restore it from a backup, or move it away; it was left as it is"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What the engine said.
        why: String,
    },
    /// The vault key is missing or is not the one the store was sealed with.
    #[error("the vault key {path} does not fit this store ({why}): put the right key back; nothing was changed")]
    Key {
        /// The key file.
        path: String,
        /// What does not fit.
        why: String,
    },
    /// The system refused.
    #[error("cannot {what} {path}: {source}")]
    System {
        /// The step.
        what: &'static str,
        /// The file.
        path: String,
        /// The system's word.
        source: std::io::Error,
    },
}

impl OpenError {
    /// Whether the disk, or a quota, is full.
    pub(super) fn is_no_space(&self) -> bool {
        matches!(self, Self::System { source, .. } if is_no_space(source))
    }
}

/// Whether the disk, or a quota, is full.
pub fn is_no_space(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Why something could not be read or committed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The budget is reached: intake waits, everything else goes on.
    #[error("the store is at its disk budget: intake is paused until acks and retention make room")]
    Full,
    /// The engine failed: the daemon stops (P11).
    #[error("the store failed and the bridge stops: {0}")]
    Failed(Arc<str>),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// What the writer is up to; watched by lines (intake) and the daemon (failure).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Open,
    /// At the disk budget: intake pauses.
    Full,
    /// The engine failed with these words: the process must end.
    Failed(Arc<str>),
}

/// The engine failed, or a row does not read back. Never carries a row's content.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The engine's word.
    #[error("{0}")]
    Engine(#[from] redb::Error),
    /// Part of a row that does not read back.
    #[error("{0} does not read back: the file is damaged")]
    Row(&'static str),
    /// A file beside the store.
    #[error("cannot {0}: {1}")]
    Beside(&'static str, std::io::Error),
    /// The code that reads the file stumbled over it.
    #[error("the engine panicked over the file: {0}")]
    Panicked(String),
}

impl Fault {
    /// Whether the file itself is at fault, not the system below it.
    pub fn is_damage(&self) -> bool {
        use std::io::ErrorKind;
        match self {
            Self::Engine(redb::Error::Io(error)) => {
                matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput)
            }
            Self::Beside(..) => false,
            Self::Engine(_) | Self::Row(_) | Self::Panicked(_) => true,
        }
    }
}

macro_rules! engine_errors {
    ($($error:ty),*) => {
        $(impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Engine(error.into())
            }
        })*
    };
}

engine_errors!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::CompactionError
);

/// Runs `work`; a panic inside (the engine asserts where a file contradicts itself) becomes a [`Fault`].
pub fn caught<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(Fault::Panicked(words.unwrap_or("no reason given").to_owned()))
    })
}
