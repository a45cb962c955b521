//! Asks, for every workspace that somebody must let in, until somebody has decided; one task each, owned here.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::seats::Seats;
use crate::clock::millis;
use crate::event::WorkspaceName;
use crate::join::Pause;
use crate::retry::Waits;
use crate::retry::attempts::{self, Chance};

/// After an answer that could not be read, or none: not sooner than this.
const AGAIN: Duration = Duration::from_secs(5);

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
    let (mut failures, mut chance) = (0, Chance::fresh());
    while let Some(pause) = seats.ask_again(&name).await {
        failures = if pause.trouble.is_some() { failures + 1 } else { 0 };
        if let Some(why) = &pause.trouble {
            tracing::info!(workspace = %name, %why, failures, "whether it was approved is not known");
        }
        let wait = wait(&pause, failures, seats.longest_wait(), &mut chance);
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// As the manifest and the platform ask, up to a quarter longer, so that many do not ask together; after failures more.
fn wait(pause: &Pause, failures: u32, longest: Duration, chance: &mut Chance) -> Duration {
    let again = if pause.trouble.is_some() { pause.again.max(AGAIN) } else { pause.again };
    let waits = Waits { first: again, longest: longest.max(again) };
    if failures > 0 {
        return Duration::from_millis(attempts::wait(failures, waits, chance)).max(again);
    }
    again + Duration::from_millis(chance.below(millis(again) / 4 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_as_often_as_it_should_and_less_while_nobody_answers() {
        let pause = |seconds, trouble: bool| Pause {
            again: Duration::from_secs(seconds),
            trouble: trouble.then(|| "down".to_owned()),
        };
        let longest = Duration::from_mins(5);
        for seed in 0..50 {
            let mut chance = Chance::seeded(seed);
            let quiet = wait(&pause(8, false), 0, longest, &mut chance);
            assert!((8_000..=10_000).contains(&millis(quiet)), "{quiet:?}");
            let third = wait(&pause(8, true), 3, longest, &mut chance);
            assert!((32_000..=40_000).contains(&millis(third)), "{third:?}");
            assert!(wait(&pause(8, true), 60, longest, &mut chance) <= longest);
            // What the platform asks for counts, however long that is.
            assert!(wait(&pause(3_000, true), 9, longest, &mut chance) >= Duration::from_secs(3_000));
        }
    }
}
