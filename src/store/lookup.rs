//! What the handle reads of workspaces, secrets, consumers and actions: each call one short transaction.

use redb::{ReadableTable, TableDefinition};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::Store;
use super::apply::{HELD_BACK, count, from_json, pairs_of};
use super::fault::{Fault, StoreError};
use super::record::{Anchor, DeadLetter, Progress, Tombstone, WorkspaceRecord};
use super::shared::reading;
use super::sweep::REMEMBERED;
use super::tables;
use crate::action::{Action, ActionId};
use crate::consumer::Consumer;
use crate::event::WorkspaceName;

impl Store {
    /// A line's cursor.
    pub fn cursor(&self, workspace: &WorkspaceName, line: &str) -> Result<Option<String>, StoreError> {
        self.shared.look(|tx| {
            let row = tx.open_table(tables::CURSORS)?.get((workspace.as_str(), line))?;
            Ok(row.map(|row| row.value().to_owned()))
        })
    }

    /// How many events of a workspace a policy has held back, each counted once; since its join, or the version that
    /// began to count.
    pub fn held_back(&self, workspace: &WorkspaceName) -> Result<u64, StoreError> {
        Ok(self.cursor(workspace, HELD_BACK)?.map_or(0, |row| count(&row)))
    }

    /// The anchors of a workspace, by conversation.
    pub fn anchors(&self, workspace: &WorkspaceName) -> Result<Vec<(String, Anchor)>, StoreError> {
        self.pairs(tables::ANCHORS, workspace.as_str(), |_, row| from_json(row))
    }

    /// The anchor of one conversation.
    pub fn anchor(&self, workspace: &WorkspaceName, conversation: &str) -> Result<Option<Anchor>, StoreError> {
        self.shared.look(|tx| {
            let row = tx.open_table(tables::ANCHORS)?.get((workspace.as_str(), conversation))?;
            row.map(|row| from_json(row.value())).transpose()
        })
    }

    /// Every workspace, by name.
    pub fn workspaces(&self) -> Result<Vec<WorkspaceRecord>, StoreError> {
        self.all(tables::WORKSPACES)
    }

    /// One workspace.
    pub fn workspace(&self, name: &WorkspaceName) -> Result<Option<WorkspaceRecord>, StoreError> {
        self.one(tables::WORKSPACES, name.as_str())
    }

    /// What a removed workspace's name stood for. The name must not be joined to another origin or account.
    pub fn tombstone(&self, name: &WorkspaceName) -> Result<Option<Tombstone>, StoreError> {
        self.one(tables::TOMBSTONES, name.as_str())
    }

    /// A sealed secret of `owner` (a workspace, or `consumer:NAME`).
    pub fn secret(&self, owner: &str, field: &str) -> Result<Option<SecretString>, StoreError> {
        let vault = reading(&self.shared.vault);
        self.shared.look(|tx| {
            let secrets = tx.open_table(tables::SECRETS)?;
            let Some(row) = secrets.get((owner, field))? else { return Ok(None) };
            vault.open(owner, field, row.value()).map(Some).ok_or(Fault::Row("a sealed secret"))
        })
    }

    /// All sealed secrets of `owner`, by field.
    pub fn secrets(&self, owner: &str) -> Result<Vec<(String, SecretString)>, StoreError> {
        let vault = reading(&self.shared.vault);
        self.pairs(tables::SECRETS, owner, |field, row| {
            vault.open(owner, field, row).ok_or(Fault::Row("a sealed secret"))
        })
    }

    /// Every consumer, by name.
    pub fn consumers(&self) -> Result<Vec<Consumer>, StoreError> {
        self.all(tables::CONSUMERS)
    }

    /// How far a consumer is.
    pub fn progress(&self, consumer: &str) -> Result<Progress, StoreError> {
        self.shared.look(|tx| {
            let mark = tx.open_table(tables::MARKS)?.get(consumer)?.map_or(0, |mark| mark.value());
            let mut progress = Progress { mark, ..Progress::default() };
            for entry in tx.open_table(tables::EXCEPTIONS)?.range((consumer, 0)..=(consumer, u64::MAX))? {
                let (place, row) = entry?;
                progress.exceptions.insert(place.value().1, from_json(row.value())?);
            }
            Ok(progress)
        })
    }

    /// The actions that rode on the first ack of (consumer, seq), while remembered (30 days).
    pub fn acked(&self, consumer: &str, seq: u64) -> Result<Option<Vec<ActionId>>, StoreError> {
        self.shared.look(|tx| {
            let Some(row) = tx.open_table(tables::ACKED)?.get((consumer, seq))? else { return Ok(None) };
            let mut fields = tables::Fields(row.value());
            fields.u64()?;
            from_json(fields.0).map(Some)
        })
    }

    /// Dead letters of a consumer, oldest first, at most `count`.
    pub fn dead(&self, consumer: &str, count: usize) -> Result<Vec<(u64, DeadLetter)>, StoreError> {
        self.dead_from(consumer, 0, count, usize::MAX)
    }

