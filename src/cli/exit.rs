//! How a command ends: one clear line on stderr, and an exit code of sysexits(3).

use std::io::ErrorKind;

use super::show;
use crate::adapter::ManifestError;
use crate::api::Problem;
use crate::api::bind::BindError;
use crate::config::ConfigError;
use crate::config::places::PlaceError;
use crate::daemon::Failure;
use crate::daemon::log::LogError;
use crate::store::{OpenError, StoreError};

/// The command line itself is wrong (EX_USAGE).
pub const USAGE: u8 = 64;
/// What was given cannot be used (EX_DATAERR).
pub const DATA: u8 = 65;
/// A file or a thing that was named is not there (EX_NOINPUT).
pub const NO_INPUT: u8 = 66;
/// What is needed does not answer: no daemon, no platform (EX_UNAVAILABLE).
pub const UNAVAILABLE: u8 = 69;
/// A bug (EX_SOFTWARE).
pub const SOFTWARE: u8 = 70;
/// Something cannot be made (EX_CANTCREAT).
pub const CANNOT_CREATE: u8 = 73;
/// The disk failed (EX_IOERR).
pub const IO: u8 = 74;
/// Try again later (EX_TEMPFAIL).
pub const TEMPORARY: u8 = 75;
/// Not allowed (EX_NOPERM).
pub const NO_PERMISSION: u8 = 77;
/// The config is wrong (EX_CONFIG).
pub const CONFIG: u8 = 78;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The exit code.
    pub code: u8,
    /// What, where, what to do: one line.
    pub message: String,
}

impl Fault {
    /// A fault with this code.
    pub fn new(code: u8, message: impl std::fmt::Display) -> Self {
        let message = show::clean(&message.to_string());
        Self { code, message: message.split_whitespace().collect::<Vec<_>>().join(" ") }
    }

    /// A command line that cannot be.
    pub fn usage(message: impl std::fmt::Display) -> Self {
        Self::new(USAGE, message)
    }
}

/// The code of what the system said.
const fn system(kind: ErrorKind, otherwise: u8) -> u8 {
    match kind {
        ErrorKind::PermissionDenied => NO_PERMISSION,
        ErrorKind::NotFound => NO_INPUT,
        _ => otherwise,
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        let code = match &error {
            ConfigError::Read { source, .. } => system(source.kind(), CONFIG),
            ConfigError::Loose(_) => NO_PERMISSION,
            _ => CONFIG,
        };
        Self::new(code, error)
    }
}

impl From<PlaceError> for Fault {
    fn from(error: PlaceError) -> Self {
        Self::new(CONFIG, error)
    }
}

impl From<LogError> for Fault {
    fn from(error: LogError) -> Self {
        Self::new(CONFIG, error)
    }
}

impl From<ManifestError> for Fault {
    fn from(error: ManifestError) -> Self {
        Self::new(CONFIG, error)
    }
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::InUse(_) => TEMPORARY,
            OpenError::Newer { .. } | OpenError::Damaged { .. } => DATA,
            OpenError::Key { .. } => CONFIG,
            OpenError::System { source, .. } => system(source.kind(), CANNOT_CREATE),
        };
        Self::new(code, error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::new(IO, error)
    }
}

impl From<BindError> for Fault {
    fn from(error: BindError) -> Self {
        let code = match &error {
            BindError::TooLong { .. } => CONFIG,
            BindError::InUse(_) => TEMPORARY,
            BindError::Loose(_) => NO_PERMISSION,
            BindError::NotASocket(_) => CANNOT_CREATE,
            BindError::NoPlace { .. } | BindError::System { .. } => {
                system(error.system().unwrap_or(ErrorKind::Other), CANNOT_CREATE)
            }
        };
        Self::new(code, error)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Place(error) => error.into(),
            Failure::Open(error) => error.into(),
            Failure::Store(error) => error.into(),
            Failure::Manifest(error) => error.into(),
            Failure::Bind(error) => error.into(),
            Failure::Loose(error) => Self::new(NO_PERMISSION, error),
            Failure::Impatient => Self::new(TEMPORARY, failure),
            Failure::Bug(_) => Self::new(SOFTWARE, failure),
            Failure::Network(_) | Failure::Signals(_) | Failure::Listen { .. } => Self::new(UNAVAILABLE, failure),
            Failure::Consumer(_) | Failure::SecretFile { .. } | Failure::WeakSecret { .. } | Failure::Token(_) => {
                Self::new(CONFIG, failure)
            }
        }
    }
}

/// The code of a word that the bridge answered with.
pub fn code_of(kind: &str) -> u8 {
    match kind {
        kind if kind.starts_with("no_such_") && kind != "no_such_verb" => NO_INPUT,
        "no_daemon" | "unreachable" | "platform" | "no_session" => UNAVAILABLE,
        "forbidden" | "unauthorised" | "call_off" | "needs_action" | "no_capability" | "lacks" => NO_PERMISSION,
        "store_failed" => IO,
        "internal" => SOFTWARE,
        "busy" | "stopping" | "store_full" | "too_many_requests" | "consumer_busy" => TEMPORARY,
        _ => DATA,
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::new(code_of(problem.kind), problem.message)
    }
}

/// What a demonstration could not do: what is needed did not answer.
pub fn shown(error: &anyhow::Error) -> Fault {
    Fault::new(UNAVAILABLE, format!("{error:#}"))
}
