//! Follows a platform: opens its lines as far as the seat allows it, and hears how they are until they end.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::lines::{self, AnyLine, Needs, unwound};
use super::{Ended, Workspace, learning, push};
use crate::line::Reason;
use crate::line::poll::feed::Inlet;
use crate::pulse::pulse;
use crate::store::{Seat, StoreError};

/// Hints that may wait for a line; more are as good as these.
const HINTS: usize = 64;

/// How following a platform has ended.
pub(super) enum Followed {
    /// For good, and why; or because the task ends.
    To(Option<Reason>),
    /// The grant allows other lines than before.
    Anew,
}

impl Workspace {
    /// Runs the lines, as far as the seat allows it, until they end or the task is cancelled.
    pub(super) async fn follow(&mut self, spread: Duration, token: &CancellationToken) -> Result<Followed, Ended> {
        self.keep_in_step().await?;
        if !matches!(self.session.record().seat, Seat::SignedOut | Seat::SignedIn) {
            self.report.phase("stopped", None);
            return Ok(Followed::To(None));
        }
        let mut regranted = pin!(learning::regranted(self.session.clone()));
        if let Some(lacking) = learning::no_line(&self.session) {
            self.report.phase("stopped", None);
            self.desk.trouble(lacking);
            return Ok(tokio::select! {
                () = token.cancelled() => Followed::To(None),
                () = regranted => Followed::Anew,
            });
        }
        let mut lines = self.open_lines(spread)?;
        let (own_pulse, mut beat) = pulse();
        self.desk.pulse("task", own_pulse);
        let mut status = self.report.watch();
        loop {
            let seen = status.borrow_and_update().clone();
            self.observe(&seen).await?;
            let due = self.presence.due();
            tokio::select! {
                () = token.cancelled() => return Ok(Followed::To(None)),
                () = &mut regranted => {
                    lines.shutdown().await;
                    return Ok(Followed::Anew);
                }
                () = beat.asked() => {}
                ended = lines.join_next() => return Ok(Followed::To(ended.map(left))),
                changed = status.changed() => changed.map_err(|_| StoreError::Closed)?,
                () = at(due) => {}
            }
        }
    }

    /// The line, and what is read and pushed beside it.
    fn open_lines(&self, spread: Duration) -> Result<JoinSet<Reason>, StoreError> {
        let (hint, hints) = mpsc::channel(HINTS);
        self.desk.hints(hint);
        let mut lines = JoinSet::new();
        let (pulse, beat) = pulse();
        let (line, inlet) = self.line(hints)?;
        lines.spawn(beat.during(line.run(spread)));
        for (also, report) in lines::also(&self.context, &self.session)? {
            self.desk.beside(report.watch());
            lines.spawn(also.run(spread));
        }
        if let Some(inlet) = inlet {
            self.beside(&inlet, spread, &mut lines)?;
        }
        self.desk.pulse("line", pulse);
        Ok(lines)
    }

    fn line(&self, hints: mpsc::Receiver<String>) -> Result<(AnyLine, Option<Inlet>), StoreError> {
        let Self { context, session, report, .. } = self;
        let (line, inlet) = lines::line(Needs { context, session, report, hints })?;
        self.desk.inlet(inlet.clone());
        Ok((line, inlet))
    }

    /// The push sources beside a polled line live as long as it does.
    fn beside(&self, inlet: &Inlet, spread: Duration, lines: &mut JoinSet<Reason>) -> Result<(), StoreError> {
        for source in push::sources(&self.context, &self.session)? {
            if let Some(report) = source.report() {
                self.desk.beside(report.watch());
            }
            lines.spawn(source.run(self.context.clone(), self.session.clone(), inlet.clone(), spread));
        }
        Ok(())
    }
}

/// Why a line has ended.
fn left(ended: Result<Reason, JoinError>) -> Reason {
    unwound(ended).unwrap_or(Reason::Left)
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
