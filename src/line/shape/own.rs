//! What the agent's own actions made: known as its own, whatever account the platform shows for it.

use std::collections::{HashMap, HashSet};

use crate::action::{ActionId, State};
use crate::event::WorkspaceName;
use crate::store::{Store, StoreError};

/// The newest actions whose messages are recognised by their ids.
const RECENT: usize = 256;

/// The messages that the newest own actions made. An action is read until it is confirmed, and never again: every step of
/// every action rings the bell that this follows.
#[derive(Default)]
pub struct Own {
    confirmed: HashMap<ActionId, Vec<String>>,
    made: HashSet<String>,
}

impl Own {
    /// Reads what has changed.
    pub fn follow(&mut self, store: &Store, workspace: &WorkspaceName) -> Result<(), StoreError> {
        let mut known = std::mem::take(&mut self.confirmed);
        for id in store.recent_action_ids(workspace, RECENT)? {
            let made = known.remove(&id).map(Ok).or_else(|| confirmed(store, &id).transpose()).transpose()?;
            self.confirmed.extend(made.map(|made| (id, made)));
        }
        self.made = self.confirmed.values().flatten().cloned().collect();
        Ok(())
    }

    /// Whether one of them made this message.
    pub fn made(&self, message: &str) -> bool {
        self.made.contains(message)
    }
}

/// The ids of what a confirmed action made; `None` for another.
fn confirmed(store: &Store, id: &ActionId) -> Result<Option<Vec<String>>, StoreError> {
    Ok(store.action(id)?.and_then(|action| match action.state {
        State::Confirmed { remote_ids } => Some(remote_ids),
        _ => None,
    }))
}
