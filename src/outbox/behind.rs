//! What waits for other actions: it goes out once all of them are confirmed, and not at all where one of them is not.

use super::receipt::receipt;
use crate::action::{Action, State};
use crate::store::{Store, StoreError};

/// How the actions stand that another one waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// All are confirmed, or there are none.
    Confirmed,
    /// Some are not settled; whether one of them is another workspace's, whose changes are not heard of here.
    Open { elsewhere: bool },
    /// One will never be confirmed, and why.
    Unmet(String),
}

/// How the actions stand that this one waits for, before its first try. Each of them settles some day, so it does, too.
pub(super) fn others(store: &Store, action: &Action) -> Result<Others, StoreError> {
    let mut standing = Others::Confirmed;
    if action.state != State::Accepted || action.tries > 0 {
        return Ok(standing);
    }
    for id in &action.behind {
        let Some(other) = receipt(store, id)? else {
            return Ok(Others::Unmet(format!("{id}, which rode on the same ack, was never carried out")));
        };
        match &other.state {
            State::Confirmed { .. } => {}
            State::Failed { message, .. } | State::Unknown { message } => {
                let (verb, word) = (&other.verb, other.state.word());
                return Ok(Others::Unmet(format!("`{verb}` ({id}) of the same ack is {word}: {message}")));
            }
            _ => {
                let before = matches!(standing, Others::Open { elsewhere: true });
                standing = Others::Open { elsewhere: before || other.workspace != action.workspace };
            }
        }
    }
    Ok(standing)
}
