//! Lets old events go: those that all consumers passed after `keep`, the others after `retain`, and then each
//! consumer that missed some gets one `consumer.gap` (P4).

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::call::Refusal;
use super::handle::Command;
use super::registry::Consumers;
use crate::clock::{Clock, millis};
use crate::store::{Batch, Change, Store, StoreError};

/// Events dropped in one commit, so that acks in line behind it do not wait long.
const STEP: u64 = 8_192;

/// How long events stay, and how often that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// An event that every consumer passed. Default 7 days.
    pub keep: Duration,
    /// An event that some consumer did not pass. Default 30 days.
    pub retain: Duration,
    /// Time between two passes. Default 10 minutes.
    pub every: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self { keep: 7 * day, retain: 30 * day, every: Duration::from_mins(10) }
    }
}

/// Passes again and again until stopped.
pub async fn run(consumers: Consumers, times: Times, stop: CancellationToken) -> Result<(), StoreError> {
    let mut tick = tokio::time::interval(times.every.max(Duration::from_millis(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        if let Some(passed) = stop.run_until_cancelled(consumers.retain(times)).await {
            passed?;
        }
    }
    Ok(())
}

/// One pass over the feed.
pub async fn pass(consumers: &Consumers, store: &Store, clock: &Clock, times: Times) -> Result<(), StoreError> {
    let now = clock.now();
    let before = |age: Duration| store.since(now.saturating_sub(millis(age))).map(|first| first.saturating_sub(1));
    let too_old = before(times.retain)?;
    let old = before(times.keep)?.max(too_old);
    let mut upto = old;
    if upto < store.oldest()? {
        return Ok(());
    }
    for handle in consumers.handles() {
        match handle.ask(|answer| Command::Expire { upto: too_old, answer }).await {
            Ok(passed) => upto = upto.min(passed),
            Err(Refusal::Store(error)) => return Err(error),
            // Removed meanwhile: it needs nothing any more.
            Err(_) => {}
        }
    }
    trim(store, upto).await
}

async fn trim(store: &Store, upto: u64) -> Result<(), StoreError> {
    let mut oldest = store.oldest()?;
    while oldest <= upto {
        let step = upto.min(oldest + STEP - 1);
        store.commit(Batch::new().with(Change::Trim(step))).await?;
        oldest = step + 1;
    }
    Ok(())
}
