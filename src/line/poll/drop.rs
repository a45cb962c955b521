//! What follows when the log cannot be read: wait, stop, or go on without it.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::Poll;
use super::place::Farewell;
use crate::line::{After, Dropped, Phase, Reason};
use crate::session;
use crate::store::StoreError;

/// What failed since a read last ended well.
#[derive(Debug)]
pub(super) struct Tries {
    /// After so many failures in a row nothing waits for the log any more.
    bound: u32,
    failures: u32,
    /// 401s in a row.
    refusals: u32,
    /// Cursors that were refused.
    cursors: u32,
    /// That a page cannot be read was told.
    told: bool,
}

impl Tries {
    /// Nothing failed yet.
    pub const fn new(bound: u32) -> Self {
        Self { bound, failures: 0, refusals: 0, cursors: 0, told: false }
    }

    /// A read has ended well.
    pub const fn all_is_well(&mut self) {
        *self = Self::new(self.bound);
    }

    /// A cursor was refused; whether it is not the first one.
    pub const fn refuses_cursors(&mut self) -> bool {
        self.cursors += 1;
        self.cursors > 1
    }

    const fn failed(&mut self, why: &Dropped) {
        self.failures += 1;
        self.refusals = why.refusals(self.refusals);
    }

    const fn in_vain(&self) -> bool {
        self.failures >= self.bound
    }
}

impl Poll {
    /// What follows from a failure.
    pub(super) async fn dropped(&mut self, why: Dropped) -> Phase<()> {
        self.frames.reading = false;
        self.tries.failed(&why);
        let told = match &why {
            Dropped::Store(_) => {
                // What the store refused stands in the log.
                self.frames.clear();
                self.shaper.forget_numbers();
                self.stand.is_stale();
                Ok(())
            }
            why if self.farewell.is_some() && (is_refusal(why) || self.tries.in_vain()) => {
                match self.unread(why).await {
                    Ok(()) => return self.gone(),
                    failed => failed,
                }
            }
            why if self.tries.in_vain() => self.goes_without(why).await,
            // What came while this read ran waits for no other, unless its source has only just connected.
            _ => self.let_go().await,
        };
        match told {
            Ok(()) => self.waits(why),
            Err(error) => self.waits(error.into()),
        }
    }

    fn waits(&mut self, why: Dropped) -> Phase<()> {
        let workspace = self.asker.session.record().name;
        // A log that is kept from the agent is asked for seldom: that does not mend itself.
        let least = if matches!(why, Dropped::Gone { .. }) { self.pace.longest_wait } else { Duration::ZERO };
        let said = why.to_string();
        match why.after(false, self.tries.refusals) {
            After::Stop(reason) => self.stops(reason),
            After::Redial => Phase::Dialing,
            After::Wait(asked) => {
                let wait = self.backoff.next_after(asked).max(least);
                if !asked.is_zero() {
                    self.members.pause(asked);
                }
                tracing::info!(%workspace, why = %said, ?wait, "the log cannot be read");
                self.report.dropped(&said);
                Phase::Waiting(Instant::now() + wait)
            }
        }
    }

    fn stops(&self, reason: Reason) -> Phase<()> {
        tracing::warn!(workspace = %self.asker.session.record().name, %reason, "the line is stopped");
        self.report.dropped(&reason);
        Phase::Stopped(reason)
    }

    /// The platform has said that the seat is gone, and there is no more to read.
    pub(super) fn gone(&self) -> Phase<()> {
        self.stops(Reason::Revoked(Dropped::Revoked(String::new()).to_string()))
    }

    /// The seat is gone, and what was said last cannot be read: that hole is told (P9), behind all that is here.
    async fn unread(&mut self, why: &Dropped) -> Result<(), StoreError> {
        self.frames.wait_no_more();
        self.members.pause(Duration::ZERO);
        self.let_go().await?;
        let mut place = self.stand.place.clone();
        let farewell = self.heard.clone().or_else(|| place.farewell.clone());
        let told = farewell.map(|farewell| Farewell { unread: true, ..farewell });
        if told.is_none() || place.farewell != told {
            let cursor = self.stand.cursor.clone();
            let bounds = json!({ "after": cursor, "why": why.to_string() });
            let gap = self.shaper.gap("revoked_unread", None, bounds);
            // With the gap, so that a crash before the seat says so neither tells it twice nor forgets who said so.
            place.farewell = told;
            let changes = self.stand.changes(cursor.as_deref(), &place);
            self.intake.commit(vec![gap], None, changes).await?;
            self.stand.committed(cursor, place);
        }
        self.answer(true)
    }

    /// The log could not be read often enough: a blind line is worse than events that turn up late, so what push
    /// sources bring waits for it no longer. A page that nobody can read is told as a hole, once; it is asked for
    /// again and again all the same, and what it has is told when it can be read.
    async fn goes_without(&mut self, why: &Dropped) -> Result<(), StoreError> {
        self.frames.wait_no_more();
        self.let_go().await?;
        let stuck = Some(self.stand.cursor.clone().unwrap_or_default());
        let unreadable = matches!(why, Dropped::Unreadable(_));
        if !unreadable || self.tries.told || self.stand.place.stuck == stuck {
            return Ok(());
        }
        let mut place = self.stand.place.clone();
        place.stuck = stuck;
        let bounds = json!({ "after": self.stand.cursor, "why": why.to_string() });
        let gap = self.shaper.gap("page_unreadable", None, bounds);
        let cursor = self.stand.cursor.clone();
        let changes = self.stand.changes(cursor.as_deref(), &place);
        self.intake.commit(vec![gap], None, changes).await?;
        self.stand.committed(cursor, place);
        self.tries.told = true;
        Ok(())
    }
}

/// The platform answers, and gives nothing to this seat any more.
const fn is_refusal(why: &Dropped) -> bool {
    matches!(
        why,
        Dropped::Unauthorised
            | Dropped::Gone { .. }
            | Dropped::Revoked(_)
            | Dropped::Session(session::Error::NeedsAction { .. })
    )
}
