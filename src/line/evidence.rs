//! What proves that a stream is alive, and what proves that it is not. Pure: time comes in as an argument.
//!
//! A byte within the platform's heartbeat is evidence; so is a head check, a look at the newest page of every
//! conversation that finds nothing which the stream should have told. Both can be wrong alone: a stream that still
//! beats can be deaf to events, and a quiet one on a quiet platform can be well.

use std::time::Duration;

use tokio::time::Instant;

/// What proves that a line is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Bytes of the stream.
    Byte,
    /// The histories show nothing that the stream has not told.
    HeadCheck,
}

/// What is known of an open stream.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The last byte, or the moment when it was opened.
    pub byte: Instant,
    /// Every conversation was read at this time or later, and found as the stream has told it.
    pub checked: Option<Instant>,
    /// When a head check was asked for last.
    pub asked: Option<Instant>,
    /// The longest unheard message: found by a history at this time, and not told by the stream since.
    pub unheard: Option<Instant>,
}

/// How long to wait for it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Without evidence for so long a stream is dead.
    pub silence: Duration,
    /// How much later than a history a stream may tell something.
    pub grace: Duration,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Alive, by this evidence.
    Alive(Evidence),
    /// Half of the time has gone by without evidence: a head check, asked for now, can still bring some.
    Doubtful,
    /// It was asked for.
    Asked,
    /// Neither a byte nor a head check in time.
    Silent,
    /// It beats, or is quiet, and leaves out what there is.
    Deaf,
}

impl Facts {
    /// Of a stream that was opened `now`.
    pub const fn opened(now: Instant) -> Self {
        Self { byte: now, checked: None, asked: None, unheard: None }
    }

    /// What follows from them.
    pub fn judge(&self, limits: Limits, now: Instant) -> Verdict {
        let (evidence, at) = self.newest();
        match now.saturating_duration_since(at) {
            _ if self.unheard.is_some_and(|found| now >= found + limits.grace) => Verdict::Deaf,
            age if age >= limits.silence => Verdict::Silent,
            age if age >= limits.silence / 2 && self.asked.is_some_and(|asked| asked > at) => Verdict::Asked,
            age if age >= limits.silence / 2 => Verdict::Doubtful,
            _ => Verdict::Alive(evidence),
        }
    }

    /// Whether nothing but a head check can tell how it is.
    pub fn is_quiet(&self, limits: Limits, now: Instant) -> bool {
        now.saturating_duration_since(self.byte) >= limits.silence / 2
    }

    /// When another verdict may follow without anything new.
    pub fn next(&self, limits: Limits, now: Instant) -> Instant {
        let (_, at) = self.newest();
        let doubt = at + limits.silence / 2;
        let silence = if doubt > now { doubt } else { at + limits.silence };
        self.unheard.map_or(silence, |found| silence.min(found + limits.grace))
    }

    fn newest(&self) -> (Evidence, Instant) {
        match self.checked {
            Some(checked) if checked > self.byte => (Evidence::HeadCheck, checked),
            _ => (Evidence::Byte, self.byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIMITS: Limits = Limits { silence: Duration::from_secs(75), grace: Duration::from_secs(10) };

    #[test]
    fn a_stream_that_looks_alive_is_dead_when_it_leaves_something_out() {
        let opened = Instant::now();
        let mut facts = Facts::opened(opened);
        for beat in 1..100 {
            facts.byte = opened + beat * 25 * SECOND;
            assert_eq!(facts.judge(LIMITS, facts.byte + 24 * SECOND), Verdict::Alive(Evidence::Byte));
        }
        facts.unheard = Some(facts.byte);
        assert_eq!(facts.judge(LIMITS, facts.byte + 9 * SECOND), Verdict::Alive(Evidence::Byte), "it may be slow");
        assert_eq!(facts.next(LIMITS, facts.byte), facts.byte + 10 * SECOND);
        assert_eq!(facts.judge(LIMITS, facts.byte + 10 * SECOND), Verdict::Deaf);
    }

    #[test]
    fn a_stream_that_looks_dead_is_alive_while_nothing_is_missing() {
        let opened = Instant::now();
        let mut facts = Facts::opened(opened);
        let mut now = opened;
        for round in 0..100 {
            now = facts.next(LIMITS, now);
            assert_eq!(facts.judge(LIMITS, now), Verdict::Doubtful, "a head check is due");
            facts.asked = Some(now);
            assert_eq!(facts.judge(LIMITS, now + SECOND), Verdict::Asked, "once");
            // On a quick machine in the same instant, on a slow one later.
            now += round % 3 * SECOND;
            facts.checked = Some(now);
            assert_eq!(facts.judge(LIMITS, now), Verdict::Alive(Evidence::HeadCheck));
        }
    }

    #[test]
    fn without_a_byte_and_without_a_check_it_is_dead_in_time() {
        let opened = Instant::now();
        let mut facts = Facts::opened(opened);
        let doubt = facts.next(LIMITS, opened);
        assert_eq!(doubt, opened + LIMITS.silence / 2);
        assert_eq!(facts.judge(LIMITS, doubt), Verdict::Doubtful);
        facts.asked = Some(doubt);
        let silent = facts.next(LIMITS, doubt);
        assert_eq!(silent, opened + LIMITS.silence);
        assert_eq!(facts.judge(LIMITS, silent - SECOND), Verdict::Asked);
        assert_eq!(facts.judge(LIMITS, silent), Verdict::Silent);
        assert_eq!(facts.judge(LIMITS, opened - SECOND), Verdict::Alive(Evidence::Byte), "time never runs back");
    }
}
