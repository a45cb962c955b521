//! What a store holds after these steps, by a naive model.

use std::collections::{BTreeMap, BTreeSet};

use agent_bridge::action::{Action, ActionId};
use agent_bridge::event::NewEvent;
use agent_bridge::store::{Anchor, Committed, DeadLetter, Exception, Progress};

use super::facts::{Facts, difference, id_of};
use super::story::{Deed, Step};

/// The newest ids of a conversation that forgetting leaves.
const NEWEST: usize = 200;

/// What is in a store.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    pub head: u64,
    /// Whole events, as they are delivered.
    pub feed: BTreeMap<u64, Vec<u8>>,
    /// Remembered ids: (conversation, sequence).
    pub ids: BTreeMap<String, (String, u64)>,
    pub cursors: BTreeMap<String, String>,
    pub anchors: BTreeMap<(String, String), Anchor>,
    pub secrets: BTreeMap<(String, String), String>,
    pub consumers: BTreeMap<String, Progress>,
    pub acked: BTreeMap<(String, u64), Vec<ActionId>>,
    pub dead: BTreeMap<(String, u64), DeadLetter>,
    pub actions: BTreeMap<ActionId, Action>,
    pub keys: BTreeMap<(String, String), ActionId>,
    pub joined: BTreeSet<String>,
    pub removed: BTreeSet<String>,
}

/// What forgetting forgets, each part in commits of its own.
#[derive(Clone, Copy, Debug)]
enum Old {
    Ids,
    Actions,
    Keys,
    Acked,
}

impl Truth {
    /// Takes one step; what the store must answer to it goes to `expected`.
    pub fn take(&mut self, step: &Step, expected: &mut Committed) {
        match step {
            Step::Event(event) => expected.events.push(self.tell(event)),
            Step::Cursor(workspace, value) => drop(self.cursors.insert(workspace.clone(), value.clone())),
            Step::Anchor(workspace, room, anchor) => {
                self.anchors.insert((workspace.clone(), room.clone()), anchor.clone());
            }
            Step::Secret(owner, field, value) => match value {
                Some(value) => drop(self.secrets.insert((owner.clone(), field.clone()), value.clone())),
                None => drop(self.secrets.remove(&(owner.clone(), field.clone()))),
            },
            Step::Consumer(name) if !self.consumers.contains_key(name) => {
                self.forget_marks(name);
                let mark = self.feed.keys().next().map_or(self.head, |oldest| oldest - 1);
                self.consumers.insert(name.clone(), Progress { mark, ..Progress::default() });
            }
            Step::Consumer(_) => {}
            Step::ForgetConsumer(name) => self.forget_consumer(name),
            Step::Mark(name, seq) => {
                let Some(progress) = self.consumers.get_mut(name) else { return };
                progress.mark = *seq;
                progress.exceptions.retain(|at, exception| at > seq || *exception != Exception::Settled);
            }
            Step::Except(name, seq, exception) => {
                let Some(progress) = self.consumers.get_mut(name) else { return };
                progress.exceptions.insert(*seq, exception.clone());
            }
            Step::Acked(name, seq, actions) => {
                self.acked.entry((name.clone(), *seq)).or_insert_with(|| actions.clone());
            }
            Step::Dead(name, seq, letter) => drop(self.dead.insert((name.clone(), *seq), letter.clone())),
            Step::Accept(action) => {
                let first = self.accept(action);
                // Where its workspace is gone, nothing is written, and the answer says so.
                expected.refused.extend(first.is_none().then(|| action.id.clone()));
                expected.actions.push(first.unwrap_or_else(|| action.id.clone()));
            }
            Step::Settle(action) => drop(self.actions.insert(action.id.clone(), action.clone())),
            Step::Trim(seq) => self.feed.retain(|at, _| at > seq),
            Step::Join(name) => drop(self.joined.insert(name.clone())),
            Step::Leave(name) => self.leave(name),
        }
    }

    fn tell(&mut self, event: &NewEvent) -> Option<u64> {
        let seq = self.head + 1;
        let mut event = event.clone();
        event.fill(seq);
        let id = id_of(&event.bytes);
        if self.ids.contains_key(&id) {
            return None;
        }
        self.head = seq;
        self.ids.insert(id, (event.head.conversation.clone(), seq));
        self.feed.insert(seq, event.bytes);
        Some(seq)
    }

