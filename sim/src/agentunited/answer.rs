//! What a handler says here: successes need no line of the contract, the routes mark their own.

use serde_json::Value;

use super::log::{Facts, Noted};
pub(crate) use crate::answer::refuse;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;
/// A success.
pub(crate) type Answer = crate::answer::Answer<Facts>;
/// A refusal.
pub(crate) type Refusal = crate::answer::Refusal<Facts>;

impl Answer {
    pub(crate) fn plain(status: u16, body: impl Into<Option<Value>>) -> Self {
        Self { status, body: body.into(), noted: Noted::default() }
    }

    pub(crate) fn noting(mut self, message_id: &str, text: Option<&str>) -> Self {
        self.noted.facts.message_id = Some(message_id.into());
        self.noted.facts.text = text.map(Into::into);
        self
    }
}

/// What the server's validation says of a missing field: it names the field, in its own spelling.
pub(crate) fn missing(request: &str, field: &str, line: &'static str) -> Refusal {
    let text = format!("Key: '{request}.{field}' Error:Field validation for '{field}' failed on the 'required' tag");
    refuse(400, text, line)
}
