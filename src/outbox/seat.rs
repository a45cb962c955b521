//! Whether a seat lets anything be sent: pure.

use crate::store::Seat;

/// What a seat means for the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Things go out.
    Acts,
    /// Nothing goes out before the seat has changed; why, and what helps.
    Waits(String),
    /// The platform took it away, with these words: nothing will go out any more.
    Gone(String),
}

/// What this seat means.
pub fn standing(seat: &Seat) -> Standing {
    match seat {
        Seat::SignedOut | Seat::SignedIn | Seat::Registered => Standing::Acts,
        Seat::Joining => Standing::Waits("the join is not finished: run the same `agent-bridge join` again".to_owned()),
        Seat::NeedsAction { reason, command } => Standing::Waits(format!("{reason}; to repair it, run: {command}")),
        Seat::Revoked { reason } => Standing::Gone(reason.clone()),
    }
}
