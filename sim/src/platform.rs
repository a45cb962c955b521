//! One simulated platform as its tests hold it: shared state, changes that wake whoever waits, faults and the log.
//!
//! Each platform is `Sim<World>` with a world of its own and methods of its own.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::{
    fault::{Armed, Fault},
    log::{Entry, Ledger, Own},
};

/// One simulated platform; clones share it.
pub struct Sim<W> {
    inner: Arc<Inner<W>>,
}

struct Inner<W> {
    world: Mutex<W>,
    changed: watch::Sender<u64>,
}

/// What the frame asks of a platform's state.
pub trait Platform: Send + 'static {
    /// What it alone notes of a request.
    type Facts: Own;

    /// Armed faults, the log, the lines of the contract that were served.
    fn ledger(&self) -> &Ledger<Self::Facts>;

    /// The same, to write in.
    fn ledger_mut(&mut self) -> &mut Ledger<Self::Facts>;
}

/// A platform with switches.
pub trait Switched: Platform {
    /// Its switches.
    type Options;

    /// The switches, to turn.
    fn options_mut(&mut self) -> &mut Self::Options;
}

impl<W> Clone for Sim<W> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<W> fmt::Debug for Sim<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").finish_non_exhaustive()
    }
}

impl<W> Sim<W> {
    /// Around a state.
    pub(crate) fn of(world: W) -> Self {
        Self::around(world, watch::Sender::new(0))
    }

    /// The same, where something beside it tells of changes, too; `changed` counts them.
    pub(crate) fn around(world: W, changed: watch::Sender<u64>) -> Self {
        Self { inner: Arc::new(Inner { world: Mutex::new(world), changed }) }
    }

    /// Changes the state, then wakes everybody who waits for a condition.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut W) -> T) -> T {
        let result = change(&mut self.inner.world.lock().unwrap_or_else(PoisonError::into_inner));
        self.inner.changed.send_modify(|version| *version += 1);
        result
    }

    /// Looks at the state; the lock is held while it does.
    pub fn look<T>(&self, read: impl FnOnce(&W) -> T) -> T {
        read(&self.inner.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes at each change of the state from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// Waits until the state fulfils a condition; it is asked again after each change.
    pub async fn wait_for(&self, mut condition: impl FnMut(&W) -> bool) {
        let mut changed = self.changes();
        while !self.look(&mut condition) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until `find` finds something in the state.
    pub async fn wait_some<T>(&self, mut find: impl FnMut(&W) -> Option<T>) -> T {
        let mut changed = self.changes();
        loop {
            if let Some(found) = self.look(&mut find) {
                return found;
            }
            // The sender lives in `self`: this cannot end while we wait.
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl<W: Platform> Sim<W> {
    /// Arms a fault for the next request of a route: its method and its template, as [`Armed::route`] has it.
    pub fn fault(&self, route: &str, fault: Fault) {
        self.arm(Armed { route: route.into(), after: 0, count: 1, fault });
    }

    /// Arms a fault with its counts.
    pub fn arm(&self, fault: Armed) {
        self.with(|world| world.ledger_mut().faults.push(fault));
    }

    /// The log, oldest first.
    pub fn log(&self) -> Vec<Entry<W::Facts>> {
        self.look(|world| world.ledger().entries().cloned().collect())
    }

    /// Which lines of the platform's contract were served so far.
    pub fn served(&self) -> BTreeSet<&'static str> {
        self.look(|world| world.ledger().served.clone())
    }
}

impl<W: Switched> Sim<W> {
    /// Changes switches in mid-run.
    pub fn reconfigure(&self, change: impl FnOnce(&mut W::Options)) {
        self.with(|world| change(world.options_mut()));
    }
}
