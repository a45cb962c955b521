//! What a handler says here: every answer names its line of the contract.

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
    pub(crate) fn ok(body: Value, line: &'static str) -> Self {
        let noted = Noted { lines: vec![line], ..Noted::default() };
        Self { status: 200, body: Some(body), noted }
    }

    pub(crate) fn created(body: Value, line: &'static str) -> Self {
        Self { status: 201, ..Self::ok(body, line) }
    }

    /// One more line that this answer serves.
    pub(crate) fn and(mut self, line: &'static str) -> Self {
        self.noted.lines.push(line);
        self
    }
}
