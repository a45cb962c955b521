//! Watches the disk budget: says once when it is reached, and makes room where the operator prefers new events to old
//! ones (P11).

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::store::{Health, Store, StoreError};

/// Events weighed in one look at the feed.
const LOOK: usize = 1_024;

/// What happens at the disk budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFull {
    /// Intake pauses until acks and retention have made room: nothing is forgotten before its time.
    #[default]
    Pause,
    /// The oldest events are forgotten, passed or not, so that intake goes on; who missed some gets a `consumer.gap`.
    DropOldest,
}

/// Dropping begins at 95 % of the budget, so that intake does not stop for it, and ends at 90 %, so that it does not
/// come with every event.
const fn high(budget: u64) -> u64 {
    budget / 20 * 19
}

const fn low(budget: u64) -> u64 {
    budget / 20 * 18
}

/// What was last said of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Paused,
    /// Nothing that is left can be dropped.
    Stuck,
    /// So many events had been dropped by the last look.
    Drops(u64),
}

/// The room that the store has, and what is said of it.
pub struct Room {
    store: Store,
    on_full: OnFull,
    health: watch::Receiver<Health>,
    head: watch::Receiver<u64>,
    said: Said,
    /// Nothing that is left can be dropped; looked at again with the next pass of retention.
    stuck: bool,
}

impl Room {
    /// Of this store.
    pub fn new(store: Store, on_full: OnFull) -> Self {
        let (mut health, head) = (store.health(), store.head());
        health.mark_changed();
        Self { store, on_full, health, head, said: Said::Nothing, stuck: false }
    }

    /// Waits until there is something to say or to do.
    pub async fn changed(&mut self) {
        loop {
            let grows = self.on_full == OnFull::DropOldest && !self.stuck;
            tokio::select! {
                changed = self.health.changed() => if changed.is_ok() { return } else { std::future::pending().await },
                Ok(()) = self.head.changed(), if grows => if self.is_short() { return },
            }
        }
    }

    /// Whether events have to go.
    pub fn is_short(&self) -> bool {
        let (bytes, budget) = self.store.size();
        self.on_full == OnFull::DropOldest && !self.stuck && bytes >= high(budget)
    }

    /// Up to which event the feed must be forgotten; `None` where that would not make room enough: ids, actions, dead
    /// letters and secrets are never dropped.
    pub async fn upto(&mut self) -> Result<Option<u64>, StoreError> {
        let (bytes, budget) = self.store.size();
        let needed = bytes.saturating_sub(low(budget));
        let (mut upto, mut freed) = (0, 0);
        while freed < needed {
            let (last, worth) = self.store.weigh(upto, LOOK, needed - freed)?;
            if worth == 0 {
                self.tell_stuck(bytes, budget);
                return Ok(None);
            }
            (upto, freed) = (last, freed + worth);
            tokio::task::yield_now().await;
        }
        Ok(Some(upto))
    }

    fn tell_stuck(&mut self, bytes: u64, budget: u64) {
        if self.said != Said::Stuck {
            tracing::warn!(bytes, budget, "what is left in the store cannot be dropped: intake pauses at the budget");
        }
        (self.said, self.stuck) = (Said::Stuck, true);
    }

    /// Says that intake pauses or goes on, once. With `drop-oldest` it pauses for a moment at most, unless nothing can
    /// be dropped, and that is said where it is found.
    pub fn tell_health(&mut self) {
        let (bytes, budget) = self.store.size();
        match (&*self.health.borrow_and_update(), self.said) {
            (Health::Full, Said::Nothing) if self.on_full == OnFull::Pause => {
                tracing::warn!(bytes, budget, "the disk budget is reached: intake pauses until there is room");
                self.said = Said::Paused;
            }
            (Health::Open, Said::Paused) => {
                tracing::info!(bytes, budget, "there is room again: intake goes on");
                self.said = Said::Nothing;
            }
            _ => {}
        }
    }

    /// Events were dropped, `dropped` in all: says so when that begins.
    pub fn tell_drop(&mut self, dropped: u64) {
        if !matches!(self.said, Said::Drops(_)) {
            let (_, budget) = self.store.size();
            tracing::warn!(
                budget,
                dropped,
                "the disk budget is reached: the oldest events are dropped (`store.on_full`)"
            );
            self.said = Said::Drops(0);
        }
    }

    /// A pass of retention has looked: says when dropping has ended, and lets it be tried again.
    pub fn looked(&mut self, dropped: u64) {
        self.stuck = false;
        let (bytes, budget) = self.store.size();
        match self.said {
            Said::Stuck if bytes < high(budget) => self.said = Said::Nothing,
            Said::Drops(before) if before == dropped => {
                tracing::info!(dropped, "the store keeps within its budget again: no events are dropped");
                self.said = Said::Nothing;
            }
            Said::Drops(_) => self.said = Said::Drops(dropped),
            Said::Nothing | Said::Paused | Said::Stuck => {}
        }
    }
}
