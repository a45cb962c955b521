//! What the end of the lines means for the seat, and the last word about one that cannot act any more.

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{Ended, Workspace};
use crate::event::Type;
use crate::line::Reason;
use crate::session::{self, Means, repair_command};
use crate::store::{Seat, StoreError};

impl Workspace {
    /// Whether there is work to hear of is the manifest's to say, and may be another one's than at the join.
    pub(super) async fn keep_in_step(&self) -> Result<(), StoreError> {
        match (self.session.record().seat, self.session.manifest().has_line()) {
            (Seat::Registered, true) => self.sit(Seat::SignedOut).await,
            (Seat::SignedIn | Seat::SignedOut, false) => self.sit(Seat::Registered).await,
            _ => Ok(()),
        }
    }

    /// The lines have ended for good: the seat says why.
    pub(super) async fn settle(&mut self, stopped: Option<Reason>) -> Result<(), Ended> {
        let seat = match stopped {
            None | Some(Reason::Left) => return Ok(()),
            Some(Reason::Store(error)) => return Err(error.into()),
            Some(Reason::Misfit(why)) => {
                self.desk.trouble(why);
                return Ok(());
            }
            Some(Reason::Revoked(reason)) => Seat::Revoked { reason },
            Some(Reason::NeedsAction { reason, command }) if command.is_empty() => {
                let command = repair_command(self.session.manifest(), &self.session.record());
                Seat::NeedsAction { reason, command }
            }
            Some(Reason::NeedsAction { reason, command }) => Seat::NeedsAction { reason, command },
        };
        if self.session.record().seat != seat {
            self.sit(seat).await?;
        }
        self.desk.changed();
        Ok(())
    }

    /// Tells of a seat that cannot act any more, once, also after a crash in between. Where the platform took it away
    /// that is the last word: what the outbox still holds is settled before.
    pub(super) async fn tell_seat(&self, token: &CancellationToken) -> Result<(), Ended> {
        if !self.session.is_untold() {
            return Ok(());
        }
        let seat = self.session.record().seat;
        if matches!(seat, Seat::Revoked { .. }) {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                emptied = self.outbox_is_empty() => emptied?,
            }
        }
        let (kind, more) = told(&seat);
        match self.session.tell(self.about(kind, more).seal()).await {
            Err(session::Error::Store(error)) => Err(error.into()),
            Err(_) | Ok(()) => Ok(()),
        }
    }

    async fn outbox_is_empty(&self) -> Result<(), StoreError> {
        let Means { store, .. } = &self.context.means;
        let name = self.session.record().name;
        let mut changed = store.outbox_changed(&name);
        loop {
            changed.mark_unchanged();
            if store.outbox(&name)?.is_empty() {
                return Ok(());
            }
            changed.changed().await.map_err(|_| StoreError::Closed)?;
        }
    }

    pub(super) async fn sit(&self, seat: Seat) -> Result<(), StoreError> {
        match self.session.sit(seat).await {
            Err(session::Error::Store(error)) => Err(error),
            // The workspace was left, or the bridge is stopping: there is no seat to speak of.
            Err(_) | Ok(()) => Ok(()),
        }
    }
}

/// What the feed is told of a seat that cannot act any more.
fn told(seat: &Seat) -> (Type, Map<String, Value>) {
    let more = |value: Value| value.as_object().cloned().unwrap_or_default();
    match seat {
        Seat::Revoked { reason } => (Type::WorkspaceRevoked, more(json!({ "reason": reason }))),
        Seat::NeedsAction { reason, command } => {
            (Type::WorkspaceNeedsAction, more(json!({ "reason": reason, "command": command })))
        }
        _ => (Type::WorkspaceNeedsAction, Map::new()),
    }
}
