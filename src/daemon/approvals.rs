//! Asks, for every workspace that somebody must let in, until somebody has decided; one task each, owned here.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::seats::{Inner as Seated, Seats};
use crate::event::WorkspaceName;
use crate::join::{self, Joined, Patience, Pause};
use crate::store::StoreError;

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
    fn start(&self, seats: &Seats, name: WorkspaceName) {
        let (token, panicked) = (self.0.token.child_token(), self.0.panicked.clone());
        let (asking, tasks) = (ask(seats.clone(), name.clone(), token.clone()), &seats.0.context.means.tasks);
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

impl Seats {
    /// Goes on with every join that waits for an approval.
    pub async fn resume(&self) -> Result<(), StoreError> {
        for record in self.0.context.means.store.workspaces()? {
            self.wait_for(&record.name).await?;
        }
        Ok(())
    }

    /// Asks for this workspace from now on, where its join waits; whether it does. Until it is approved it does not run:
    /// its session must not commit its record over the join's.
    pub(super) async fn wait_for(&self, name: &WorkspaceName) -> Result<bool, StoreError> {
        let record = self.0.context.means.store.workspace(name)?;
        let waits = record.is_some_and(|record| join::pending(&record).is_some());
        if waits {
            if let Some(roster) = &self.0.roster {
                roster.stop(name).await;
            }
            self.0.approvals.start(self, name.clone());
        }
        Ok(waits)
    }

    /// Asks once whether a join was approved; `None` when there is nothing to ask any more.
    async fn ask_again(&self, name: &WorkspaceName) -> Option<Pause> {
        let Seated { context, join, wait, .. } = &*self.0;
        let record = context.means.store.workspace(name).ok()??;
        let manifest = self.manifest(&record.platform).ok()?;
        let later = |why: String| Some(Pause { again: Duration::ZERO, trouble: Some(why), sharp: false });
        let asked = tokio::time::timeout(*join, join::go_on(name, manifest, *wait, &context.means)).await;
        match asked {
            Err(_) => return later("it took too long".to_owned()),
            Ok(Ok(Some(Joined::Waits(_, pause)))) => return Some(pause),
            Ok(Err(join::Error::Unavailable(why))) => return later(why),
            // The daemon ends with its store.
            Ok(Ok(None) | Err(join::Error::Store(_))) => return None,
            Ok(Ok(Some(Joined::Seated(_)))) => {
                if let Some(word) = self.keep_place(name).await {
                    tracing::warn!(workspace = %name, "{word}");
                }
            }
            Ok(Err(why)) => tracing::warn!(workspace = %name, %why, "the join has ended"),
        }
        if let Some(roster) = &self.0.roster {
            roster.restart(name).await;
        }
        None
    }
}

async fn ask(seats: Seats, name: WorkspaceName, token: CancellationToken) {
    let mut patience = Patience::new(seats.0.context.means.waits.0.longest);
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
