//! Looks after a seat without a work channel: nothing else would ever hear that its credential was revoked.

use std::time::Duration;

use tokio::time::sleep;

use super::Ended;
use crate::adapter::{Registered, Scope};
use crate::clock::millis;
use crate::retry::attempts::Chance;
use crate::session::{self, Session};
use crate::store::Seat;

/// How often, where the manifest does not say.
const EVERY: Duration = Duration::from_hours(1);
/// The first look comes sooner: the credential may have been revoked while nobody looked.
const FIRST: Duration = Duration::from_mins(1);

/// Returns when the seat is another one: the platform has answered 401. Where it has nothing that tells, never.
pub(super) async fn look(session: &Session) -> Result<(), Ended> {
    let Some(Registered { call: Some(call), every }) = session.manifest().registered.clone() else {
        return std::future::pending().await;
    };
    let every = every.map_or(EVERY, |every| every.0);
    let (mut next, mut chance) = (every.min(FIRST), Chance::fresh());
    while session.record().seat == Seat::Registered {
        // Up to a quarter longer, so that many do not look together.
        sleep(next + Duration::from_millis(chance.below(millis(next) / 4 + 1))).await;
        next = every;
        // A 401 has changed the seat; a platform that is down says nothing about it.
        if let Err(session::Error::Store(error)) = session.call(&call, Scope::new()).await {
            return Err(error.into());
        }
    }
    Ok(())
}
