//! What a handler says here: every answer names its line of the contract.

use super::{log::Facts, record::Message};
pub(crate) use crate::answer::refuse;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;
/// A success.
pub(crate) type Answer = crate::answer::Answer<Facts>;
/// A refusal.
pub(crate) type Refusal = crate::answer::Refusal<Facts>;

impl Answer {
    pub(crate) fn noting(mut self, message: &Message) -> Self {
        self.noted.facts.message_id = Some(message.id.clone());
        self.noted.facts.text = Some(message.body.clone());
        self
    }
}
