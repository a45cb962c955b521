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
    pub(crate) fn of(status: u16, body: Value, line: &'static str) -> Self {
        Self { status, body: Some(body), noted: Noted { lines: vec![line], ..Noted::default() } }
    }

    /// One more line that this answer serves, where it does.
    pub(crate) fn and(mut self, line: Option<&'static str>) -> Self {
        self.noted.lines.extend(line);
        self
    }

    /// The join request that it is about.
    pub(crate) fn about(mut self, request: &str) -> Self {
        self.noted.request = Some(request.into());
        self
    }
}

impl Refusal {
    /// The join request that it is about.
    pub(crate) fn about(mut self, request: &str) -> Self {
        self.noted.request = Some(request.into());
        self
    }
}
