//! What this platform alone notes of a request; never a key or an invite code.

use serde::Serialize;

/// What this platform alone notes of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// `join`, a view, an action, `stream`, or `other`.
    pub kind: &'static str,
    /// The agent that asked with its key, by name.
    pub agent: Option<String>,
    /// The text of a message that was sent.
    pub text: Option<String>,
    /// The message that the request made.
    pub message_id: Option<String>,
}

/// One request and its outcome.
pub type Entry = crate::log::Entry<Facts>;
/// What a handler tells the log.
pub(crate) type Noted = crate::log::Noted<Facts>;
