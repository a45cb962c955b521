//! One life of a store: what is asked of it, and what it answers until the power goes.

use std::collections::VecDeque;
use std::time::Duration;

use agent_bridge::store::{Committed, Store, StoreError, VaultKey};
use tokio::sync::oneshot;

use super::facts::id_of;
use super::life::Bridge;
use super::story::{Deed, Step, batch};
use super::truth::{Truth, come_true};

/// More than the time for which ids, keys and receipts are remembered.
const LONG: i64 = 40 * 24 * 60 * 60 * 1000;
/// How long a quiet store is watched for the commit that it makes by itself after a second.
const QUIET: Duration = Duration::from_millis(1_500);

type Answer = oneshot::Receiver<Result<Committed, StoreError>>;

/// What was asked of the store in one life.
pub struct Asked {
    /// After everything that was sent.
    pub hoped: Truth,
    pub open: VecDeque<(Vec<Step>, Committed, Answer)>,
    /// The first that failed: nothing behind it may be answered.
    pub unanswered: Vec<Deed>,
}

impl Asked {
    /// Nothing yet, of a store that holds `truth`.
    pub fn of(truth: &Truth) -> Self {
        Self { hoped: truth.clone(), open: VecDeque::new(), unanswered: Vec::new() }
    }
}

impl Bridge {
    /// Works until the power goes, or is cut at the end.
    pub async fn live(&mut self, store: Store) -> Result<Asked, String> {
        let mut asked = Asked::of(&self.truth);
        let (deeds, cut_at) = (self.teller.chance.below(40) + 5, self.teller.chance.below(60));
        let patience = self.teller.chance.below(6);
        for deed in 0..deeds {
            if deed == cut_at {
                let after = self.teller.chance.below(25) as u64;
                self.disk.cut_after(after);
            }
            let next = self.teller.next(&asked.hoped);
            self.ask(&store, next, &mut asked).await?;
            while asked.open.len() > patience {
                self.hear(&mut asked).await?;
            }
        }
        while !asked.open.is_empty() {
            self.hear(&mut asked).await?;
        }
        match self.teller.chance.below(10) {
            0 if !self.disk.is_off() => self.quiet(&store).await,
            1..5 => {
                let after = self.teller.chance.below(12) as u64;
                self.disk.cut_after(after);
                // That the file could not be closed is what is wanted here.
                drop(store.close().await);
            }
            _ => {}
        }
        self.count.cuts += usize::from(self.disk.is_off());
        self.disk.cut();
        drop(store);
        Ok(asked)
    }

    /// Leaves the store alone until it commits by itself what makes the next start quick, and cuts the power there.
    async fn quiet(&mut self, store: &Store) {
        let before = self.disk.deeds();
        self.disk.cut_after(self.teller.chance.below(8) as u64);
        let deadline = tokio::time::Instant::now() + QUIET;
        let mut health = store.health();
        // Whether it came in time or not, the power goes afterwards.
        drop(tokio::time::timeout_at(deadline, health.changed()).await);
        self.count.quiet += usize::from(self.disk.deeds() > before && self.disk.is_off());
    }

    pub async fn ask(&mut self, store: &Store, deed: Deed, asked: &mut Asked) -> Result<(), String> {
        if let Deed::Commit(steps) = deed {
            let mut expected = Committed::default();
            for step in &steps {
                asked.hoped.take(step, &mut expected);
            }
            self.ids.extend(steps.iter().filter_map(|step| match step {
                Step::Event(event) => Some(id_of(&event.bytes)),
                _ => None,
            }));
            let answer = store.send(batch(&steps));
            asked.open.push_back((steps, expected, answer));
            return Ok(());
        }
        while !asked.open.is_empty() {
            self.hear(asked).await?;
        }
        let answer = if let Deed::Rotate(key) = &deed {
            store.rotate_key(VaultKey::parse(key).expect("32 bytes are a key")).await
        } else {
            self.forget(store).await
        };
        if answer.is_err() {
            asked.unanswered.push(deed);
        } else if !asked.unanswered.is_empty() {
            return Err("a failed store answered".into());
        } else {
            self.count.answered += 1;
            come_true(&mut self.truth, &deed);
            asked.hoped = self.truth.clone();
        }
        Ok(())
    }

    /// Only during this is it late: what the store forgets by itself finds nothing old.
    async fn forget(&mut self, store: &Store) -> Result<(), StoreError> {
        self.late += LONG;
        self.options.clock.jump(self.late);
        let answer = store.forget_old().await.map(drop);
        self.options.clock.jump(-self.late);
        answer
    }

    /// Waits for the oldest open answer.
    pub async fn hear(&mut self, asked: &mut Asked) -> Result<(), String> {
        let Some((steps, expected, answer)) = asked.open.pop_front() else { return Ok(()) };
        match answer.await.unwrap_or(Err(StoreError::Closed)) {
            Err(_) => asked.unanswered.push(Deed::Commit(steps)),
            Ok(_) if !asked.unanswered.is_empty() => return Err("a failed store answered".into()),
            Ok(answered) if answered != expected => return Err(format!("answered {answered:?}, not {expected:?}")),
            Ok(_) => {
                self.count.answered += 1;
                come_true(&mut self.truth, &Deed::Commit(steps));
            }
        }
        Ok(())
    }
}
