//! Why a request was not sent, and what to do.

use std::time::Duration;

use crate::adapter::CallError;
use crate::http::Failure;
use crate::store::StoreError;

/// Why a request was not sent, or has no answer. An HTTP error status is an answer, not an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A person must act.
    #[error("{reason}; to repair it, run: {command}")]
    NeedsAction {
        /// What is wrong.
        reason: String,
        /// The one command that helps.
        command: String,
    },
    /// Signing in failed for now; the request was not sent, or was refused unread.
    #[error("signing in failed ({why}); the next try is in {retry_in:.0?}")]
    Waiting {
        /// What went wrong.
        why: String,
        /// How long until signing in is tried again.
        retry_in: Duration,
    },
    /// The network failed.
    #[error(transparent)]
    Network(#[from] Failure),
    /// The request cannot be built.
    #[error("the request cannot be built: {0}")]
    Call(#[from] CallError),
    /// The request aims at another origin, where no credential of this workspace goes.
    #[error("the request to {host} was not made: it is not the workspace's own origin")]
    Foreign {
        /// Host and port.
        host: String,
    },
    /// Record and manifest do not fit.
    #[error("the workspace cannot be signed in: {0}")]
    Setup(String),
    /// The platform says no.
    #[error("{0}")]
    Refused(String),
    /// The workspace has no document of this id.
    #[error("there is no document `{0}` here: agent-bridge document list shows them, document add adds one")]
    NoDocument(String),
    /// The call is made by another session than the workspace has.
    #[error("this needs the workspace's {0}, which it was joined without: run the join again and give it")]
    Lacks(String),
    /// The workspace was left while the session was in use.
    #[error("the workspace `{0}` is no longer joined")]
    Left(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// Whether the platform may have acted on the request.
    pub const fn may_have_happened(&self) -> bool {
        matches!(self, Self::Network(failure) if failure.may_have_happened())
    }
}
