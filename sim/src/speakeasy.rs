//! The simulated platform `speakeasy`: people and their topics, agents with grants, an event log.
//!
//! Written from the platform's document (`speakeasy.messaging-api.txt`) and the field notes alone. Files:
//! `options` (switches), `world` `record` (state), `events` `cursor` (the event log), `wire` (shapes).

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

mod armed;
mod cable;
mod cursor;
mod events;
mod hook;
mod options;
mod push;
mod record;
mod wire;
mod world;

pub use crate::fault::{Armed, Fault};
pub use armed::Turn;
pub use cable::{Cable, CableFault, Reason, Subscription};
pub use events::{CursorError, StoredEvent};
pub use hook::{Attempt, Delivery, Fate, HookFault, Rewriting, Signature};
pub use options::{Approval, Options, Reuse, Tokens};
pub use push::{Confirm, PUSH_CONTRACT, PushOptions};
pub use record::{
    Account, Blob, CAPABILITIES, Chat, ChatId, Grant, GrantId, Participant, Request, Status, Topic, TopicId,
};
pub use world::World;

/// One simulated platform; clones share it.
#[derive(Clone)]
pub struct Sim {
    inner: Arc<Inner>,
}

struct Inner {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look(|world| f.debug_struct("Sim").field("options", &world.options).finish_non_exhaustive())
    }
}

impl Sim {
    /// A platform with nobody on it.
    pub fn new(options: Options) -> Self {
        let world = World::new(options);
        let changed = world.changed.clone();
        Self { inner: Arc::new(Inner { world: Mutex::new(world), changed }) }
    }

    /// Changes the state, then wakes everybody who waits for a condition.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.inner.world.lock().unwrap_or_else(PoisonError::into_inner));
        self.inner.changed.send_modify(|version| *version += 1);
        result
    }

    /// Looks at the state; the lock is held while it does.
    pub fn look<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.inner.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the state fulfils a condition; it is asked again after each change.
    pub async fn wait_for(&self, mut condition: impl FnMut(&World) -> bool) {
        let mut changed = self.inner.changed.subscribe();
        while !self.look(&mut condition) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}
