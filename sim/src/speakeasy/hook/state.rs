//! What the platform knows of its webhooks: each delivery, its attempts, and their statuses.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    fault::HookFault,
    letter::{Letter, delivery_id},
    post::Way,
};
use crate::speakeasy::{
    armed::{Turn, strike},
    events::StoredEvent,
    record::GrantId,
    world::World,
};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// On its way, or waiting for a retry.
    Pending,
    /// Answered 2xx, at least once.
    Delivered,
    /// Every retry is used up.
    GivenUp,
    /// Never sent.
    Lost,
}

/// One attempt of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// In milliseconds since 1970.
    pub at: u64,
    /// What the answer said, when there was one.
    pub status: Option<u16>,
    /// What went wrong, when there was none.
    pub error: Option<String>,
    /// The fault that struck it.
    pub fault: Option<HookFault>,
    /// Whether the script sent it again.
    pub replayed: bool,
}

/// One event on its way to one grant's callback URL.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// `agent-event-<event id>`.
    pub id: String,
    /// The event's id.
    pub event: u64,
    /// Whose it is.
    pub grant: GrantId,
    /// What became of it.
    pub fate: Fate,
    /// In the order of their answers.
    pub attempts: Vec<Attempt>,
    /// As it first went out.
    #[serde(skip)]
    first: Option<Letter>,
}

/// Every delivery, and the faults that wait for them.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) turns: Vec<Turn<HookFault>>,
    pub(super) way: Way,
    deliveries: BTreeMap<u64, Delivery>,
    /// Events whose first letters are to go out once more.
    pub(super) replays: Vec<u64>,
    /// How many events are to be held back, and those that are.
    pub(super) shuffling: Option<(usize, Vec<StoredEvent>)>,
    pub(super) in_flight: usize,
}

impl Hooks {
    pub(super) fn strike_delivery(&mut self) -> Option<HookFault> {
        strike(&mut self.turns, HookFault::of_delivery)
    }

    pub(super) fn strike_attempt(&mut self) -> Option<HookFault> {
        strike(&mut self.turns, |fault| !fault.of_delivery())
    }

    pub(super) fn begin(&mut self, event: &StoredEvent, fate: Fate) {
        let delivery = Delivery {
            id: delivery_id(event.id),
            event: event.id,
            grant: event.grant,
            fate,
            attempts: Vec::new(),
            first: None,
        };
        self.deliveries.insert(event.id, delivery);
    }

    pub(super) fn delivery(&mut self, event: u64) -> Option<&mut Delivery> {
        self.deliveries.get_mut(&event)
    }

    pub(super) fn replay(&mut self, event: u64) -> bool {
        let sent = self.deliveries.get(&event).is_some_and(|it| it.first.is_some());
        if sent {
            self.replays.push(event);
        }
        sent
    }
}

impl Delivery {
    /// Keeps the first letter, for a replay.
    pub(super) fn sends(&mut self, letter: &Letter) {
        self.first.get_or_insert_with(|| letter.clone());
    }

    pub(super) fn first(&self) -> Option<Letter> {
        self.first.clone()
    }

    pub(super) fn tried(&mut self, attempt: Attempt) {
        if attempt.delivered() {
            self.fate = Fate::Delivered;
        }
        self.attempts.push(attempt);
    }

    pub(super) fn give_up(&mut self) {
        if self.fate == Fate::Pending {
            self.fate = Fate::GivenUp;
        }
    }
}

impl Attempt {
    /// Whether the answer was 2xx.
    pub fn delivered(&self) -> bool {
        self.status.is_some_and(|it| (200..300).contains(&it))
    }
}

impl World {
    /// Every delivery; by event id.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.push.hooks.deliveries.values()
    }
}
