//! From the listener to whoever runs a workspace's line.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::answer::Answer;
use crate::event::WorkspaceName;

/// Deliveries of one workspace that may wait for its line; further ones are answered 503 at once.
const QUEUE: usize = 64;

/// A verified delivery: a hint that there is something new, in the platform's own words.
///
/// Dropped without an answer it is answered 503, and the platform sends it again.
#[derive(Debug)]
pub struct Hook {
    /// What was signed, parsed. Where a key stands twice the last one counts.
    pub event: Map<String, Value>,
    answer: oneshot::Sender<Taken>,
}

/// What became of the event of a [`Hook`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Its id is committed (P1), now or long ago: 204.
    Committed,
    /// The platform took the seat away: what it tells can no longer be read there, and is not owed: 410.
    Gone,
}

impl Hook {
    /// A delivery, and where its answer comes.
    pub fn new(event: Map<String, Value>) -> (Self, oneshot::Receiver<Taken>) {
        let (answer, answered) = oneshot::channel();
        (Self { event, answer }, answered)
    }

    /// Answers it. Whoever waited may have gone: then the platform sends it again.
    pub fn answer(self, taken: Taken) {
        let _gone = self.answer.send(taken);
    }

    /// Whether the platform still waits. What is no longer waited for is a hint all the same.
    pub fn is_waited_for(&self) -> bool {
        !self.answer.is_closed()
    }
}

/// Who takes the deliveries of which workspace. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hooks(Arc<Mutex<BTreeMap<WorkspaceName, mpsc::Sender<Hook>>>>);

impl Hooks {
    /// From now on the deliveries of a workspace come here, until what is returned is dropped. Whoever was registered
    /// before gets no more.
    pub fn register(&self, workspace: &WorkspaceName) -> mpsc::Receiver<Hook> {
        let (hooks, taken) = mpsc::channel(QUEUE);
        self.all(|all| drop(all.insert(workspace.clone(), hooks)));
        taken
    }

    /// Hands a delivery over, or says why nobody can take it.
    pub(super) fn offer(
        &self,
        workspace: &WorkspaceName,
        event: Map<String, Value>,
    ) -> Result<oneshot::Receiver<Taken>, Answer> {
        let (hook, answered) = Hook::new(event);
        let sent = self.all(|all| {
            let sent = all.get(workspace).ok_or(Answer::Nobody)?.try_send(hook);
            if matches!(sent, Err(TrySendError::Closed(_))) {
                all.remove(workspace);
            }
            sent.map_err(|error| match error {
                TrySendError::Full(_) => Answer::Busy,
                TrySendError::Closed(_) => Answer::Nobody,
            })
        });
        sent.map(|()| answered)
    }

    fn all<T>(&self, with: impl FnOnce(&mut BTreeMap<WorkspaceName, mpsc::Sender<Hook>>) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
