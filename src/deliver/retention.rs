//! Lets old events go: those that all consumers passed after `keep`, the others after `retain` or when there is no room,
//! and then each consumer that missed some gets one `consumer.gap` (P4).

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::call::Refusal;
use super::handle::{Command, Leased};
use super::registry::Consumers;
use super::room::{OnFull, Room};
use crate::clock::{Clock, millis};
use crate::store::{Batch, Change, Store, StoreError};

/// Events dropped in one commit, so that acks in line behind it do not wait long.
const STEP: u64 = 8_192;

/// How long events stay, how often that is looked at, and what goes when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// An event that every consumer passed. Default 7 days.
    pub keep: Duration,
    /// An event that some consumer did not pass. Default 30 days.
    pub retain: Duration,
    /// Time between two passes. Default 10 minutes.
    pub every: Duration,
    /// What happens at the disk budget. Default: intake pauses.
    pub on_full: OnFull,
}

impl Default for Times {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self { keep: 7 * day, retain: 30 * day, every: Duration::from_mins(10), on_full: OnFull::Pause }
    }
}

/// Passes again and again, and makes room when there is none, until stopped.
pub async fn run(consumers: Consumers, store: Store, times: Times, stop: CancellationToken) -> Result<(), StoreError> {
    let mut room = Room::new(store, times.on_full);
    stop.run_until_cancelled(work(&consumers, &mut room, times)).await.unwrap_or(Ok(()))
}

async fn work(consumers: &Consumers, room: &mut Room, times: Times) -> Result<(), StoreError> {
    let mut tick = tokio::time::interval(times.every.max(Duration::from_millis(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                consumers.retain(times).await?;
                room.looked(consumers.dropped());
            }
            () = room.changed() => {}
        }
        room.tell_health();
        if room.is_short() {
            consumers.make_room(room).await?;
        }
    }
}

/// One pass over the feed.
pub async fn pass(consumers: &Consumers, store: &Store, clock: &Clock, times: Times) -> Result<(), StoreError> {
    let now = clock.now();
    let before = |age: Duration| store.since(now.saturating_sub(millis(age))).map(|first| first.saturating_sub(1));
    let too_old = before(times.retain)?;
    let old = before(times.keep)?.max(too_old);
    if old < store.oldest()? {
        return Ok(());
    }
    let passed = given_up(consumers, too_old, Leased::Waits).await?;
    trim(store, old.min(passed)).await.map(|_| ())
}

/// Forgets the oldest events until there is room; how many. One step from the budget to well below it is one hole.
pub async fn make_room(consumers: &Consumers, store: &Store, room: &mut Room) -> Result<u64, StoreError> {
    let Some(upto) = room.upto().await? else { return Ok(0) };
    let passed = given_up(consumers, upto, Leased::LetGo).await?;
    trim(store, upto.min(passed)).await
}

/// Asks every consumer to give up what it did not pass up to `upto`; how far none needs the feed any more.
async fn given_up(consumers: &Consumers, upto: u64, leased: Leased) -> Result<u64, StoreError> {
    let mut lowest = u64::MAX;
    for handle in consumers.handles() {
        match handle.ask(|answer| Command::Expire { upto, leased, answer }).await {
            Ok(passed) => lowest = lowest.min(passed),
            Err(Refusal::Store(error)) => return Err(error),
            // Removed meanwhile: it needs nothing any more.
            Err(_) => {}
        }
    }
    Ok(lowest)
}

async fn trim(store: &Store, upto: u64) -> Result<u64, StoreError> {
    let first = store.oldest()?;
    let mut oldest = first;
    while oldest <= upto {
        let step = upto.min(oldest + STEP - 1);
        store.commit(Batch::new().with(Change::Trim(step))).await?;
        oldest = step + 1;
    }
    Ok(oldest - first)
}
