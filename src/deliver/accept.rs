//! Turns what the agent wants into actions, or says why it cannot be.

use crate::action::{Action, Request};
use crate::event::{Stored, WorkspaceName};

/// Why an action is malformed: the whole ack that carried it commits nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// A stable word: `no_such_workspace`, `no_such_verb`, `bad_args`, …
    pub kind: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Knows which actions workspaces can take. Asked in the consumer's task: it must answer from memory.
pub trait Acceptable: Send + Sync + 'static {
    /// The rows that `request` becomes in `workspace`: one, or one for each part of a long text, the one the agent
    /// knows first; never none. `answers` is the event it rides on, `now` milliseconds since 1970. Verbs that are
    /// never stored (typing, presence) cannot ride on an ack and are refused.
    fn accept(
        &self,
        workspace: &WorkspaceName,
        request: Request,
        answers: Option<u64>,
        now: u64,
    ) -> Result<Vec<Action>, Refused>;

    /// What the bridge does by itself once `event` is acked, behind the actions that ride on the ack; none: nothing. A
    /// platform may want to know what was handled. Asked of every event that is acked: it must not cost much.
    fn follows(&self, _event: &Stored, _now: u64) -> Option<Action> {
        None
    }
}
