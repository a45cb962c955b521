//! What a subscribe command brings about, decided on the state alone.

use super::{
    fault::{CableFault, Place},
    frame::{CableError, Wanted},
    state::Subscription,
};
use crate::speakeasy::{
    events::{CursorError, StoredEvent},
    record::GrantId,
    world::World,
};

/// What the server does with a subscribe.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Nothing at all.
    Silence,
    /// A rejection, after the error where there is one.
    Rejected(Option<CableError>),
    /// A subscription, and what is to be replayed into it.
    Confirmed(Vec<StoredEvent>),
}

impl World {
    /// Subscribes a line, or does not.
    pub(super) fn subscribe(&mut self, line: u64, grant: GrantId, identifier: &str) -> Verdict {
        let Some(wanted) = Wanted::read(identifier) else {
            self.served("cable.unknown_channel");
            return Verdict::Silence;
        };
        if self.push.cables.subscription(line, identifier).is_some_and(|it| it.live) {
            self.served("cable.subscribe_twice");
            return Verdict::Silence;
        }
        let verdict = self.verdict(grant, &wanted);
        if let (Verdict::Confirmed(_), Some(line)) = (&verdict, self.push.cables.line(line)) {
            line.subscriptions.insert(identifier.into(), Subscription { live: true, sent: Vec::new() });
        }
        verdict
    }

    fn verdict(&mut self, grant: GrantId, wanted: &Wanted) -> Verdict {
        let error = match self.push.cables.strike(Place::Subscribe) {
            Some(CableFault::NeverConfirm) => return Verdict::Silence,
            Some(CableFault::RejectSilently) => return Verdict::Rejected(None),
            Some(CableFault::CursorGap) => Some(CableError::CursorGap),
            Some(CableFault::InvalidCursor) => Some(CableError::InvalidCursor),
            _ if !self.may(grant, "event_websocket") => {
                self.served("cable.no_capability");
                return Verdict::Rejected(None);
            }
            _ => None,
        };
        let stored = error.map_or_else(|| self.stored(grant, wanted), Err);
        stored.map_or_else(|error| Verdict::Rejected(Some(error)), Verdict::Confirmed)
    }

    /// What a cursor asks for; without one there is nothing to replay.
    fn stored(&self, grant: GrantId, wanted: &Wanted) -> Result<Vec<StoredEvent>, CableError> {
        let Some(cursor) = &wanted.cursor else {
            return Ok(Vec::new());
        };
        self.events_after(grant, Some(cursor)).map_err(|error| match error {
            CursorError::Invalid => CableError::InvalidCursor,
            CursorError::TooOld => CableError::CursorGap,
        })
    }

    pub(super) fn unsubscribe(&mut self, line: u64, identifier: &str) {
        if let Some(subscription) = self.push.cables.subscription(line, identifier) {
            subscription.live = false;
            self.served("cable.unsubscribe");
        }
    }
}
