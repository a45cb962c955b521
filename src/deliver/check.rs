//! Holds a consumer's settings against their rules before anything is written.

use super::call::Refusal;
use super::webhook::{BadUrl, Target};
use crate::consumer::Consumer;
use crate::event::{BadName, WorkspaceName};
use crate::store::StoreError;

/// Why a consumer cannot be made or changed so.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The name breaks the rule.
    #[error("the name of a consumer follows the rule of workspace names: {0}")]
    Name(#[from] BadName),
    /// The webhook's URL is no place to deliver to.
    #[error("consumer `{name}`: {bad}")]
    Url {
        /// Whose.
        name: String,
        /// What is wrong.
        bad: BadUrl,
    },
    /// A limit is out of bounds.
    #[error("consumer `{name}`: {what}")]
    Limit {
        /// Whose.
        name: String,
        /// Which, and its bounds.
        what: &'static str,
    },
    /// The consumer refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store could not commit it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a consumer may be made so.
pub fn check(consumer: &Consumer) -> Result<(), PutError> {
    WorkspaceName::new(&consumer.name)?;
    let name = || consumer.name.clone();
    if let Some(webhook) = &consumer.webhook {
        Target::parse(&webhook.url).map_err(|bad| PutError::Url { name: name(), bad })?;
    }
    let bounds = [
        ((1..=4_096).contains(&consumer.max_in_flight), "max_in_flight is 1 to 4,096"),
        ((1..=86_400_000).contains(&consumer.ack_wait_ms), "ack_wait is more than nothing and at most 24 h"),
        (consumer.max_attempts > 0, "max_attempts is at least 1"),
    ];
    match bounds.iter().find(|(good, _)| !good) {
        Some((_, what)) => Err(PutError::Limit { name: name(), what }),
        None => Ok(()),
    }
}
