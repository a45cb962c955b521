//! Why the daemon did not start, or ended; each with the next move.

use crate::adapter::ManifestError;
use crate::api::bind::BindError;
use crate::api::http::TokenError;
use crate::config::guarded::Loose;
use crate::config::places::PlaceError;
use crate::deliver::PutError;
use crate::http::SetupError;
use crate::store::{OpenError, StoreError};

/// Why the daemon did not start, or ended. Each says the next move.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A place cannot be found.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Others could meddle with the state or with a secret.
    #[error(transparent)]
    Loose(#[from] Loose),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed while running (P11).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A consumer of the config cannot be made.
    #[error(transparent)]
    Consumer(#[from] PutError),
    /// A file that the config names cannot be read.
    #[error("cannot read {path}, which the config names for consumer `{consumer}`: {source}")]
    SecretFile {
        /// Whose.
        consumer: String,
        /// The file.
        path: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// A signing secret that could be guessed.
    #[error(
        "{path} holds no secret of at least 16 bytes to sign for consumer `{consumer}`: write `whsec_` and the \
             base64 of 32 random bytes into it"
    )]
    WeakSecret {
        /// Whose.
        consumer: String,
        /// The file.
        path: String,
    },
    /// A socket cannot be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An address cannot be opened.
    #[error("cannot listen on {address} ([{section}] listen): {source}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// The section of the config that names it.
        section: &'static str,
        /// The system's word.
        source: std::io::Error,
    },
    /// The token is none.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The network client cannot be set up.
    #[error(transparent)]
    Network(#[from] SetupError),
    /// A task panicked or ended by itself.
    #[error("{0}: this is a bug of the bridge; its store is as it was after the last commit")]
    Bug(String),
    /// A signal handler cannot be set.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
    /// A second signal came while stopping.
    #[error("stopped at once by a second signal; what was committed is safe")]
    Impatient,
}
