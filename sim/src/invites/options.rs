//! The switches that every platform of invites has; those of one platform are in its dialect.

use std::{fmt, time::Duration};

use super::Dialect;
use crate::wall::{self, Wall};

/// Every switch; [`Default`] is the platform as it is met.
#[derive(Clone)]
pub struct Options<D> {
    /// The platform, and its own switches.
    pub dialect: D,
    /// Life of an invite whose operator says nothing else.
    pub invite_lifetime: Duration,
    /// Life of a claim secret.
    pub claim_lifetime: Duration,
    /// Somebody who approves each join request so long after it came, while the platform is served.
    pub auto: Option<Duration>,
    /// Wall time; stamps everything and decides what has expired.
    pub wall: Wall,
    /// What ids and tokens are made from; the same seed makes the same ones. `None`: random.
    pub seed: Option<u64>,
    /// The origin that links show until [`super::Sim::serve`] knows better.
    pub url: String,
    /// Log entries that are kept; older ones go first.
    pub log: usize,
}

impl<D: Dialect> Default for Options<D> {
    fn default() -> Self {
        Self {
            dialect: D::default(),
            invite_lifetime: D::INVITE_LIFETIME,
            claim_lifetime: D::CLAIM_LIFETIME,
            auto: None,
            wall: wall::system(),
            seed: None,
            url: D::ORIGIN.into(),
            log: 10_000,
        }
    }
}

impl<D: fmt::Debug> fmt::Debug for Options<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("dialect", &self.dialect).field("auto", &self.auto).finish_non_exhaustive()
    }
}
