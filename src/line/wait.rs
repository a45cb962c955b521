//! What lines wait for beside their platform: trouble of the store, the soonest of several times, and chance.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::store::{Health, StoreError};

/// Waits until the store has no room or has failed.
pub(super) async fn trouble(health: &mut watch::Receiver<Health>) -> Health {
    match health.wait_for(|health| *health != Health::Open).await {
        Ok(health) => health.clone(),
        Err(_) => Health::Failed("the store is closed".into()),
    }
}

/// Waits until the store has room; an error is the end of it.
pub(super) async fn room(health: &mut watch::Receiver<Health>) -> Result<(), StoreError> {
    match health.wait_for(|health| *health != Health::Full).await.map(|health| health.clone()) {
        Ok(Health::Open | Health::Full) => Ok(()),
        Ok(Health::Failed(why)) => Err(StoreError::Failed(why)),
        Err(_) => Err(StoreError::Closed),
    }
}

/// The soonest of these; a day hence where there is none.
pub(super) fn soonest<const N: usize>(times: [Option<Instant>; N]) -> Instant {
    let far = Instant::now() + Duration::from_hours(24);
    times.into_iter().flatten().fold(far, Instant::min)
}

/// A number from 0 to 1 that nobody has to guess right.
pub(super) fn chance() -> f64 {
    let mut byte = [0_u8; 1];
    getrandom::fill(&mut byte).map_or(0.5, |()| f64::from(byte[0]) / 255.0)
}
