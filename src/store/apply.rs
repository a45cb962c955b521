//! A batch, change by change, within the writer's transaction.

mod consumer;

use std::collections::{BTreeMap, BTreeSet};

use redb::{Key, ReadableTable, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::append::{Appended, Feed, object_id};
use super::batch::{Batch, Change, Committed};
use super::fault::Fault;
use super::record::{Exception, Tombstone, WorkspaceRecord};
use super::tables::{self, cost};
use super::vault::VaultKey;
use crate::action::{Action, ActionId};
use crate::event::{Type, WorkspaceName};

/// The line under whose name a workspace's count of events stands that were held back; no line is called so.
pub const HELD_BACK: &str = "held_back";

/// A count as its row holds it.
pub fn count(row: &str) -> u64 {
    row.parse().unwrap_or(0)
}

/// One transaction of the writer.
pub struct Applying<'t> {
    pub(super) tx: &'t WriteTransaction,
    /// Feed and ids.
    pub feed: Feed<'t>,
    pub(super) vault: &'t VaultKey,
    /// Workspaces whose actions were accepted, changed or forgotten.
    pub outbox: BTreeSet<WorkspaceName>,
    /// Events of this batch that were held back, by workspace.
    held_back: BTreeMap<WorkspaceName, u64>,
    /// Actions of this batch whose key had a first one: (as they came, that first one).
    renamed: Vec<(ActionId, ActionId)>,
}

impl<'t> Applying<'t> {
    /// Around a transaction, its feed and the key for new secrets.
    pub const fn new(tx: &'t WriteTransaction, feed: Feed<'t>, vault: &'t VaultKey) -> Self {
        Self { tx, feed, vault, outbox: BTreeSet::new(), held_back: BTreeMap::new(), renamed: Vec::new() }
    }

    /// Lets go of the tables, for the commit: what became of the feed, and whose actions changed.
    pub fn finish(self) -> (Appended, BTreeSet<WorkspaceName>) {
        (self.feed.finish(), self.outbox)
    }

    /// Applies a batch whole.
    pub fn batch(&mut self, batch: Batch) -> Result<Committed, Fault> {
        let mut committed = Committed::default();
        self.renamed.clear();
        for change in batch.changes {
            self.change(change, &mut committed)?;
        }
        self.count_held_back()?;
        Ok(committed)
    }

    fn change(&mut self, change: Change, committed: &mut Committed) -> Result<(), Fault> {
        match change {
            Change::HeldBack(event) => {
                if self.feed.hold_back(&event)? {
                    committed.held_back += 1;
                    *self.held_back.entry(event.head.workspace.clone()).or_default() += 1;
                }
            }
            Change::Event(event) => {
                let consumer = event.head.only_for.clone();
                let seq = self.feed.append(*event)?;
                if let (Some(consumer), Some(seq)) = (consumer, seq) {
                    self.except(&consumer, seq, Some(&Exception::Gap))?;
                }
                committed.events.push(seq);
            }
            Change::Listed { workspace, conversation, kind, objects } => {
                for object in &objects {
                    self.feed.listed(&object_id(workspace.as_str(), kind, &conversation, object))?;
                }
            }
            Change::Sighted { workspace, conversation, objects, via } => {
                for object in &objects {
                    let id = object_id(workspace.as_str(), Type::MessageCreated, &conversation, object);
                    self.feed.sighted(&id, via)?;
                }
            }
            Change::Cursor { workspace, line, value } => self.cursor(&workspace, &line, value.as_deref())?,
            Change::Anchor { workspace, conversation, anchor } => {
                let row = anchor.as_ref().map(to_json).transpose()?;
                self.set(tables::ANCHORS, (workspace.as_str(), &*conversation), row.as_deref())?;
            }
            Change::Workspace(record) => {
                self.set(tables::WORKSPACES, record.name.as_str(), Some(&to_json(&*record)?))?;
            }
            Change::ForgetWorkspace(name) => self.forget_workspace(&name)?,
            Change::Secret { owner, field, value } => {
                use secrecy::ExposeSecret;
                let row = value.map(|secret| self.vault.seal(&owner, &field, secret.expose_secret()));
                self.set(tables::SECRETS, (&*owner, &*field), row.as_deref())?;
            }
            Change::Consumer(consumer) => self.consumer(&consumer)?,
            Change::ForgetConsumer(name) => self.forget_consumer(&name)?,
            Change::Mark { consumer, seq } => self.mark(&consumer, seq)?,
            Change::Except { consumer, seq, exception } => self.except(&consumer, seq, exception.as_ref())?,
            Change::Acked { consumer, seq, actions } => self.acked(&consumer, seq, &actions)?,
            Change::Way { consumer, last, way } => self.way(&consumer, last, way)?,
            Change::Dead { consumer, seq, letter } => {
                let row = letter.as_deref().map(to_json).transpose()?;
                self.set_counted(tables::DEAD, (&*consumer, seq), consumer.len() + 8, row.as_deref())?;
            }
            Change::Accept(action) => {
                let action = self.behind_first(*action);
                let first = self.accept(&action)?;
                self.accepted(action.id, first, committed);
            }
            Change::Action(action) => self.put_action(&action)?,
            Change::Trim(seq) => {
                self.feed.trim(seq)?;
                self.trim_ways(seq)?;
            }
        }
        Ok(())
    }

