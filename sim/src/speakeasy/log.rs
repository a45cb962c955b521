//! What this platform alone notes of a request; never a token, a code or a secret.

use serde::Serialize;

use super::record::GrantId;

/// What this platform alone notes of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The grant that asked, where the request was let in.
    pub grant: Option<GrantId>,
    /// The text of a chat that was written.
    pub text: Option<String>,
    /// The chat that the request made, changed or removed.
    pub chat: Option<u64>,
    /// The `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// Whether a stored answer was replayed.
    pub replayed: bool,
}

/// One request and its outcome.
pub type Entry = crate::log::Entry<Facts>;
/// What a handler tells the log.
pub(crate) type Noted = crate::log::Noted<Facts>;