    /// Dead letters of a consumer from `first` on, at most `count` and about `bytes` of events (one letter at least).
    pub fn dead_from(
        &self,
        consumer: &str,
        first: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<(u64, DeadLetter)>, StoreError> {
        self.shared.look(|tx| {
            let (mut letters, mut held) = (Vec::new(), 0);
            for entry in tx.open_table(tables::DEAD)?.range((consumer, first)..=(consumer, u64::MAX))?.take(count) {
                let (place, row) = entry?;
                held += row.value().len();
                if held > bytes && !letters.is_empty() {
                    break;
                }
                letters.push((place.value().1, from_json(row.value())?));
            }
            Ok(letters)
        })
    }

    /// One dead letter of a consumer.
    pub fn dead_letter(&self, consumer: &str, seq: u64) -> Result<Option<DeadLetter>, StoreError> {
        self.shared.look(|tx| {
            let row = tx.open_table(tables::DEAD)?.get((consumer, seq))?;
            row.map(|row| from_json(row.value())).transpose()
        })
    }

    /// The places in the feed of a consumer's dead letters, oldest first.
    pub fn dead_seqs(&self, consumer: &str) -> Result<Vec<u64>, StoreError> {
        self.shared.look(|tx| {
            let dead = tx.open_table(tables::DEAD)?;
            let rows = dead.range((consumer, 0)..=(consumer, u64::MAX))?;
            rows.map(|entry| Ok(entry?.0.value().1)).collect()
        })
    }

    /// The action that a key names, while it is remembered (30 days). `now` in milliseconds since 1970.
    pub fn keyed(&self, workspace: &WorkspaceName, key: &str, now: u64) -> Result<Option<ActionId>, StoreError> {
        self.shared.look(|tx| {
            let Some(row) = tx.open_table(tables::KEYS)?.get((workspace.as_str(), key))? else { return Ok(None) };
            let (id, at) = row.value();
            Ok(ActionId::parse(id).filter(|_| at.saturating_add(REMEMBERED) > now))
        })
    }

    /// One action or its receipt.
    pub fn action(&self, id: &ActionId) -> Result<Option<Action>, StoreError> {
        self.one(tables::ACTIONS, id.as_str())
    }

    /// The unsettled actions of a workspace, oldest first.
    pub fn outbox(&self, workspace: &WorkspaceName) -> Result<Vec<Action>, StoreError> {
        self.actions(tables::OUTBOX, workspace, usize::MAX, false)
    }

    /// The newest actions of a workspace, newest first, settled or not: what read-back must not claim twice.
    pub fn recent_actions(&self, workspace: &WorkspaceName, count: usize) -> Result<Vec<Action>, StoreError> {
        self.actions(tables::ACTIONS_OF, workspace, count, true)
    }

    /// Their ids alone.
    pub fn recent_action_ids(&self, workspace: &WorkspaceName, count: usize) -> Result<Vec<ActionId>, StoreError> {
        self.shared.look(|tx| {
            let index = tx.open_table(tables::ACTIONS_OF)?;
            let (from, to) = pairs_of(workspace.as_str());
            let newest = index.range(from..(&*to, ""))?.rev().take(count);
            newest.map(|entry| ActionId::parse(entry?.0.value().1).ok_or(Fault::Row("an action's id"))).collect()
        })
    }

    fn actions(
        &self,
        index: TableDefinition<(&str, &str), ()>,
        workspace: &WorkspaceName,
        count: usize,
        newest_first: bool,
    ) -> Result<Vec<Action>, StoreError> {
        self.shared.look(|tx| {
            let (index, actions) = (tx.open_table(index)?, tx.open_table(tables::ACTIONS)?);
            let (from, to) = pairs_of(workspace.as_str());
            let mut range = index.range(from..(&*to, ""))?;
            let mut found = Vec::new();
            while found.len() < count {
                let Some(entry) = (if newest_first { range.next_back() } else { range.next() }) else { break };
                let (place, _) = entry?;
                let row = actions.get(place.value().1)?.ok_or(Fault::Row("an action's row"))?;
                found.push(from_json(row.value())?);
            }
            Ok(found)
        })
    }

    fn one<T: DeserializeOwned>(
        &self,
        table: TableDefinition<&str, &[u8]>,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        self.shared.look(|tx| {
            let row = tx.open_table(table)?.get(key)?;
            row.map(|row| from_json(row.value())).transpose()
        })
    }

    fn all<T: DeserializeOwned>(&self, table: TableDefinition<&str, &[u8]>) -> Result<Vec<T>, StoreError> {
        self.shared.look(|tx| {
            let rows = tx.open_table(table)?;
            rows.iter()?.map(|entry| from_json(entry?.1.value())).collect()
        })
    }

    fn pairs<T>(
        &self,
        table: TableDefinition<(&str, &str), &[u8]>,
        first: &str,
        read: impl Fn(&str, &[u8]) -> Result<T, Fault>,
    ) -> Result<Vec<(String, T)>, StoreError> {
        self.shared.look(|tx| {
            let (from, to) = pairs_of(first);
            let rows = tx.open_table(table)?;
            rows.range(from..(&*to, ""))?
                .map(|entry| {
                    let (place, row) = entry?;
                    let second = place.value().1;
                    Ok((second.to_owned(), read(second, row.value())?))
                })
                .collect()
        })
    }
}
