//! A seat without lines. One without a work channel is looked after; of one that cannot act any more: what its platform still delivers, and what is erased a day after it was taken away.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Ended, Workspace, registered};
use crate::adapter::Push;
use crate::event::Type;
use crate::ingress::{CALLBACK_URL, HOOK_PATH, Hook, Taken};
use crate::line::poll;
use crate::line::shape::Shaper;
use crate::session::{self, forgets_at};
use crate::store::{Seat, StoreError, WorkspaceRecord};

/// Wall time is looked at so often: a machine that slept, or whose clock was set, erases no later than this after it was
/// due.
const LOOK: Duration = Duration::from_hours(1);

impl Workspace {
    /// Waits with a seat that cannot act until the task ends.
    pub(super) async fn linger(&self, token: &CancellationToken) -> Result<(), Ended> {
        tokio::select! {
            () = token.cancelled() => Ok(()),
            ended = self.lingers(token) => ended,
        }
    }

    async fn lingers(&self, token: &CancellationToken) -> Result<(), Ended> {
        if self.session.is_revoked_unnoted() {
            kept(self.session.note_revoked().await)?;
        }
        if self.session.record().seat == Seat::Registered {
            registered::look(&self.session).await?;
            self.desk.changed();
            self.tell_seat(token).await?;
        }
        if matches!(self.session.record().seat, Seat::NeedsAction { .. }) {
            tokio::select! {
                heard = self.hears_the_end() => heard?,
                ended = self.forget() => return ended,
            }
            self.tell_seat(token).await?;
        }
        self.forget().await
    }

    /// Erases what late deliveries are verified with, when that is due; where it never is, it never returns.
    async fn forget(&self) -> Result<(), Ended> {
        while let Some(left) = self.still_due(&self.session.record()) {
            sleep(left.min(LOOK)).await;
        }
        if forgets_at(&self.session.record()).is_some() {
            kept(self.session.forget_late(HOOK_PATH, CALLBACK_URL).await)?;
        }
        std::future::pending().await
    }

    fn still_due(&self, record: &WorkspaceRecord) -> Option<Duration> {
        let left = forgets_at(record)?.saturating_sub(self.context.means.clock.now());
        (left > 0).then(|| Duration::from_millis(left))
    }

    /// A platform may refuse a seat before it has told that it is gone: then its delivery of that is what turns a seat
    /// that needs somebody into one that was taken away. Whatever else it delivers nobody can read, and is asked for again.
    async fn hears_the_end(&self) -> Result<(), Ended> {
        let Some(mut hooks) = self.late_hooks() else { return std::future::pending().await };
        let Self { context, session, .. } = self;
        let shaper = Shaper::new(session.clone(), context.means.store.clone(), context.means.clock.clone())?;
        while let Some(hook) = hooks.recv().await {
            let said = shaper.entry(None, &Value::Object(hook.event.clone()));
            if said.is_some_and(|draft| draft.kind == Type::WorkspaceRevoked) {
                let after = context.means.store.cursor(&session.record().name, poll::LINE)?;
                let bounds = json!({ "after": after, "why": "the platform accepted no session any more" });
                let gap = shaper.gap("revoked_unread", None, bounds).seal();
                kept(session.sit_behind(gap, Seat::Revoked { reason: TAKEN_AWAY.to_owned() }).await)?;
                self.desk.changed();
                hook.answer(Taken::Committed);
                return Ok(());
            }
        }
        std::future::pending().await
    }

    fn late_hooks(&self) -> Option<mpsc::Receiver<Hook>> {
        let (manifest, record) = (self.session.manifest(), self.session.record());
        let delivers = |push: &Push| matches!(push, Push::Webhook(_)) && manifest.grants(&record.facts, push.needs());
        manifest.receive.push.iter().any(delivers).then(|| self.context.hooks.register(&record.name))
    }
}

/// What the seat says where the platform said no more than that.
const TAKEN_AWAY: &str = "the platform took the seat away";

/// The store's failure; of a workspace that was left meanwhile nothing is kept.
fn kept(done: Result<(), session::Error>) -> Result<(), StoreError> {
    match done {
        Err(session::Error::Store(error)) => Err(error),
        Err(_) | Ok(()) => Ok(()),
    }
}