    fn accepted(&mut self, id: ActionId, first: Option<ActionId>, committed: &mut Committed) {
        match first {
            None => {
                committed.refused.push(id.clone());
                committed.actions.push(id);
            }
            Some(first) => {
                if first != id {
                    self.renamed.push((id, first.clone()));
                }
                committed.actions.push(first);
            }
        }
    }

    /// What waits for an action whose key had a first one waits for that one.
    fn behind_first(&self, action: Action) -> Action {
        let first = |id| self.renamed.iter().find(|(came, _)| *came == id).map_or(id, |(_, first)| first.clone());
        Action { behind: action.behind.into_iter().map(first).collect(), ..action }
    }

    /// The count of what a policy has held back goes with the rows that it counts.
    fn count_held_back(&mut self) -> Result<(), Fault> {
        for (name, more) in std::mem::take(&mut self.held_back) {
            let before =
                self.tx.open_table(tables::CURSORS)?.get((name.as_str(), HELD_BACK))?.map(|row| count(row.value()));
            let count = before.unwrap_or(0).saturating_add(more);
            self.cursor(&name, HELD_BACK, Some(&count.to_string()))?;
        }
        Ok(())
    }

    fn cursor(&self, workspace: &WorkspaceName, line: &str, value: Option<&str>) -> Result<(), Fault> {
        let mut cursors = self.tx.open_table(tables::CURSORS)?;
        match value {
            Some(value) => drop(cursors.insert((workspace.as_str(), line), value)?),
            None => drop(cursors.remove((workspace.as_str(), line))?),
        }
        Ok(())
    }

    fn forget_workspace(&mut self, name: &WorkspaceName) -> Result<(), Fault> {
        let mut workspaces = self.tx.open_table(tables::WORKSPACES)?;
        if let Some(row) = workspaces.remove(name.as_str())? {
            let record: WorkspaceRecord = from_json(row.value())?;
            self.set(tables::TOMBSTONES, name.as_str(), Some(&to_json(&Tombstone::of(record))?))?;
        }
        let (from, to) = pairs_of(name.as_str());
        let range = || (from.0, from.1)..(&*to, "");
        self.tx.open_table(tables::SECRETS)?.retain_in(range(), |_, _| false)?;
        self.tx.open_table(tables::CURSORS)?.retain_in(range(), |_, _| false)?;
        self.tx.open_table(tables::ANCHORS)?.retain_in(range(), |_, _| false)?;
        self.forget_unsettled(name)
    }

    /// Sets or removes a row; the length of the value before.
    pub(super) fn set<K: Key + 'static>(
        &self,
        table: TableDefinition<K, &'static [u8]>,
        key: K::SelfType<'_>,
        row: Option<&[u8]>,
    ) -> Result<Option<usize>, Fault> {
        let mut table = self.tx.open_table(table)?;
        let old = match row {
            Some(row) => table.insert(key, row)?,
            None => table.remove(key)?,
        };
        Ok(old.map(|old| old.value().len()))
    }

    /// Sets or removes a row that counts towards the budget.
    pub(super) fn set_counted<K: Key + 'static>(
        &mut self,
        table: TableDefinition<K, &'static [u8]>,
        key: K::SelfType<'_>,
        key_length: usize,
        row: Option<&[u8]>,
    ) -> Result<(), Fault> {
        let old = self.set(table, key, row)?;
        let freed = old.map_or(0, |old| cost(key_length, old));
        let taken = row.map_or(0, |row| cost(key_length, row.len()));
        self.feed.tally.bytes = (self.feed.tally.bytes + taken).saturating_sub(freed);
        Ok(())
    }
}

/// The bounds of all (first, …) keys: from (first, "") to the returned text, which no key begins with but theirs.
pub fn pairs_of(first: &str) -> ((&str, &str), String) {
    ((first, ""), format!("{first}\0"))
}

/// A row as JSON.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|_| Fault::Row("a row that was handed in"))
}

/// A row from JSON. The error tells nothing of its content.
pub fn from_json<T: DeserializeOwned>(row: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(row).map_err(|_| Fault::Row("a row"))
}
