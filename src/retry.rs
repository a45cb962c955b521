//! The only backoff: jittered, never past its cap, and not forgiven before a minute of health.

pub mod attempts;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::fmt::rfc2822;
use tokio::time::Instant;

/// Reset only after so many good seconds, or a flapping server is hammered.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);
/// The longest wait a platform can ask for.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// The waits of one kind: from the first, doubling, to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// After the first failure.
    pub first: Duration,
    /// After many.
    pub longest: Duration,
}

/// Growing waits between attempts: each lies between its step and twice that, and below the cap.
#[derive(Debug)]
pub struct Backoff {
    builder: ExponentialBuilder,
    waits: ExponentialBackoff,
    cap: Duration,
    good_since: Option<Instant>,
}

impl Backoff {
    /// Waits that begin around `first`, double, and never pass `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        // The jitter doubles a step at most: with half the cap as the largest step, waits at the cap differ, too.
        let builder = ExponentialBuilder::new()
            .with_min_delay(first.min(cap / 2))
            .with_max_delay(cap / 2)
            .without_max_times()
            .with_jitter();
        Self { builder, waits: builder.build(), cap, good_since: None }
    }

    /// The next wait.
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> Duration {
        if self.good_since.take().is_some_and(|since| since.elapsed() >= HEALTHY_AFTER) {
            self.reset();
        }
        self.waits.next().unwrap_or(self.cap).min(self.cap)
    }

    /// The next wait where a platform asks for at least this long: on top of it, or all that were told so would come back
    /// together. At most an hour, unless the wait itself is longer.
    pub fn next_after(&mut self, asked: Duration) -> Duration {
        let wait = self.next();
        (wait + asked).min(LONGEST_WAIT.max(wait))
    }

    /// All is well from now on. Once that lasted 60 s, the next failure begins anew; before, the waits go on growing.
    pub fn good(&mut self) {
        self.good_since.get_or_insert_with(Instant::now);
    }

    /// Begins anew at once: for a change from outside (new credentials), never for a mere success.
    pub fn reset(&mut self) {
        self.waits = self.builder.build();
        self.good_since = None;
    }
}

/// How long a platform asks to wait (RFC 9110, section 10.2.3: seconds or an HTTP date), between 0 and an hour.
/// `now` is in milliseconds since 1970. `None` where it asks for nothing or nothing readable.
pub fn retry_after(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !asked.is_empty() && asked.bytes().all(|digit| digit.is_ascii_digit()) {
        asked.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let until = rfc2822::DateTimeParser::new().parse_timestamp(asked).ok()?.as_millisecond();
        Duration::from_millis(u64::try_from(until).unwrap_or(0).saturating_sub(now))
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &'static str, now: u64) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        retry_after(&headers, now)
    }

    #[test]
    fn waits_grow_spread_and_stay_below_the_cap() {
        let cap = Duration::from_secs(30);
        let mut tenth = Vec::new();
        for _ in 0..50 {
            let mut backoff = Backoff::new(Duration::from_secs(1), cap);
            let waits: Vec<_> = (0..10).map(|_| backoff.next()).collect();
            assert!(waits[0] >= Duration::from_secs(1) && waits[0] < Duration::from_secs(2));
            assert!(waits[2] >= Duration::from_secs(4));
            assert!(waits.iter().all(|wait| *wait <= cap), "{waits:?}");
            tenth.push(waits[9]);
        }
        tenth.sort();
        assert!(tenth[49].saturating_sub(tenth[0]) > Duration::from_secs(3), "no herd at the cap: {tenth:?}");
    }

    #[test]
    fn who_is_asked_to_wait_waits_longer_each_for_another_time_and_no_longer_than_an_hour() {
        let asked = Duration::from_secs(30);
        let fresh = || Backoff::new(Duration::from_secs(1), asked);
        let waits: Vec<_> = (0..50).map(|_| fresh().next_after(asked)).collect();
        assert!(waits.iter().all(|wait| *wait > asked && *wait < asked + Duration::from_secs(2)), "{waits:?}");
        assert!(waits.iter().any(|wait| wait.abs_diff(waits[0]) > Duration::from_millis(100)), "{waits:?}");
        assert_eq!(fresh().next_after(LONGEST_WAIT), LONGEST_WAIT);
        let mut long = Backoff::new(LONGEST_WAIT * 2, LONGEST_WAIT * 4);
        assert!(long.next_after(asked) > LONGEST_WAIT, "as the operator wishes");
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_minute_of_health_is_forgiven() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(5));
        for _ in 0..4 {
            backoff.next();
        }
        backoff.good();
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(backoff.next() >= Duration::from_secs(16), "59 s are not enough");
        backoff.good();
        tokio::time::advance(Duration::from_secs(30)).await;
        backoff.good();
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(backoff.next() < Duration::from_secs(2), "60 s are, however often it was said");
    }

    #[test]
    fn absurd_wishes_are_clamped() {
        assert_eq!(asked("7", 0), Some(Duration::from_secs(7)));
        assert_eq!(asked("99999999999999999999999", 0), Some(LONGEST_WAIT));
        assert_eq!(asked("86400", 0), Some(LONGEST_WAIT));
        assert_eq!(asked("-5", 0), None);
        assert_eq!(asked("soon", 0), None);
    }

    #[test]
    fn dates_are_read_against_the_clock() {
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        let at = 1_445_412_480_000;
        assert_eq!(asked(date, at - 5_000), Some(Duration::from_secs(5)));
        assert_eq!(asked(date, at + 5_000), Some(Duration::ZERO));
        assert_eq!(asked(date, 0), Some(LONGEST_WAIT));
    }
}
