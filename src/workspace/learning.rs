//! What a joined workspace learns late, and what follows from another grant: other lines.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Ended;
use crate::retry::Backoff;
use crate::session::{self, Session};
use crate::store::Seat;

/// After a first question that was not answered.
const FIRST: Duration = Duration::from_mins(1);
/// A platform that keeps an answer back is asked no more often than this in the end.
const LONGEST: Duration = Duration::from_hours(1);

/// Asks for facts that were not to be had at the join, until they are known; and once at each start for capabilities
/// that were lacking, for somebody may have given them.
pub(super) async fn learn(session: Session, token: &CancellationToken) -> Result<(), Ended> {
    let mut backoff = Backoff::new(FIRST, LONGEST);
    while matches!(session.record().seat, Seat::SignedOut | Seat::SignedIn) && session.is_ignorant() {
        let asked = tokio::select! {
            () = token.cancelled() => return Ok(()),
            asked = session.learn_late() => asked,
        };
        match asked {
            Ok(true) => return Ok(()),
            Err(session::Error::Store(error)) => return Err(error.into()),
            Ok(false) | Err(_) => {}
        }
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = sleep(backoff.next()) => {}
        }
    }
    Ok(())
}

/// Returns when the grant allows other lines than it does now.
pub(super) async fn regranted(session: Session) {
    let (before, mut changes) = (lines(&session), session.changes());
    while changes.changed().await.is_ok() {
        if lines(&session) != before {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Why no line can be opened, where the grant lacks what the baseline needs.
pub(super) fn no_line(session: &Session) -> Option<String> {
    let (manifest, facts) = (session.manifest(), session.record().facts);
    let needed = manifest.receive.needs.as_deref().filter(|needed| !manifest.grants(&facts, Some(needed)))?;
    Some(format!(
        "the grant lacks `{needed}`, so no event can be read: ask whoever let the agent in to allow it, and start the \
         bridge again"
    ))
}

/// Which ways of receiving the grant allows: the baseline, then each push source.
fn lines(session: &Session) -> Vec<bool> {
    let (manifest, facts) = (session.manifest(), session.record().facts);
    let push = manifest.receive.push.iter().map(|push| push.needs());
    [manifest.receive.needs.as_deref()].into_iter().chain(push).map(|needs| manifest.grants(&facts, needs)).collect()
}
