//! The outbox's rows: an action is accepted once for each (workspace, key) within 30 days.

use redb::ReadableTable;

use super::apply::{Applying, from_json, pairs_of, to_json};
use super::fault::Fault;
use super::record::{Seat, WorkspaceRecord};
use super::sweep::REMEMBERED;
use super::tables;
use crate::action::{Action, ActionId};
use crate::event::WorkspaceName;

impl Applying<'_> {
    /// Accepts an action, or answers with the first one of its key; `None`, and nothing is written, where its workspace
    /// was left or taken away meanwhile.
    pub(super) fn accept(&mut self, action: &Action) -> Result<Option<ActionId>, Fault> {
        let closed = self.is_closed(&action.workspace)?;
        if let Some(key) = &action.key {
            let mut keys = self.tx.open_table(tables::KEYS)?;
            let place = (action.workspace.as_str(), key.as_str());
            if let Some(first) = keys.get(place)? {
                let (id, at) = first.value();
                if at.saturating_add(REMEMBERED) > self.feed.tally.at {
                    return ActionId::parse(id).map(Some).ok_or(Fault::Row("an action's id"));
                }
            }
            if !closed {
                keys.insert(place, (action.id.as_str(), self.feed.tally.at))?;
            }
        }
        if closed {
            return Ok(None);
        }
        self.write_action(action)?;
        Ok(Some(action.id.clone()))
    }

    /// Writes an action's new state. A late word about an action of a workspace that was removed is dropped.
    pub(super) fn put_action(&mut self, action: &Action) -> Result<(), Fault> {
        let known = self.tx.open_table(tables::ACTIONS)?.get(action.id.as_str())?.is_some();
        if !known && self.is_removed(&action.workspace)? {
            return Ok(());
        }
        self.write_action(action)
    }

    /// Forgets what a removed workspace has not settled; nothing of it can be tried any more.
    pub(super) fn forget_unsettled(&mut self, name: &WorkspaceName) -> Result<(), Fault> {
        let (from, to) = pairs_of(name.as_str());
        let mut unsettled = Vec::new();
        self.tx.open_table(tables::OUTBOX)?.retain_in(from..(&*to, ""), |(_, id), ()| {
            unsettled.push(id.to_owned());
            false
        })?;
        for id in &unsettled {
            self.forget_action(id)?;
        }
        self.touched(name);
        Ok(())
    }

    fn touched(&mut self, workspace: &WorkspaceName) {
        if !self.outbox.contains(workspace) {
            self.outbox.insert(workspace.clone());
        }
    }

    /// Removes an action with everything that leads to it.
    pub fn forget_action(&mut self, id: &str) -> Result<(), Fault> {
        let row = self.tx.open_table(tables::ACTIONS)?.get(id)?.map(|row| row.value().to_vec());
        let Some(row) = row else { return Ok(()) };
        let action: Action = from_json(&row)?;
        let workspace = action.workspace.as_str();
        self.set_counted(tables::ACTIONS, id, id.len(), None)?;
        self.tx.open_table(tables::ACTIONS_OF)?.remove((workspace, id))?;
        self.tx.open_table(tables::OUTBOX)?.remove((workspace, id))?;
        if let Some(key) = &action.key {
            let mut keys = self.tx.open_table(tables::KEYS)?;
            let own = keys.get((workspace, key.as_str()))?.is_some_and(|row| row.value().0 == id);
            if own {
                keys.remove((workspace, key.as_str()))?;
            }
        }
        Ok(())
    }

    fn write_action(&mut self, action: &Action) -> Result<(), Fault> {
        let id = action.id.as_str();
        let place = (action.workspace.as_str(), id);
        self.set_counted(tables::ACTIONS, id, id.len(), Some(&to_json(action)?))?;
        self.tx.open_table(tables::ACTIONS_OF)?.insert(place, ())?;
        let mut outbox = self.tx.open_table(tables::OUTBOX)?;
        if action.state.settled() {
            outbox.remove(place)?;
        } else {
            outbox.insert(place, ())?;
        }
        self.touched(&action.workspace);
        Ok(())
    }

    /// Nothing can be done there any more: it was removed, or the platform took its seat away.
    fn is_closed(&self, name: &WorkspaceName) -> Result<bool, Fault> {
        let record = self.tx.open_table(tables::WORKSPACES)?.get(name.as_str())?.map(|row| from_json(row.value()));
        match record.transpose()? {
            Some(WorkspaceRecord { seat, .. }) => Ok(matches!(seat, Seat::Revoked { .. })),
            None => self.is_removed(name),
        }
    }

    fn is_removed(&self, name: &WorkspaceName) -> Result<bool, Fault> {
        let buried = self.tx.open_table(tables::TOMBSTONES)?.get(name.as_str())?.is_some();
        Ok(buried && self.tx.open_table(tables::WORKSPACES)?.get(name.as_str())?.is_none())
    }
}
