//! Carries out stored actions, one at a time per conversation, and never a second time by guess (P5, P6).
//!
//! A row goes `accepted → trying → confirmed | failed | unknown`; after a lost reply it is `doubtful` until the
//! conversation was read back. Each arrow is one commit, so a crash anywhere leaves a row that knows what may have
//! happened. What follows from what is decided in [`decide`], without I/O; [`courier`] does the I/O.

pub mod accept;
pub mod answer;
mod attempt;
mod beforehand;
mod behind;
pub mod courier;
pub mod decide;
mod edits;
pub mod files;
mod fleeting;
mod keyed;
pub mod likeness;
mod live;
pub mod pace;
mod patience;
mod places;
pub mod read_back;
pub mod receipt;
mod refused;
mod request;
mod seat;
mod send;
pub mod split;
mod upload;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use accept::{Refusal, accept};
use behind::Others;
pub use courier::Courier;
pub use fleeting::{Fleeting, Told};
pub use live::{Brought, Editor, Made};
pub use receipt::{Receipt, receipt};

use crate::action::Action;
use crate::pulse::Beat;
use crate::store::StoreError;

/// Conversations that are followed at once; those behind them are taken up as these end. What waits costs little: only what
/// acts takes one of the places of [`Limits::parallel`].
const LANES: usize = 1_000;

/// How often it is looked at how an action of another workspace stands for which one of this workspace waits.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// When retrying ends, counted from acceptance. Default 24 h.
    pub give_up: Duration,
    /// The first wait of a backoff. Default 1 s.
    pub first_wait: Duration,
    /// Its longest. Default 5 min.
    pub longest_wait: Duration,
    /// The longest wait that a platform's `Retry-After` can ask for. Default 1 h.
    pub longest_retry: Duration,
    /// Actions of one workspace that are under way at once, each of another conversation; what waits for a time or a
    /// person is not. Default 8.
    pub parallel: usize,
    /// Pages read at most for a lost reply: past these, what was sent a moment ago cannot stand. Default 20.
    pub pages: usize,
    /// Actions looked through for messages that other receipts claim: more in one workspace than a read-back can meet
    /// pages. Default 2,000.
    pub claims: usize,
    /// Requests of verbs that are never stored, in one workspace within a second; the rest is dropped. Default 10.
    pub ephemeral: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            give_up: Duration::from_hours(24),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(5),
            longest_retry: Duration::from_hours(1),
            parallel: 8,
            pages: 20,
            claims: 2_000,
            ephemeral: 10,
        }
    }
}

/// Serves one workspace's actions until it is told to stop, or the store fails. What is under way when it stops is
/// found again, as a lost reply, by the next start. `beat` answers for the loop.
pub async fn run(courier: Arc<Courier>, mut beat: Beat, stop: CancellationToken) -> Result<(), StoreError> {
    let mut changed = courier.store.outbox_changed(&courier.session.record().name);
    let (mut busy, mut runs) = (HashSet::new(), JoinSet::new());
    loop {
        changed.mark_unchanged();
        let (ready, elsewhere) = open(&courier)?;
        for (conversation, actions) in ready {
            if busy.len() < LANES && busy.insert(conversation.clone()) {
                let courier = courier.clone();
                runs.spawn(async move {
                    for action in actions {
                        courier.carry(action).await?;
                    }
                    Ok::<_, StoreError>(conversation)
                });
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = beat.asked() => {}
            moved = changed.changed() => if moved.is_err() { return Ok(()) },
            () = sleep(ELSEWHERE), if elsewhere => {}
            Some(run) = runs.join_next() => match run {
                Ok(served) => drop(busy.remove(&served?)),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            },
        }
    }
}

/// The open actions by conversation, each in the order of acceptance; those that wait for others hold nothing up. And
/// whether one waits for an action of another workspace.
fn open(courier: &Courier) -> Result<(BTreeMap<String, Vec<Action>>, bool), StoreError> {
    let (mut by_conversation, mut away): (BTreeMap<String, Vec<Action>>, _) = (BTreeMap::new(), false);
    for action in courier.store.outbox(&courier.session.record().name)? {
        match behind::others(&courier.store, &action)? {
            Others::Open { elsewhere } => away |= elsewhere,
            Others::Confirmed | Others::Unmet(_) => {
                by_conversation.entry(action.conversation().to_owned()).or_default().push(action);
            }
        }
    }
    Ok((by_conversation, away))
}
