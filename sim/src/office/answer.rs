//! What a handler says here: every answer names its line of the contract.

use serde_json::Value;

use super::{log::Noted, record::Message};
pub(crate) use crate::answer::refuse;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;
/// A success.
pub(crate) type Answer = crate::answer::Answer<Noted>;
/// A refusal.
pub(crate) type Refusal = crate::answer::Refusal<Noted>;

impl Answer {
    pub(crate) fn ok(body: Value, line: &'static str) -> Self {
        let noted = Noted { lines: vec![line], ..Noted::default() };
        Self { status: 200, body: Some(body), noted }
    }

    /// More lines that this answer serves.
    pub(crate) fn and(mut self, lines: impl IntoIterator<Item = &'static str>) -> Self {
        self.noted.lines.extend(lines);
        self
    }

    pub(crate) fn noting(mut self, message: &Message) -> Self {
        self.noted.message_id = Some(message.id.clone());
        self.noted.text = Some(message.body.clone());
        self
    }
}
