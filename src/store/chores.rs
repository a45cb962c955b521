//! What the writer does beside committing: the quick-repair commit of a quiet moment, forgetting, a new vault key.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{ReadableTable, WriteTransaction};
use secrecy::ExposeSecret;

use super::fault::{Fault, Health};
use super::shared::{reading, writing};
use super::sweep::{EVERY, Sweep};
use super::tables;
use super::vault::VaultKey;
use super::writer::{QUIET, Writer, begin};
use crate::failpoint::{Point, reach};

impl Writer {
    /// A quiet moment: what makes the next start quick, the ballast, forgetting.
    pub(super) fn idle(&mut self) {
        if self.dirty && self.committed.elapsed() >= QUIET {
            // A failure is published; there is nobody here to answer.
            drop(self.guarded(|writer| writer.transact(true, |_| Ok(()))));
        }
        if let Some(ballast) = &self.ballast
            && *self.shared.health.borrow() == Health::Open
        {
            // Room that cannot be taken now is asked for again at the next idle moment.
            drop(ballast.keep());
        }
        self.chores(Duration::ZERO);
    }

    /// One step of forgetting, when a day has passed since the last time and `pause` since the last step.
    pub(super) fn chores(&mut self, pause: Duration) {
        if self.sweep.is_none() && self.clock.now() >= self.swept.saturating_add(EVERY) {
            self.sweep = Some(Sweep::start());
        }
        if self.sweep.is_some() && self.stepped.elapsed() >= pause {
            drop(self.guarded(Self::forget_step));
            self.stepped = Instant::now();
        }
    }

    /// Looks through everything at once.
    pub(super) fn forget_all(&mut self) -> Result<u64, Fault> {
        self.sweep = Some(Sweep::start());
        let mut forgotten = 0;
        while self.sweep.is_some() {
            forgotten += self.forget_step()?;
        }
        Ok(forgotten)
    }

    fn forget_step(&mut self) -> Result<u64, Fault> {
        let Some(sweep) = self.sweep.take() else { return Ok(0) };
        let now = self.clock.now();
        let (due, next) = {
            let db = reading(&self.shared.db);
            sweep.step(db.as_ref().ok_or(redb::Error::DatabaseClosed)?, now)?
        };
        if due.count() > 0 {
            self.transact(false, |applying| due.apply(applying))?;
        }
        if let Sweep::Done = next {
            self.transact(false, |applying| {
                applying.tx.open_table(tables::META)?.insert("swept", &now.to_le_bytes()[..])?;
                Ok(())
            })?;
            self.swept = now;
        } else {
            self.sweep = Some(next);
        }
        Ok(due.count() as u64)
    }

    /// Seals everything with `key`. The new key is durable before, the old one goes after: a crash at any point
    /// leaves a store and a key that fit.
    pub(super) fn rotate(&mut self, key: &VaultKey) -> Result<(), Fault> {
        self.key_file.announce(key)?;
        let shared = Arc::clone(&self.shared);
        let db = reading(&shared.db);
        let mut vault = writing(&shared.vault);
        let tx = begin(db.as_ref())?;
        reseal(&tx, &vault, key)?;
        reach(Point::StoreResealedBefore);
        tx.commit()?;
        reach(Point::StoreResealedAfter);
        *vault = key.clone();
        self.dirty = true;
        self.key_file.settle()
    }
}

fn reseal(tx: &WriteTransaction, old: &VaultKey, new: &VaultKey) -> Result<(), Fault> {
    let mut secrets = tx.open_table(tables::SECRETS)?;
    let mut resealed = Vec::new();
    for entry in secrets.iter()? {
        let (place, row) = entry?;
        let (owner, field) = place.value();
        let secret = old.open(owner, field, row.value()).ok_or(Fault::Row("a sealed secret"))?;
        resealed.push((owner.to_owned(), field.to_owned(), new.seal(owner, field, secret.expose_secret())));
    }
    for (owner, field, row) in resealed {
        secrets.insert((owner.as_str(), field.as_str()), &row[..])?;
    }
    tx.open_table(tables::META)?.insert("check", &new.check()[..])?;
    Ok(())
}
