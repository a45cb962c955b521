//! What a handler says here: successes need no line of the contract, the routes mark their own.

use serde_json::Value;

use super::log::Noted;
pub(crate) use crate::answer::refuse;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;
/// A success.
pub(crate) type Answer = crate::answer::Answer<Noted>;
/// A refusal.
pub(crate) type Refusal = crate::answer::Refusal<Noted>;

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body), noted: Noted::default() }
    }

    pub(crate) fn created(body: Value) -> Self {
        Self { status: 201, ..Self::ok(body) }
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, body: None, noted: Noted::default() }
    }

    pub(crate) fn noting(mut self, message_id: &str, text: Option<&str>) -> Self {
        self.noted.message_id = Some(message_id.into());
        self.noted.text = text.map(Into::into);
        self
    }
}

/// What the server's validation says of a missing field: it names the field, in its own spelling.
pub(crate) fn missing(request: &str, field: &str, line: &'static str) -> Refusal {
    let text = format!("Key: '{request}.{field}' Error:Field validation for '{field}' failed on the 'required' tag");
    refuse(400, text, line)
}
