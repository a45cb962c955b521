//! Live: frames go to the feed as they come, histories are read on schedule, and the stream is renewed before it is cut.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::Sse;
use super::dial::Fresh;
use super::turn::{Turn, next_read, soonest, trouble};
use crate::line::event_stream::Item;
use crate::line::history::History;
use crate::line::link::Link;
use crate::line::timing::Timing;
use crate::line::{Dropped, Phase};
use crate::store::StoreError;

impl Sse {
    pub(super) async fn live(&mut self, mut link: Link) -> Phase {
        match self.live_turn(&mut link).await {
            Ok(None) => Phase::Live(link),
            Ok(Some(fresh)) => Phase::Live(fresh),
            Err(dropped) => self.dropped(dropped, Some(&link)),
        }
    }

    /// One thing that happens while the line is live; a fresh link where the stream was renewed.
    async fn live_turn(&mut self, link: &mut Link) -> Result<Option<Link>, Dropped> {
        self.judge()?;
        self.start_due()?;
        self.start_renewal()?;
        let due = self.history.as_ref().and_then(History::due);
        let renew_at = self.renew_at.filter(|_| self.renewal.is_none());
        let judged = self.judged_at();
        let turn = tokio::select! {
            burst = link.burst() => Turn::Burst(burst),
            read = next_read(&mut self.history) => Turn::Read(read),
            fresh = next_fresh(&mut self.renewal) => Turn::Fresh(Box::new(fresh)),
            settled = self.intake.settled() => Turn::Settled(settled),
            Some(hint) = self.hints.recv() => Turn::Hint(hint),
            health = trouble(&mut self.health) => Turn::Store(health),
            () = sleep_until(soonest([due, renew_at, Some(judged)])) => Turn::Wake,
        };
        match turn {
            Turn::Burst(burst) => self.burst(burst?).await?,
            Turn::Fresh(fresh) => return Box::pin(self.fresh(*fresh, link)).await,
            read @ Turn::Read(_) => {
                self.common(read).await?;
                self.let_go().await?;
            }
            other => self.common(other).await?,
        }
        Ok(None)
    }

    /// Sends on what no longer has to wait.
    async fn let_go(&mut self) -> Result<(), StoreError> {
        let history = &mut self.history;
        let waits = |conversation: &str| history.as_mut().is_some_and(|history| history.must_wait(conversation));
        self.held.release(&mut self.shaper, &mut self.intake, waits).await
    }

    async fn burst(&mut self, items: Vec<Item>) -> Result<(), Dropped> {
        self.byte();
        self.shaper.knows_itself().await?;
        let history = &mut self.history;
        let waits = |conversation: &str| Self::hears(history, conversation);
        if self.held.take(items, &mut self.shaper, &mut self.retry, waits).is_err() {
            // A live line does not dial again for a slow read: what that read finds is late, and says so.
            if let Some(history) = &mut self.history {
                history.wait_no_more();
            }
            return Ok(self.let_go().await?);
        }
        Ok(self.held.send(&mut self.intake).await?)
    }

    /// The new stream is open: what the old one still had is taken, then it is let go.
    async fn fresh(&mut self, fresh: Result<Fresh, Dropped>, old: &mut Link) -> Result<Option<Link>, Dropped> {
        self.renewal = None;
        match fresh {
            Ok(Fresh { link, first }) => {
                self.burst(old.rest()).await?;
                self.burst(first).await?;
                self.opened();
                self.backoff.good();
                Ok(Some(link))
            }
            Err(why) => {
                // The old stream goes on; when it ends, the line is dialled as after any other cut.
                tracing::debug!(workspace = %self.dial.session.record().name, %why, "the stream could not be renewed");
                let wait = self.backoff.next_after(why.asks().unwrap_or_default());
                self.renew_at = Some(Instant::now() + wait.max(Duration::from_millis(100)));
                Ok(None)
            }
        }
    }

    pub(super) fn renew_from_now(&mut self) {
        self.renewal = None;
        self.renew_at = self.cut.map(|cut| Instant::now() + Timing::renewal(cut));
    }

    fn start_renewal(&mut self) -> Result<(), StoreError> {
        if self.renewal.is_none() && self.renew_at.is_some_and(|at| at <= Instant::now()) {
            let (dial, cursor) = (self.dial.clone(), self.cursor()?);
            self.renewal = Some(async move { dial.renew(cursor).await }.boxed());
        }
        Ok(())
    }
}

async fn next_fresh(renewal: &mut Option<BoxFuture<'static, Result<Fresh, Dropped>>>) -> Result<Fresh, Dropped> {
    match renewal {
        Some(renewal) => renewal.await,
        None => std::future::pending().await,
    }
}
