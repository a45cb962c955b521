//! Asks, for every workspace that somebody must let in, until somebody has decided; one task each, owned here.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::seats::Seats;
use crate::event::WorkspaceName;
use crate::join::Patience;

/// The tasks that ask. Cheap to clone.
#[derive(Clone, Default)]
pub struct Approvals(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Ends all of them.
    token: CancellationToken,
    /// Cancelled by a task that panics.
    panicked: CancellationToken,
    asking: Mutex<BTreeMap<WorkspaceName, Asking>>,
}

struct Asking {
    token: CancellationToken,
    task: JoinHandle<()>,
}

impl Approvals {
    /// Tasks that end with `token`, and cancel `panicked` should one of them panic.
    pub fn new(token: CancellationToken, panicked: CancellationToken) -> Self {
        Self(Arc::new(Inner { token, panicked, asking: Mutex::default() }))
    }

    /// Begins to ask for a workspace. Whoever calls has stopped what asked for it before.
    pub(super) fn start(&self, seats: Seats, name: WorkspaceName) {
        let (token, panicked) = (self.0.token.child_token(), self.0.panicked.clone());
        let (asking, tasks) = (ask(seats.clone(), name.clone(), token.clone()), seats.tasks());
        let task = tasks.spawn(async move {
            if AssertUnwindSafe(asking).catch_unwind().await.is_err() {
                tracing::error!("a task that waits for an approval panicked: please report it");
                panicked.cancel();
            }
        });
        self.change(|asking| drop(asking.insert(name, Asking { token, task })));
    }

    /// Stops asking, and returns when the request under way is through.
    pub(super) async fn stop(&self, name: &WorkspaceName) {
        if let Some(Asking { token, task }) = self.change(|asking| asking.remove(name)) {
            token.cancel();
            // It notes its own panic.
            drop(task.await);
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<WorkspaceName, Asking>) -> T) -> T {
        change(&mut self.0.asking.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn ask(seats: Seats, name: WorkspaceName, token: CancellationToken) {
    let mut patience = Patience::new(seats.longest_wait());
    while let Some(pause) = seats.ask_again(&name).await {
        if let Some(why) = &pause.trouble {
            tracing::info!(workspace = %name, %why, "whether it was approved is not known");
        }
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(patience.next(&pause)) => {}
        }
    }
}