    fn accept(&mut self, action: &Action) -> Option<ActionId> {
        let workspace = action.workspace.as_str().to_owned();
        let place = action.key.clone().map(|key| (workspace.clone(), key));
        if let Some(first) = place.as_ref().and_then(|place| self.keys.get(place)) {
            return Some(first.clone());
        }
        if self.removed.contains(&workspace) && !self.joined.contains(&workspace) {
            return None;
        }
        self.keys.extend(place.map(|place| (place, action.id.clone())));
        self.actions.insert(action.id.clone(), action.clone());
        Some(action.id.clone())
    }

    fn forget_consumer(&mut self, name: &str) {
        self.consumers.remove(name);
        self.forget_marks(name);
        self.secrets.retain(|(owner, _), _| *owner != format!("consumer:{name}"));
    }

    fn forget_marks(&mut self, name: &str) {
        self.acked.retain(|(owner, _), _| owner != name);
        self.dead.retain(|(owner, _), _| owner != name);
    }

    fn leave(&mut self, name: &str) {
        if self.joined.remove(name) {
            self.removed.insert(name.to_owned());
        }
        self.cursors.remove(name);
        self.anchors.retain(|(owner, _), _| owner != name);
        self.secrets.retain(|(owner, _), _| owner != name);
        self.actions.retain(|_, action| action.workspace.as_str() != name || action.state.settled());
        self.keys.retain(|_, id| self.actions.contains_key(id));
    }

    /// Forgets all that is there now of one kind, for all of it is old.
    fn forget(&mut self, old: Old) {
        match old {
            Old::Ids => {
                let mut newest: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
                let group =
                    |id: &str, room: &str| (id.split('/').take(2).collect::<Vec<_>>().join("/"), room.to_owned());
                for (id, (room, seq)) in &self.ids {
                    newest.entry(group(id, room)).or_default().push(*seq);
                }
                for seqs in newest.values_mut() {
                    seqs.sort_unstable_by(|a, b| b.cmp(a));
                    seqs.truncate(NEWEST);
                }
                self.ids.retain(|id, (room, seq)| newest[&group(id, room)].contains(seq));
            }
            Old::Actions => {
                self.actions.retain(|_, action| !action.state.settled());
                self.keys.retain(|_, id| self.actions.contains_key(id));
            }
            Old::Keys => self.keys.clear(),
            Old::Acked => self.acked.clear(),
        }
    }
}

/// Lets a deed come true.
pub fn come_true(truth: &mut Truth, deed: &Deed) {
    come_true_in_parts(truth, deed, ALL);
}

/// Every kind of old thing.
const ALL: u32 = 0b1111;

/// Lets a deed come true; of a forgetting these parts.
fn come_true_in_parts(truth: &mut Truth, deed: &Deed, parts: u32) {
    match deed {
        Deed::Commit(steps) => {
            for step in steps {
                truth.take(step, &mut Committed::default());
            }
        }
        Deed::Rotate(_) => {}
        Deed::Forget => {
            let kinds = [Old::Ids, Old::Actions, Old::Keys, Old::Acked];
            let chosen = kinds.into_iter().enumerate().filter(|(index, _)| parts & (1 << index) != 0);
            chosen.for_each(|(_, old)| truth.forget(old));
        }
    }
}

/// What the facts found are: all that was answered, and a beginning of what was not; with how many deeds of the latter.
pub fn explained(answered: &Truth, unanswered: &[Deed], found: &Facts) -> Option<(Truth, usize)> {
    let mut candidate = answered.clone();
    for (deeds, deed) in unanswered.iter().map(Some).chain([None]).enumerate() {
        if difference(&candidate.facts(), found).is_none() {
            return Some((candidate, deeds));
        }
        let deed = deed?;
        // Each kind is forgotten in commits of its own.
        let parts = if matches!(deed, Deed::Forget) { 1..ALL } else { 0..0 };
        for parts in parts {
            let mut part = candidate.clone();
            come_true_in_parts(&mut part, deed, parts);
            if difference(&part.facts(), found).is_none() {
                return Some((part, deeds));
            }
        }
        come_true(&mut candidate, deed);
    }
    None
}
