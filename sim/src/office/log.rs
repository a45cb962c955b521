//! What was asked and what was answered; never a key or an invite code.

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
    /// The query.
    pub query: String,
    /// The route's template; for reads of the chat with `?view=…`.
    pub route: String,
    /// `join`, a view, an action, `stream`, or `other`.
    pub kind: &'static str,
    /// The agent that asked with its key, by name.
    pub agent: Option<String>,
    /// The status that the handler (or a fault) decided on.
    pub status: u16,
    /// The error's text.
    pub error: Option<String>,
    /// The text of a message that was sent.
    pub text: Option<String>,
    /// The message that the request made.
    pub message_id: Option<String>,
    /// The faults that struck, by kind.
    pub faults: Vec<&'static str>,
    /// The lines of the contract that the answer served.
    #[serde(skip)]
    pub lines: Vec<&'static str>,
}

/// What a handler tells the log, as an extension of its response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) who: Option<String>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) error: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) message_id: Option<String>,
    /// The contract's lines that the answer serves.
    pub(crate) lines: Vec<&'static str>,
}

impl Note for Noted {
    fn refused(&mut self, text: String, line: &'static str) {
        self.error = Some(text);
        self.lines.push(line);
    }
}
