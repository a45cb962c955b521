//! `[outbox]`: how actions are carried out.

use serde::{Deserialize, Serialize};

use crate::config::measure::Span;
use crate::outbox::Limits;

/// `[outbox]`: carrying actions out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// When retrying an action ends, counted from its acceptance.
    pub give_up: Span,
    /// The first wait after a failure; it doubles.
    pub first_wait: Span,
    /// The longest wait after a failure, unless the platform asks for more.
    pub longest_wait: Span,
    /// The longest wait that a platform's `Retry-After` can ask for.
    pub longest_retry: Span,
    /// Actions of one workspace that are under way at once.
    pub parallel: usize,
    /// Pages of a history read at most when a reply was lost.
    pub pages: usize,
    /// Actions looked through for messages that other receipts claim.
    pub claims: usize,
    /// Requests of verbs that are never stored, in one workspace within a second.
    pub ephemeral: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            give_up: Span(limits.give_up),
            first_wait: Span(limits.first_wait),
            longest_wait: Span(limits.longest_wait),
            longest_retry: Span(limits.longest_retry),
            parallel: limits.parallel,
            pages: limits.pages,
            claims: limits.claims,
            ephemeral: limits.ephemeral,
        }
    }
}

impl Outbox {
    /// As the outbox takes it.
    pub const fn limits(&self) -> Limits {
        Limits {
            give_up: self.give_up.0,
            first_wait: self.first_wait.0,
            longest_wait: self.longest_wait.0,
            longest_retry: self.longest_retry.0,
            parallel: self.parallel,
            pages: self.pages,
            claims: self.claims,
            ephemeral: self.ephemeral,
        }
    }
}
