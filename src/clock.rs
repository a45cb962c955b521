//! The only wall time in the program.
//!
//! Everything that compares with a platform's idea of time (token expiry, retention, `lease_until`) asks a
//! [`Clock`]; everything that waits uses tokio's monotonic time. A test replaces the first and pauses the second.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Where wall time comes from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Paced { start: Instant, base: u64, jumped: Arc<AtomicI64> },
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that starts at `base` (milliseconds since 1970) and moves with tokio's time, paused or not.
    pub fn paced(base: u64) -> Self {
        Self(Source::Paced { start: Instant::now(), base, jumped: Arc::default() })
    }

    /// Whether it moves with tokio's time, which jumps ahead whenever a paused runtime has nothing to do.
    pub const fn is_paced(&self) -> bool {
        matches!(self.0, Source::Paced { .. })
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> u64 {
        match &self.0 {
            Source::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                millis(since)
            }
            Source::Paced { start, base, jumped } => {
                (*base + millis(start.elapsed())).saturating_add_signed(jumped.load(Ordering::Relaxed))
            }
        }
    }

    /// Makes a paced clock jump, as a wall clock does when somebody sets it. Does nothing to the machine's clock.
    pub fn jump(&self, by_millis: i64) {
        if let Source::Paced { jumped, .. } = &self.0 {
            jumped.fetch_add(by_millis, Ordering::Relaxed);
        }
    }

    /// Now as RFC 3339 in UTC, with milliseconds.
    pub fn stamp(&self) -> String {
        rfc3339(self.now())
    }
}

/// Milliseconds since 1970 as RFC 3339 in UTC.
pub fn rfc3339(at: u64) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|at| jiff::Timestamp::from_millisecond(at).ok())
        .map_or_else(|| "9999-12-31T23:59:59.999Z".to_owned(), |at| format!("{at:.3}"))
}

/// A duration in whole milliseconds, saturating.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paced_clock_moves_with_paused_time_and_jumps_when_told() {
        let clock = Clock::paced(1_000);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), 6_000);
        clock.jump(-2_000);
        assert_eq!(clock.now(), 4_000);
        assert_eq!(clock.stamp(), "1970-01-01T00:00:04.000Z");
    }
}
