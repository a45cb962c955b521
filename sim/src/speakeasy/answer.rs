//! What a handler says here: every answer names its line of the contract.

use super::log::Facts;
pub(crate) use crate::answer::refuse;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;
/// A success, or the replay of a stored answer.
pub(crate) type Answer = crate::answer::Answer<Facts>;
/// A refusal.
pub(crate) type Refusal = crate::answer::Refusal<Facts>;

impl Answer {
    pub(crate) fn no_content(line: &'static str) -> Self {
        Self { body: None, ..Self::with(204, serde_json::Value::Null, line) }
    }

    pub(crate) fn noting(mut self, chat: u64, text: Option<&str>) -> Self {
        self.noted.facts.chat = Some(chat);
        self.noted.facts.text = text.map(Into::into);
        self
    }
}
