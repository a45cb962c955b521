//! What was asked and what was answered; never a token, a code or a secret.

use serde::Serialize;

use super::record::GrantId;
use crate::answer::Note;

/// One request and its outcome.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its number, from 1.
    pub n: u64,
    /// When it was answered, in milliseconds since 1970.
    pub at: u64,
    /// The method.
    pub method: String,
    /// The path as asked, without its query.
    pub path: String,
    /// The query without the values of secrets.
    pub query: String,
    /// The route's template without `/api/v1`, such as `/agent/topics/{topic_id}/chats`.
    pub route: String,
    /// The grant that asked, where the request was let in.
    pub grant: Option<GrantId>,
    /// The status that the handler (or a fault) decided on.
    pub status: u16,
    /// The error's text.
    pub error: Option<String>,
    /// The text of a chat that was written.
    pub text: Option<String>,
    /// The chat that the request made, changed or removed.
    pub chat: Option<u64>,
    /// The `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// Whether a stored answer was replayed.
    pub replayed: bool,
    /// The faults that struck, by kind.
    pub faults: Vec<&'static str>,
}

/// What a handler tells the log, as an extension of its response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) grant: Option<GrantId>,
    pub(crate) error: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) chat: Option<u64>,
    pub(crate) replayed: bool,
    /// The contract's line that the answer serves.
    pub(crate) line: Option<&'static str>,
}

impl Note for Noted {
    fn refused(&mut self, text: String, line: &'static str) {
        (self.error, self.line) = (Some(text), Some(line));
    }
}
