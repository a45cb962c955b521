//! What a handler says here: every answer names its line of the contract.

use serde_json::Value;

use super::log::Noted;
pub(crate) use crate::answer::refuse;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;
/// A success, or the replay of a stored answer.
pub(crate) type Answer = crate::answer::Answer<Noted>;
/// A refusal.
pub(crate) type Refusal = crate::answer::Refusal<Noted>;

impl Answer {
    pub(crate) fn with(status: u16, body: Value, line: &'static str) -> Self {
        let noted = Noted { line: Some(line), ..Noted::default() };
        Self { status, body: Some(body), noted }
    }

    pub(crate) fn ok(body: Value, line: &'static str) -> Self {
        Self::with(200, body, line)
    }

    pub(crate) fn no_content(line: &'static str) -> Self {
        Self { body: None, ..Self::with(204, Value::Null, line) }
    }

    pub(crate) fn noting(mut self, chat: u64, text: Option<&str>) -> Self {
        self.noted.chat = Some(chat);
        self.noted.text = text.map(Into::into);
        self
    }
}
