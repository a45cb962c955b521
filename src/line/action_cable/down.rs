//! A cable that goes down: what its owner is told, and what the session is asked.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::fault::{Fault, Next, Stopped};
use super::{Asked, Cable, Heard, Phase};
use crate::clock::millis;
use crate::normalise::Scrubber;
use crate::session::{self, Shown};

/// A cable that was well for so long has proven its credential: the next refusal is a new one.
const PROVEN: Duration = Duration::from_mins(1);

impl Cable {
    /// A word of the server may be anything, the credential that it was shown included.
    fn clean(&self, why: &str) -> String {
        Scrubber::new(self.dial.session.secrets()).scrub(why).into_owned()
    }

    pub(super) fn gap(&mut self, why: &str) {
        let why = self.clean(why);
        tracing::info!(workspace = %self.dial.session.record().name, %why, "the cable has a gap");
        self.report.error(&why);
        self.untold.push_back(Heard::Gap(why));
    }

    /// An open cable ends.
    pub(super) fn dropped(&mut self, fault: Fault) {
        let Phase::Open(link) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        if link.confirmed().is_some_and(|since| since.elapsed() >= PROVEN) {
            self.renewed = false;
        }
        if matches!(fault, Fault::TooLarge(_)) {
            // What it was is in the log of events: polling brings it, or says that it cannot.
            self.gap(&fault.to_string());
        }
        let (shown, was_live) = (link.shown.clone(), link.confirmed().is_some());
        link.close();
        self.down(fault, Some(shown));
        if was_live && matches!(self.phase, Phase::Asking(_)) {
            // A new credential may take its time: until the cable is back its owner polls as if there were none.
            self.report.phase("dialing", None);
            self.untold.push_back(Heard::Down { why: Fault::Unauthorised.to_string(), until: Instant::now() });
        }
    }

    pub(super) fn down(&mut self, fault: Fault, shown: Option<Shown>) {
        let why = self.clean(&fault.to_string());
        match (fault.next(), shown) {
            (Next::Renew, Some(shown)) => self.ask(shown),
            (Next::Retry(asked), _) => {
                let wait = self.backoff.next_after(asked);
                self.wait(why, wait);
            }
            (Next::Scatter, _) => {
                let scattered = Duration::from_millis(self.chance.below(millis(self.spread)));
                let wait = self.backoff.next() + scattered;
                self.wait(why, wait);
            }
            (Next::Renew, None) | (Next::Rarely, _) => self.wait_long(why),
            (Next::Stop(stopped), _) => self.stop(stopped),
        }
    }

    /// One new credential; where that does not help, the session judges.
    fn ask(&mut self, shown: Shown) {
        let (session, renewed) = (self.dial.session.clone(), self.renewed);
        let asking = async move {
            if renewed {
                session.refused_again().await.map(|()| Asked::Doubted)
            } else {
                session.renounce(shown).await.map(|()| Asked::Renewed)
            }
        };
        self.phase = Phase::Asking(asking.boxed());
    }

    pub(super) fn asked(&mut self, asked: Result<Asked, session::Error>) {
        match asked {
            Ok(Asked::Renewed) => {
                self.renewed = true;
                self.phase = Phase::Idle;
            }
            Ok(Asked::Doubted) => self.wait_long(Fault::Unauthorised.to_string()),
            Err(error) => self.down(error.into(), None),
        }
    }

    /// Up to a quarter less than the bound says: what refuses one cable refuses many together.
    fn wait_long(&mut self, why: String) {
        let rarely = self.dial.limits.rarely;
        let less = Duration::from_millis(self.chance.below(millis(rarely / 4) + 1));
        self.wait(why, rarely.saturating_sub(less));
    }

    fn wait(&mut self, why: String, wait: Duration) {
        let until = Instant::now() + wait;
        tracing::info!(workspace = %self.dial.session.record().name, %why, ?wait, "the cable is down");
        self.report.phase("waiting", Some(until));
        self.report.dropped(&why);
        self.phase = Phase::Waiting(until);
        self.untold.push_back(Heard::Down { why, until });
    }

    fn stop(&mut self, stopped: Stopped) {
        let stopped = match stopped {
            Stopped::Cable(why) => Stopped::Cable(self.clean(&why)),
            line @ Stopped::Line(_) => line,
        };
        tracing::warn!(workspace = %self.dial.session.record().name, why = %stopped, "the cable is stopped");
        self.report.phase("stopped", None);
        self.report.dropped(&stopped);
        self.phase = Phase::Stopped;
        self.untold.push_back(Heard::Stopped(stopped));
    }
}
