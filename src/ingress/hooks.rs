//! From the listener to whoever runs a workspace's line.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::answer::Answer;
use crate::event::WorkspaceName;

/// Deliveries of one workspace that may wait at once, where nothing else is said: a quarter of the connections, so that a
/// workspace whose commits do not come leaves room for the others.
const WAITING: usize = 16;

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
    /// The platform took the seat away: what it tells can no longer be read there, and is not owed: 204.
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

    /// Returns when the platform no longer waits for the answer.
    pub async fn given_up(&mut self) {
        self.answer.closed().await;
    }

    /// Whether the platform still waits. What is no longer waited for is a hint all the same.
    pub fn is_waited_for(&self) -> bool {
        !self.answer.is_closed()
    }
}

/// Who takes the deliveries of which workspace. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hooks {
    all: Arc<Mutex<BTreeMap<WorkspaceName, Owner>>>,
    waiting: usize,
}

/// Whoever runs a workspace's line.
#[derive(Debug)]
struct Owner {
    hooks: mpsc::Sender<Hook>,
    places: Arc<Semaphore>,
}

/// A delivery that was handed over, and its place among those that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) answered: oneshot::Receiver<Taken>,
    _place: OwnedSemaphorePermit,
}

impl Default for Hooks {
    fn default() -> Self {
        Self::new(WAITING)
    }
}

impl Hooks {
    /// So many deliveries of one workspace may wait at once, taken from the queue or not; further ones are answered 503
    /// without waiting. At least 1.
    pub fn new(waiting: usize) -> Self {
        Self { all: Arc::default(), waiting: waiting.clamp(1, Semaphore::MAX_PERMITS) }
    }

    /// From now on the deliveries of a workspace come here, until what is returned is dropped. Whoever was registered
    /// before gets no more.
    pub fn register(&self, workspace: &WorkspaceName) -> mpsc::Receiver<Hook> {
        let (hooks, taken) = mpsc::channel(self.waiting);
        let owner = Owner { hooks, places: Arc::new(Semaphore::new(self.waiting)) };
        self.with(|all| drop(all.insert(workspace.clone(), owner)));
        taken
    }

    /// Hands a delivery over, or says why nobody can take it.
    pub(super) fn offer(&self, workspace: &WorkspaceName, event: Map<String, Value>) -> Result<Waiting, Answer> {
        let (hook, answered) = Hook::new(event);
        self.with(|all| {
            let owner = all.get(workspace).ok_or(Answer::Nobody)?;
            let place = owner.places.clone().try_acquire_owned();
            match owner.hooks.try_send(hook) {
                Err(TrySendError::Closed(_)) => {
                    all.remove(workspace);
                    Err(Answer::Nobody)
                }
                Err(TrySendError::Full(_)) => Err(Answer::Busy),
                // Without a place it is a hint all the same; only nobody waits for what becomes of it.
                Ok(()) => place.map(|place| Waiting { answered, _place: place }).map_err(|_| Answer::Busy),
            }
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<WorkspaceName, Owner>) -> T) -> T {
        look(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
