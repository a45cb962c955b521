//! What the handle and the writer share: the engine, the newest events, and what is known of both.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::{Database, ReadTransaction, ReadableDatabase};
use tokio::sync::watch;

use super::bells::Bells;
use super::fault::{Fault, Health, StoreError, caught};
use super::ring::Ring;
use super::tables::Tally;
use super::vault::VaultKey;
use crate::attention::Attention;

/// Shared by every clone of the handle and the writer.
pub struct Shared {
    /// `None` once closed. Read transactions are short and never outlive their guard.
    pub db: RwLock<Option<Database>>,
    /// Changes only together with the rows that it sealed.
    pub vault: RwLock<VaultKey>,
    /// The newest events.
    pub ring: RwLock<Ring>,
    /// The writer's state.
    pub health: watch::Sender<Health>,
    /// The newest committed sequence.
    pub head: watch::Sender<u64>,
    /// Rings with every accepted or changed action.
    pub outbox: Bells,
    /// Who deals with which event now; in memory alone.
    pub attention: Attention,
    /// Bytes stored.
    pub bytes: AtomicU64,
    /// Bytes at which intake pauses.
    pub budget: u64,
}

impl Shared {
    /// For an opened store.
    pub fn new(db: Database, vault: VaultKey, tally: Tally, recent: usize, budget: u64) -> Self {
        let health = if tally.bytes >= budget { Health::Full } else { Health::Open };
        Self {
            db: RwLock::new(Some(db)),
            vault: RwLock::new(vault),
            ring: RwLock::new(Ring::new(recent)),
            health: watch::Sender::new(health),
            head: watch::Sender::new(tally.head),
            outbox: Bells::default(),
            attention: Attention::default(),
            bytes: tally.bytes.into(),
            budget,
        }
    }

    /// Reads within one short transaction.
    pub fn look<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, Fault>) -> Result<T, StoreError> {
        let db = reading(&self.db);
        let Some(db) = &*db else { return Err(StoreError::Closed) };
        caught(|| read(&db.begin_read()?)).map_err(|fault| self.fail(&fault))
    }

    /// Declares the store failed; the first reason stays (P11).
    pub fn fail(&self, fault: &Fault) -> StoreError {
        self.health.send_if_modified(|health| {
            let first = !matches!(health, Health::Failed(_));
            if first {
                *health = Health::Failed(fault.to_string().into());
            }
            first
        });
        StoreError::Failed(self.failure().unwrap_or_else(|| Arc::from(fault.to_string())))
    }

    /// Why the store failed, if it did.
    pub fn failure(&self) -> Option<Arc<str>> {
        match &*self.health.borrow() {
            Health::Failed(why) => Some(Arc::clone(why)),
            Health::Open | Health::Full => None,
        }
    }

    /// Publishes what was committed; the room it takes decides whether intake goes on (with 5 % of slack, or the
    /// lines would stop and start with every event).
    pub fn publish(&self, tally: &Tally) {
        self.bytes.store(tally.bytes, Ordering::Relaxed);
        self.health.send_if_modified(|health| {
            let next = match health {
                Health::Open if tally.bytes >= self.budget => Health::Full,
                Health::Full if tally.bytes < self.budget / 20 * 19 => Health::Open,
                _ => return false,
            };
            *health = next;
            true
        });
        self.head.send_if_modified(|head| std::mem::replace(head, tally.head) != tally.head);
    }
}

/// Locks for reading. A panic while a lock was held has failed the store already; the data is read-only here.
pub fn reading<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing.
pub fn writing<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
