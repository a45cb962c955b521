//! A refresh token that works once: what is sent with it is durable before it leaves, so that a lost reply or a crash
//! costs one more try with the same token and never a third (P7).

use std::sync::PoisonError;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Error, Sealing, Session};
use crate::store::WorkspaceRecord;

/// The field under which the refresh token is sealed that is being exchanged.
pub(super) const EXCHANGING: &str = "exchanging";
/// The fact that says how often it was sent and may have been taken.
const SENDS: &str = "exchanges";
/// One exchange, and one more after a lost reply.
const MOST: u64 = 2;

/// Why a token is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// There is none.
    Missing,
    /// Its end is near; it may still be good.
    Due,
    /// The platform does not accept it.
    Refused,
}

/// What may be done with a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// Send it.
    Send,
    /// Not now: the token in use may still be good.
    Hold,
    /// Never again.
    Spent,
}

/// Decides after `sends` that may have been taken. The last try is not wasted on a platform that is down: before it
/// something must have been `answered` since the loss. A 401 is such an answer.
fn leave(sends: u64, cause: Cause, answered: bool) -> Leave {
    match (sends, cause) {
        (0, _) => Leave::Send,
        (MOST.., Cause::Due) => Leave::Hold,
        (MOST.., _) => Leave::Spent,
        (_, Cause::Due) if !answered => Leave::Hold,
        _ => Leave::Send,
    }
}

impl Session {
    /// What may be done with the refresh token that is stored; anything goes where the session has none.
    pub(super) fn may_exchange(&self, cause: Cause) -> Leave {
        let answered = self.0.pace.lock().unwrap_or_else(PoisonError::into_inner).answered;
        leave(self.sends(), cause, answered)
    }

    /// How often the stored refresh token was sent and may have been taken.
    pub(super) fn sends(&self) -> u64 {
        let Some(token) = self.refresh_token() else { return 0 };
        let secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |kept: &&SecretString| kept.expose_secret() == token.expose_secret();
        // What is known of another token says nothing about this one.
        let kept = secrets.get(EXCHANGING).filter(same).and_then(|_| self.0.record.borrow().facts.get(SENDS)?.as_u64());
        kept.unwrap_or_default()
    }

    /// Commits that the refresh token is about to leave once more.
    pub(super) async fn intend(&self) -> Result<(), Error> {
        self.count(self.sends() + 1).await
    }

    /// Commits that it never reached the platform, or was not taken there.
    pub(super) async fn take_back(&self) -> Result<(), Error> {
        self.count(self.sends().saturating_sub(1)).await
    }

    async fn count(&self, sends: u64) -> Result<(), Error> {
        let Some(token) = self.refresh_token() else { return Ok(()) };
        if sends == 0 {
            return self.commit(settled(), forget).await;
        }
        let sealed = vec![(EXCHANGING.to_owned(), Some(token))];
        self.commit(sealed, |record| drop(record.facts.insert(SENDS.to_owned(), sends.into()))).await
    }

    fn refresh_token(&self) -> Option<SecretString> {
        let name = self.0.spec.refresh_secret()?;
        self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// Nothing is being exchanged any more: to be committed with what the exchange brought.
pub(super) fn settled() -> Sealing {
    vec![(EXCHANGING.to_owned(), None)]
}

/// The same in the record.
pub(super) fn forget(record: &mut WorkspaceRecord) {
    drop::<Option<Value>>(record.facts.remove(SENDS));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_leaves_twice_at_most_and_the_second_time_only_where_somebody_answers() {
        for cause in [Cause::Missing, Cause::Due, Cause::Refused] {
            assert_eq!(leave(0, cause, false), Leave::Send);
            for sends in [2, 3, u64::MAX] {
                let over = || if cause == Cause::Due { Leave::Hold } else { Leave::Spent };
                assert_eq!((leave(sends, cause, true), leave(sends, cause, false)), (over(), over()));
            }
        }
        assert_eq!((leave(1, Cause::Due, false), leave(1, Cause::Due, true)), (Leave::Hold, Leave::Send));
        assert_eq!((leave(1, Cause::Refused, false), leave(1, Cause::Missing, false)), (Leave::Send, Leave::Send));
    }
}
