//! What was asked and what was answered; never a token, a claim secret or a key.

use serde::Serialize;

use super::record::{AgentId, RequestId};
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
    /// The path as asked, with `…` for an invite's token.
    pub path: String,
    /// The query without the values of secrets.
    pub query: String,
    /// The route's template, such as `/api/invites/{token}/accept`; empty where no route matched.
    pub route: String,
    /// The agent that asked with its key.
    pub agent: Option<AgentId>,
    /// The join request that was made or asked for.
    pub request: Option<RequestId>,
    /// The status that the handler (or a fault) decided on.
    pub status: u16,
    /// The error's text.
    pub error: Option<String>,
    /// The faults that struck, by kind.
    pub faults: Vec<&'static str>,
}

/// What a handler tells the log, as an extension of its response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) agent: Option<AgentId>,
    pub(crate) request: Option<RequestId>,
    pub(crate) error: Option<String>,
    /// The contract's lines that the answer serves.
    pub(crate) lines: Vec<&'static str>,
}

impl Note for Noted {
    fn refused(&mut self, text: String, line: &'static str) {
        self.error = Some(text);
        self.lines.push(line);
    }
}
