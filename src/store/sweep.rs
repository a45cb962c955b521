//! Forgetting, in small steps: ids, agents' keys, first acks and settled actions go when 30 days have passed.
//!
//! Of every conversation the newest 200 ids of each type stay, and every id that was listed within the time (P2).
//! A step looks at a bounded number of rows in a read transaction and names what may go; only if there is any does
//! the writer spend a commit.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Bound;

use redb::{Database, ReadTransaction, ReadableDatabase};

use super::apply::{Applying, from_json};
use super::fault::Fault;
use super::tables::{self, IdRow};
use crate::action::Action;

/// How long ids, keys, first acks and settled actions are remembered (P2, P5). Milliseconds.
pub const REMEMBERED: u64 = 30 * DAY;
/// How often everything is looked through. Milliseconds.
pub const EVERY: u64 = DAY;
const DAY: u64 = 24 * 60 * 60 * 1000;
/// The newest ids of a conversation and type that are never forgotten (P2).
const NEWEST: usize = 200;
/// Rows looked at in one step: less than a millisecond, for a commit may wait for it.
const STEP: usize = 500;
/// Conversations of one workspace and type that a pass keeps count of; the ids of further ones stay until a later
/// pass. At 200 sequences each this bounds a pass to 16 MiB.
const CONVERSATIONS: usize = 10_000;

/// How far one look through everything is.
#[derive(Debug)]
pub enum Sweep {
    /// Finds the newest ids of the workspace and type that `group` names, from the key `from` on.
    Count { group: String, from: Bound<String>, newest: Newest },
    /// Names the old ones among them.
    Forget { group: String, from: Bound<String>, newest: Newest },
    /// Settled actions, by id, which is by time.
    Actions { from: Bound<String> },
    /// Agents' keys.
    Keys { from: Bound<(String, String)> },
    /// First acks.
    Acked { from: Bound<(String, u64)> },
    /// All has been looked at.
    Done,
}

type Newest = HashMap<String, BinaryHeap<Reverse<u64>>>;

/// What a step found to be forgotten.
#[derive(Debug, Default)]
pub struct Due {
    ids: Vec<String>,
    actions: Vec<String>,
    keys: Vec<(String, String)>,
    acked: Vec<(String, u64)>,
}

impl Due {
    /// Rows to go.
    pub fn count(&self) -> usize {
        self.ids.len() + self.actions.len() + self.keys.len() + self.acked.len()
    }

    /// Forgets them within the writer's transaction.
    pub fn apply(&self, applying: &mut Applying<'_>) -> Result<(), Fault> {
        for id in &self.ids {
            applying.feed.forget(id)?;
        }
        for id in &self.actions {
            applying.forget_action(id)?;
        }
        let mut keys = applying.tx.open_table(tables::KEYS)?;
        for (workspace, key) in &self.keys {
            keys.remove((workspace.as_str(), key.as_str()))?;
        }
        let mut acked = applying.tx.open_table(tables::ACKED)?;
        for (consumer, seq) in &self.acked {
            acked.remove((consumer.as_str(), *seq))?;
        }
        Ok(())
    }
}

impl Sweep {
    /// From the beginning.
    pub fn start() -> Self {
        Self::Count { group: String::new(), from: Bound::Unbounded, newest: Newest::new() }
    }

    /// One step: what may go, and where to go on.
    pub fn step(self, db: &Database, now: u64) -> Result<(Due, Self), Fault> {
        let tx = db.begin_read()?;
        let mut due = Due::default();
        let next = match self {
            Self::Count { group, from, newest } => count(&tx, group, &from, newest)?,
            Self::Forget { group, from, newest } => forget(&tx, group, &from, newest, now, &mut due.ids)?,
            Self::Actions { from } => actions(&tx, &from, now, &mut due.actions)?,
            Self::Keys { from } => keys(&tx, &from, now, &mut due.keys)?,
            Self::Acked { from } => acked(&tx, &from, now, &mut due.acked)?,
            Self::Done => Self::Done,
        };
        Ok((due, next))
    }
}

/// An id lives from its last listing, which is noted at most a day late.
fn is_old_id(row: &IdRow<'_>, now: u64) -> bool {
    is_old(row.at.saturating_add(super::append::REFRESH), now)
}

const fn is_old(at: u64, now: u64) -> bool {
    at.saturating_add(REMEMBERED) <= now
}

/// `W/type/`.
fn group_of(key: &str) -> &str {
    key.match_indices('/').nth(1).map_or(key, |(at, _)| &key[..=at])
}

/// As the key says it, else as the row does.
fn conversation<'a>(key: &'a str, row: &'a IdRow<'_>) -> &'a str {
    let mut parts = key.split('/').skip(2);
    match (parts.next(), parts.next()) {
        (Some(conversation), Some(_)) => conversation,
        _ => &row.conversation,
    }
}

