//! Who hears that actions have changed: each workspace has a bell of its own, so that an action wakes its own workspace and
//! none of the ten thousand others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::event::WorkspaceName;

/// One bell for each workspace that somebody listens to.
#[derive(Debug, Default)]
pub struct Bells(Mutex<HashMap<WorkspaceName, watch::Sender<u64>>>);

impl Bells {
    /// Changes whenever an action of this workspace was accepted, has changed or was forgotten.
    pub fn listen(&self, workspace: &WorkspaceName) -> watch::Receiver<u64> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bells.entry(workspace.clone()).or_default().subscribe()
    }

    /// Rings for these. Bells that nobody listens to any more go.
    pub fn ring<'a>(&self, workspaces: impl IntoIterator<Item = &'a WorkspaceName>) {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for workspace in workspaces {
            match bells.get(workspace) {
                Some(bell) if bell.receiver_count() > 0 => bell.send_modify(|count| *count += 1),
                Some(_) => drop(bells.remove(workspace)),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_is_heard_in_its_own_workspace_and_goes_with_its_last_listener() {
        let (bells, [acme, other]) =
            (Bells::default(), ["acme", "other"].map(|name| WorkspaceName::new(name).unwrap()));
        let (mut own, mut others) = (bells.listen(&acme), bells.listen(&other));
        own.mark_unchanged();
        others.mark_unchanged();
        bells.ring([&acme]);
        assert!(own.has_changed().unwrap() && !others.has_changed().unwrap());
        drop(own);
        bells.ring([&acme]);
        assert_eq!(bells.0.lock().unwrap().len(), 1);
    }
}
