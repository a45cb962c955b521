//! What a line says of itself, for `status`: its phase since when, its evidence, its next try.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::evidence::Evidence;
use crate::clock::{Clock, millis};

/// One line as it stands. Times are wall time, milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LineStatus {
    /// Which line: `sse`, `poll`.
    pub line: &'static str,
    /// `dialing`, `catching_up`, `live`, `waiting`, `stopped`.
    pub phase: &'static str,
    /// In that phase since.
    pub since: u64,
    /// What proves it alive now; `null` where nothing does.
    pub evidence: Option<Evidence>,
    /// Evidence older than this, in milliseconds, proves nothing.
    pub silence: u64,
    /// The last byte of the stream.
    pub last_byte: Option<u64>,
    /// The last event that this line brought into the feed.
    pub last_event: Option<u64>,
    /// Every conversation was compared with its history at this time or later, and all of it is in the feed.
    pub checked: Option<u64>,
    /// Where the stream would resume.
    pub cursor: Option<String>,
    /// Conversations whose history is followed.
    pub conversations: usize,
    /// The next try.
    pub next_retry: Option<u64>,
    /// What went wrong last, while it is not mended.
    pub error: Option<String>,
    /// What ended the last stream that did not end by design.
    pub last_drop: Option<Drop>,
    /// Conversations that could not be read, with the reason (at most 20 are named).
    pub unreadable: Vec<(String, String)>,
}

/// The end of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Drop {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Why.
    pub why: String,
}

impl LineStatus {
    /// What proves `now` that it is live: the younger of a byte of the stream and a look at every history, where that
    /// is young enough.
    pub fn evidence(&self, now: u64) -> Option<Evidence> {
        let proof = if self.checked > self.last_byte { Evidence::HeadCheck } else { Evidence::Byte };
        let at = self.last_byte.max(self.checked)?;
        (self.phase == "live" && now.saturating_sub(at) <= self.silence).then_some(proof)
    }

    /// For how long, in milliseconds, events may have gone unseen: 0 while it is proven live.
    pub fn lag(&self, now: u64) -> u64 {
        if self.evidence(now).is_some() {
            return 0;
        }
        let proof = self.last_byte.max(self.checked).max(self.last_event);
        now.saturating_sub(proof.unwrap_or(self.since))
    }
}

/// The line's end of its status.
#[derive(Clone, Debug)]
pub struct Report {
    clock: Clock,
    status: watch::Sender<LineStatus>,
}

impl Report {
    /// A report of the line called `line`, not dialled yet.
    pub fn new(line: &'static str, clock: Clock) -> Self {
        let status = LineStatus { line, phase: "dialing", since: clock.now(), ..LineStatus::default() };
        Self { clock, status: watch::Sender::new(status) }
    }

    /// The status as it changes: on every change of phase or error, not on every byte.
    pub fn watch(&self) -> watch::Receiver<LineStatus> {
        self.status.subscribe()
    }

    /// Evidence older than this proves nothing.
    pub fn bound(&self, silence: Duration) {
        self.quietly(|status, _| status.silence = millis(silence));
    }

    /// The line is in this phase; `until` is when it tries again.
    pub fn phase(&self, phase: &'static str, until: Option<Instant>) {
        let now = self.clock.now();
        let next_retry = until.map(|until| now + millis(until.saturating_duration_since(Instant::now())));
        self.status.send_if_modified(|status| {
            status.next_retry = next_retry;
            if phase == "live" {
                status.error = None;
            }
            let changed = status.phase != phase;
            if changed {
                (status.phase, status.since) = (phase, now);
            }
            changed
        });
    }

    /// Something went wrong.
    pub fn error(&self, error: &dyn std::fmt::Display) {
        self.status.send_modify(|status| status.error = Some(error.to_string()));
    }

    /// The line is down for this reason.
    pub fn dropped(&self, why: &dyn std::fmt::Display) {
        let now = self.clock.now();
        self.status.send_modify(|status| {
            let why = why.to_string();
            status.error = Some(why.clone());
            status.last_drop = Some(Drop { at: now, why });
        });
    }

    /// A byte came.
    pub fn byte(&self) {
        self.quietly(|status, now| status.last_byte = Some(now));
    }

    /// Events went into the feed; `cursor` is where the stream would resume.
    pub fn event(&self, cursor: Option<&str>) {
        self.quietly(|status, now| {
            status.last_event = Some(now);
            if let Some(cursor) = cursor {
                status.cursor = Some(cursor.to_owned());
            }
        });
    }

    /// Where the line would go on.
    pub fn cursor(&self, cursor: Option<&str>) {
        self.quietly(|status, _| {
            if status.cursor.as_deref() != cursor {
                status.cursor = cursor.map(str::to_owned);
            }
        });
    }

    /// Every history was compared at this time or later.
    pub fn checked(&self, at: Option<Instant>) {
        self.quietly(|status, now| status.checked = at.map(|at| now.saturating_sub(millis(at.elapsed()))));
    }

    /// So many conversations are followed, and these cannot be read.
    pub fn conversations(&self, count: usize, unreadable: Vec<(String, String)>) {
        self.quietly(|status, _| (status.conversations, status.unreadable) = (count, unreadable));
    }

    fn quietly(&self, change: impl FnOnce(&mut LineStatus, u64)) {
        let now = self.clock.now();
        self.status.send_if_modified(|status| {
            change(status, now);
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn live_is_what_evidence_proves() {
        let clock = Clock::paced(1_000);
        let report = Report::new("sse", clock.clone());
        report.bound(Duration::from_secs(75));
        let evidence = || report.watch().borrow().evidence(clock.now());
        report.byte();
        assert_eq!(evidence(), None, "dialing");
        report.phase("live", None);
        assert_eq!(evidence(), Some(Evidence::Byte));
        tokio::time::advance(Duration::from_secs(76)).await;
        assert_eq!((evidence(), report.watch().borrow().lag(clock.now())), (None, 76_000));
        report.checked(Some(Instant::now()));
        assert_eq!(evidence(), Some(Evidence::HeadCheck));
    }
}