fn count(tx: &ReadTransaction, group: String, from: &Bound<String>, newest: Newest) -> Result<Sweep, Fault> {
    let (mut group, mut newest) = (group, newest);
    let ids = tx.open_table(tables::IDS)?;
    let mut last = String::new();
    for (index, entry) in ids.range::<&str>((as_str(from), Bound::Unbounded))?.enumerate() {
        let (key, row) = entry?;
        let key = key.value();
        if group.is_empty() {
            group_of(key).clone_into(&mut group);
        }
        if group_of(key) != group {
            return Ok(Sweep::Forget { from: Bound::Included(group.clone()), group, newest });
        }
        if index == STEP {
            return Ok(Sweep::Count { group, from: Bound::Excluded(last), newest });
        }
        let row = IdRow::decode(row.value())?;
        let conversation = conversation(key, &row);
        if newest.contains_key(conversation) || newest.len() < CONVERSATIONS {
            let heap = newest.entry(conversation.to_owned()).or_default();
            heap.push(Reverse(row.seq));
            if heap.len() > NEWEST {
                heap.pop();
            }
        }
        key.clone_into(&mut last);
    }
    if group.is_empty() {
        return Ok(Sweep::Actions { from: Bound::Unbounded });
    }
    Ok(Sweep::Forget { from: Bound::Included(group.clone()), group, newest })
}

fn forget(
    tx: &ReadTransaction,
    group: String,
    from: &Bound<String>,
    newest: Newest,
    now: u64,
    due: &mut Vec<String>,
) -> Result<Sweep, Fault> {
    let ids = tx.open_table(tables::IDS)?;
    let mut last = String::new();
    for (index, entry) in ids.range::<&str>((as_str(from), Bound::Unbounded))?.enumerate() {
        let (key, row) = entry?;
        let key = key.value();
        if group_of(key) != group {
            let from = Bound::Included(key.to_owned());
            return Ok(Sweep::Count { group: String::new(), from, newest: Newest::new() });
        }
        if index == STEP {
            return Ok(Sweep::Forget { group, from: Bound::Excluded(last), newest });
        }
        let row = IdRow::decode(row.value())?;
        let oldest_kept = newest
            .get(conversation(key, &row))
            .filter(|heap| heap.len() == NEWEST)
            .and_then(BinaryHeap::peek)
            .map_or(0, |Reverse(seq)| *seq);
        if row.seq < oldest_kept && is_old_id(&row, now) {
            due.push(key.to_owned());
        }
        key.clone_into(&mut last);
    }
    Ok(Sweep::Actions { from: Bound::Unbounded })
}

fn actions(tx: &ReadTransaction, from: &Bound<String>, now: u64, due: &mut Vec<String>) -> Result<Sweep, Fault> {
    let actions = tx.open_table(tables::ACTIONS)?;
    let mut last = String::new();
    for (index, entry) in actions.range::<&str>((as_str(from), Bound::Unbounded))?.enumerate() {
        let (id, row) = entry?;
        if index == STEP {
            return Ok(Sweep::Actions { from: Bound::Excluded(last) });
        }
        let action: Action = from_json(row.value())?;
        if !is_old(action.accepted_at, now) {
            break;
        }
        if action.state.settled() && is_old(action.settled_at.unwrap_or(action.accepted_at), now) {
            due.push(id.value().to_owned());
        }
        id.value().clone_into(&mut last);
    }
    Ok(Sweep::Keys { from: Bound::Unbounded })
}

fn keys(
    tx: &ReadTransaction,
    from: &Bound<(String, String)>,
    now: u64,
    due: &mut Vec<(String, String)>,
) -> Result<Sweep, Fault> {
    let keys = tx.open_table(tables::KEYS)?;
    let bound = from.as_ref().map(|(workspace, key)| (workspace.as_str(), key.as_str()));
    let mut last = None;
    for (index, entry) in keys.range::<(&str, &str)>((bound, Bound::Unbounded))?.enumerate() {
        let (place, row) = entry?;
        let (workspace, key) = place.value();
        if let Some(last) = last.take_if(|_| index == STEP) {
            return Ok(Sweep::Keys { from: Bound::Excluded(last) });
        }
        if is_old(row.value().1, now) {
            due.push((workspace.to_owned(), key.to_owned()));
        }
        last = Some((workspace.to_owned(), key.to_owned()));
    }
    Ok(Sweep::Acked { from: Bound::Unbounded })
}

fn acked(
    tx: &ReadTransaction,
    from: &Bound<(String, u64)>,
    now: u64,
    due: &mut Vec<(String, u64)>,
) -> Result<Sweep, Fault> {
    let acked = tx.open_table(tables::ACKED)?;
    let bound = from.as_ref().map(|(consumer, seq)| (consumer.as_str(), *seq));
    let mut last = None;
    for (index, entry) in acked.range::<(&str, u64)>((bound, Bound::Unbounded))?.enumerate() {
        let (place, row) = entry?;
        let (consumer, seq) = place.value();
        if let Some(last) = last.take_if(|_| index == STEP) {
            return Ok(Sweep::Acked { from: Bound::Excluded(last) });
        }
        if is_old(tables::Fields(row.value()).u64()?, now) {
            due.push((consumer.to_owned(), seq));
        }
        last = Some((consumer.to_owned(), seq));
    }
    Ok(Sweep::Done)
}

fn as_str(bound: &Bound<String>) -> Bound<&str> {
    bound.as_ref().map(String::as_str)
}
