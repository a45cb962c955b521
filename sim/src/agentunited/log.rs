//! What was asked and what was answered; never a password, a token or a key.

use serde::Serialize;

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
    /// The query; the value of `token` is left out.
    pub query: String,
    /// The route's template without `/api/v1`, such as `/channels/{id}/messages`.
    pub route: String,
    /// The account that asked, where the request was signed in.
    pub authenticated_as: Option<String>,
    /// The status that the handler (or a fault) decided on.
    pub status: u16,
    /// The error's text.
    pub error: Option<String>,
    /// The text of a posted or edited message.
    pub text: Option<String>,
    /// The message that the request made, changed or removed.
    pub message_id: Option<String>,
    /// The faults that struck, by kind.
    pub faults: Vec<&'static str>,
    /// Whether this post went over the burst that crashes the server.
    pub crash: bool,
}

/// What a handler tells the log, as an extension of its response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) who: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) crash: bool,
    /// The contract's line that a refusal serves.
    pub(crate) line: Option<&'static str>,
}

impl Note for Noted {
    fn refused(&mut self, text: String, line: &'static str) {
        (self.error, self.line) = (Some(text), Some(line));
    }
}
