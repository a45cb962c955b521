//! What a handler says here: every answer names its line of the contract.

use super::log::Facts;
pub(crate) use crate::answer::refuse;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;
/// A success.
pub(crate) type Answer = crate::answer::Answer<Facts>;
/// A refusal.
pub(crate) type Refusal = crate::answer::Refusal<Facts>;

impl Answer {
    /// The join request that it is about.
    pub(crate) fn about(mut self, request: &str) -> Self {
        self.noted.facts.request = Some(request.into());
        self
    }
}

impl Refusal {
    /// The join request that it is about.
    pub(crate) fn about(mut self, request: &str) -> Self {
        self.noted.facts.request = Some(request.into());
        self
    }
}
