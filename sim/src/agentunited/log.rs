//! What this platform alone notes of a request; never a password, a token or a key.

use serde::Serialize;

/// What this platform alone notes of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The account that asked, where the request was signed in.
    pub authenticated_as: Option<String>,
    /// The text of a posted or edited message.
    pub text: Option<String>,
    /// The message that the request made, changed or removed.
    pub message_id: Option<String>,
    /// Whether this post went over the burst that crashes the server.
    pub crash: bool,
}

/// One request and its outcome.
pub type Entry = crate::log::Entry<Facts>;
/// What a handler tells the log.
pub(crate) type Noted = crate::log::Noted<Facts>;
