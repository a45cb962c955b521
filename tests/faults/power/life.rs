//! One bridge's store, life after life, with a power cut in each; and what the oracle says in between.

use std::collections::BTreeSet;

use agent_bridge::clock::Clock;
use agent_bridge::store::{Options, Store};

use super::disk::{Disk, Loss};
use super::facts::{difference, facts_of};
use super::story::{NOW, Storyteller};
use super::truth::{Truth, explained};
use super::work::Asked;
use crate::chance::Chance;

/// Lives of one story.
const LIVES: usize = 5;
/// What happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Cuts in the middle of a commit or a close; every life that has none ends in one between two of them.
    pub cuts: usize,
    /// Of these, in the commit that a store makes by itself when it is left alone.
    pub quiet: usize,
    /// Cuts in the middle of an opening.
    pub opening: usize,
    /// Deeds that were answered.
    pub answered: usize,
    /// Deeds that were not answered and there all the same.
    pub found: usize,
    /// Stores that were refused by name.
    pub refused: usize,
}

impl Count {
    pub fn add(&mut self, other: &Self) {
        self.cuts += other.cuts;
        self.opening += other.opening;
        self.quiet += other.quiet;
        self.answered += other.answered;
        self.found += other.found;
        self.refused += other.refused;
    }
}

/// A store on its disk, its story, and what must be in it.
pub struct Bridge {
    pub directory: tempfile::TempDir,
    pub disk: Disk,
    pub options: Options,
    pub losses: Vec<Loss>,
    pub teller: Storyteller,
    /// After everything that was answered.
    pub truth: Truth,
    pub ids: BTreeSet<String>,
    pub lying: bool,
    /// How late it was when old things were last forgotten: later each time, for rows are as old as the last commit.
    pub late: i64,
    pub count: Count,
}

impl Bridge {
    pub fn new(seed: u64, losses: &[Loss]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let key = directory.path().join("key");
        std::fs::write(&key, "5a".repeat(32)).expect("a key");
        let options = Options {
            ballast: 0,
            cache: 4 << 20,
            clock: Clock::paced(NOW),
            vault_key: Some(key),
            ..Options::default()
        };
        Self {
            directory,
            disk: Disk::default(),
            options,
            losses: losses.to_vec(),
            teller: Storyteller::new(Chance::new(seed)),
            truth: Truth::default(),
            ids: BTreeSet::new(),
            lying: false,
            late: 0,
            count: Count::default(),
        }
    }

    /// From its second life on its disk keeps nothing that it was asked to keep.
    pub const fn on_a_lying_disk(&mut self) {
        self.lying = true;
    }

    /// Lives the lives; what the oracle found wrong.
    pub async fn lives(&mut self) -> Result<(), String> {
        for life in 0..LIVES {
            let Some(store) = self.opened(life == 0)? else { return Ok(()) };
            if self.lying && life > 0 {
                self.disk.lie();
            }
            let asked = self.live(store).await?;
            self.restart();
            if !self.reckon(&asked)? {
                return Ok(());
            }
        }
        let Some(store) = self.opened(false)? else { return Ok(()) };
        self.goes_on(&store).await
    }

    /// Opens the store; the power may go meanwhile, again and again. `None` where it was refused by name and may be.
    fn opened(&mut self, first: bool) -> Result<Option<Store>, String> {
        for attempt in 0.. {
            if attempt < 3 && self.teller.chance.once_in(3) {
                let deeds = self.teller.chance.below(30) as u64;
                self.disk.cut_after(deeds);
            }
            let error = match Store::open_on(self.disk.clone(), self.options.clone()) {
                Ok(store) => return Ok(Some(store)),
                Err(error) => error,
            };
            if !self.disk.is_off() {
                let half_made = first && !self.disk.is_blank();
                if !super::is_loud(&error) || !(half_made || self.may_refuse()) {
                    return Err(format!("the store was refused: {error}"));
                }
                if !half_made {
                    self.count.refused += 1;
                    return Ok(None);
                }
                // A real store is made under another name, and what was half made is swept away.
                self.disk = Disk::default();
                continue;
            }
            self.count.opening += 1;
            self.restart();
        }
        unreachable!("the fourth attempt is not cut")
    }

    /// Only what is on its way when the power goes may end as noise.
    fn may_refuse(&self) -> bool {
        self.losses.contains(&Loss::Noise)
    }

    /// The power comes back.
    fn restart(&mut self) {
        let loss = *self.teller.chance.pick(&self.losses);
        self.disk.power_on(loss, &mut self.teller.chance);
    }

    /// Opens what the cut has left and compares: all that was answered, and a beginning of what was not. Whether there
    /// is a store to go on with.
    fn reckon(&mut self, asked: &Asked) -> Result<bool, String> {
        let Some(store) = self.opened(false)? else { return Ok(false) };
        self.disk.cut_after(u64::MAX);
        let found = facts_of(&store, &self.ids).map_err(|error| format!("it does not read back: {error}"))?;
        let after = self.teller.chance.below(12) as u64;
        self.disk.cut_after(after);
        drop(store);
        self.disk.cut();
        self.restart();
        let answered = difference(&self.truth.facts(), &found);
        let Some((truth, deeds)) = explained(&self.truth, &asked.unanswered, &found) else {
            let why = answered.unwrap_or_else(|| "nothing".into());
            return Err(format!("{why}; {} deeds were not answered", asked.unanswered.len()));
        };
        self.truth = truth;
        self.count.found += deeds;
        Ok(true)
    }

    /// The fault is gone: what is new is taken, what is known is known, and it is all there after a proper close.
    async fn goes_on(&mut self, store: &Store) -> Result<(), String> {
        // The last opening may have left a cut to come.
        self.disk.cut_after(u64::MAX);
        let mut asked = Asked::of(&self.truth);
        let fresh = self.teller.fresh();
        self.ask(store, fresh, &mut asked).await?;
        self.hear(&mut asked).await?;
        store.close().await.map_err(|error| format!("it does not close: {error}"))?;
        let store = Store::open_on(self.disk.clone(), self.options.clone()).map_err(|error| error.to_string())?;
        let found = facts_of(&store, &self.ids).map_err(|error| error.to_string())?;
        let left = self.directory.path().exists();
        match difference(&self.truth.facts(), &found) {
            None if left && asked.unanswered.is_empty() => Ok(()),
            None => Err("a fresh event was not taken".into()),
            Some(why) => Err(format!("after a proper close {why}")),
        }
    }
}
