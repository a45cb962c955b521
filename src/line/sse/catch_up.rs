//! Catching up: every history that is due is read; what the stream says meanwhile waits, and follows (P3).

use tokio::time::sleep_until;

use super::Sse;
use super::turn::{Turn, next_read, soonest, trouble};
use crate::line::history::History;
use crate::line::link::Link;
use crate::line::{Dropped, Phase};

impl Sse {
    pub(super) async fn catching_up(&mut self, mut link: Link) -> Phase {
        match self.catch_up(&mut link).await {
            Ok(()) => {
                self.backoff.good();
                if let Some(history) = &mut self.history {
                    history.goes_live();
                }
                // Only now: a platform that opens streams and refuses histories accepts no session either.
                self.refusals = 0;
                Phase::Live(link)
            }
            Err(dropped) => self.dropped(dropped, Some(&link)),
        }
    }

    /// Reads every history that is due; what the stream says meanwhile waits, and follows.
    async fn catch_up(&mut self, link: &mut Link) -> Result<(), Dropped> {
        loop {
            self.start_due()?;
            self.judge_silence()?;
            if self.history.as_ref().is_none_or(History::is_caught_up) {
                return Ok(self.held.release(&mut self.shaper, &mut self.intake, |_| false).await?);
            }
            let due = self.history.as_ref().and_then(History::due);
            let judged = self.judged_at();
            let turn = tokio::select! {
                burst = link.burst() => Turn::Burst(burst),
                read = next_read(&mut self.history) => Turn::Read(read),
                health = trouble(&mut self.health) => Turn::Store(health),
                () = sleep_until(soonest([due, Some(judged)])) => Turn::Wake,
            };
            self.answered(&turn);
            match turn {
                Turn::Burst(burst) => {
                    let burst = burst?;
                    self.byte();
                    self.held.take(burst, &mut self.shaper, &mut self.retry, |_| true)?;
                }
                other => self.common(other).await?,
            }
        }
    }
}
