//! How long a token is good for. Decided by its age on the monotonic clock: a wall clock that jumps a day either
//! way makes no login early and none too many, and a 401 is always the last word.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::claims::{claims, seconds};
use crate::adapter;

/// No token is trusted to live longer; whatever it says.
const LONGEST_LIFE: Duration = Duration::from_hours(366 * 24);
/// No token is renewed sooner after it was got; one that dies sooner dies with a 401.
const SHORTEST_USE: Duration = Duration::from_secs(10);

/// A token in use.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub secret: SecretString,
    /// Grows with each renewal in this process: a 401 on an older one is stale news.
    pub generation: u64,
    /// `None`: nobody knows, and a 401 tells.
    lifetime: Option<Duration>,
    age: Age,
}

#[derive(Clone, Copy, Debug)]
struct Age {
    at: Instant,
    then: Duration,
}

impl Token {
    /// A token got at `got_at`, met now, at `now` (milliseconds since 1970).
    pub fn new(secret: SecretString, generation: u64, got_at: u64, now: u64, span: Life) -> Self {
        let lifetime = lifetime(&secret, got_at, span);
        // A clock that was set back since makes it seem younger than new.
        let then = Duration::from_millis(now.saturating_sub(got_at));
        Self { secret, generation, lifetime, age: Age { at: Instant::now(), then } }
    }

    /// How long it is still good, as far as one can tell.
    pub fn remaining(&self) -> Option<Duration> {
        Some(self.lifetime?.saturating_sub(self.age()))
    }

    /// Whether to renew it now: `before` its end, or at half its life where that is short.
    pub fn is_due(&self, before: Duration) -> bool {
        let Some(lifetime) = self.lifetime else { return false };
        let use_for = if lifetime > before * 2 { lifetime.saturating_sub(before) } else { lifetime / 2 };
        self.age() >= use_for.max(SHORTEST_USE)
    }

    fn age(&self) -> Duration {
        self.age.then.saturating_add(self.age.at.elapsed())
    }
}

/// How long a token lasts, told by others than itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Life {
    /// The answer that gave it.
    told: Option<Duration>,
    /// The manifest, for one that nobody says anything of.
    otherwise: Option<Duration>,
}

impl Life {
    /// With what the answer said, in milliseconds, and what the manifest says.
    pub fn of(spec: &adapter::Session, told: Option<u64>) -> Self {
        let otherwise = spec.expires.as_ref().and_then(|expires| expires.r#else).map(|span| span.0);
        Self { told: told.map(Duration::from_millis), otherwise }
    }
}

/// What the answer said; else what the token says by the platform's own clock; else what it says against ours; else what
/// the manifest says.
fn lifetime(secret: &SecretString, got_at: u64, Life { told, otherwise }: Life) -> Option<Duration> {
    if let Some(told) = told {
        return Some(told.min(LONGEST_LIFE));
    }
    let Some(claims) = claims(secret) else { return otherwise };
    let Some(until) = ["exp", "expires_at"].iter().find_map(|name| seconds(&claims, name)) else { return otherwise };
    let from = seconds(&claims, "iat").unwrap_or_else(|| i64::try_from(got_at / 1000).unwrap_or(i64::MAX));
    match u64::try_from(until - from) {
        // A token that is dead on arrival is a clock that is wrong.
        Ok(0) | Err(_) => otherwise,
        Ok(seconds) => Some(Duration::from_secs(seconds).min(LONGEST_LIFE)),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const ELSE: Life = Life { told: None, otherwise: Some(DAY) };
    const BEFORE: Duration = Duration::from_mins(5);
    const NOW: u64 = 1_774_202_400_000;

    fn jwt(payload: &str) -> SecretString {
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload)).into()
    }

    fn fresh(payload: &str) -> Token {
        Token::new(jwt(payload), 1, NOW, NOW, ELSE)
    }

    #[tokio::test(start_paused = true)]
    async fn due_five_minutes_before_its_end_and_not_a_second_sooner() {
        let token = fresh(r#"{"iat":1774202400,"exp":1774206000}"#);
        tokio::time::advance(Duration::from_mins(55) - Duration::from_secs(1)).await;
        assert!(!token.is_due(BEFORE));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(token.is_due(BEFORE));
        assert_eq!(token.remaining(), Some(BEFORE));
    }

    #[tokio::test(start_paused = true)]
    async fn without_exp_or_with_an_absurd_one_the_manifest_rules() {
        for payload in ["{}", r#"{"exp":"never"}"#, r#"{"exp":-5}"#, r#"{"exp":1e300}"#, r#"{"exp":1,"iat":2}"#, "x"] {
            assert_eq!(fresh(payload).remaining(), Some(DAY), "{payload}");
        }
        assert_eq!(fresh(r#"{"iat":0,"exp":253402300799}"#).remaining(), Some(LONGEST_LIFE));
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_is_read_under_either_name_as_a_number_and_as_a_date() {
        for end in [r#""exp":1774206000"#, r#""expires_at":1774206000"#, r#""expires_at":"2026-03-22T19:00:00Z""#] {
            for since in ["", r#","iat":1774202400"#] {
                let token = fresh(&format!("{{{end}{since}}}"));
                assert_eq!(token.remaining(), Some(Duration::from_hours(1)), "{end}{since}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_a_day_off_changes_nothing() {
        let payload = r#"{"iat":1774202400,"exp":1774288800}"#;
        let day = 86_400_000;
        for got_at in [NOW - day, NOW, NOW + day] {
            let token = Token::new(jwt(payload), 1, got_at, got_at, ELSE);
            assert!(!token.is_due(BEFORE));
            assert_eq!(token.remaining(), Some(DAY));
        }
        // Set back by a day between the login and a restart: it seems new, and a 401 will tell.
        assert_eq!(Token::new(jwt(payload), 1, NOW, NOW - day, ELSE).remaining(), Some(DAY));
        assert!(Token::new(jwt(payload), 1, NOW, NOW + day, ELSE).is_due(BEFORE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_life_is_used_for_half_of_it() {
        let token = fresh(r#"{"iat":1774202400,"exp":1774202460}"#);
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(!token.is_due(BEFORE));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(token.is_due(BEFORE));
        assert!(!fresh(r#"{"iat":1774202400,"exp":1774202401}"#).is_due(BEFORE), "never sooner than 10 s");
    }
}
