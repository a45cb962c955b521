//! What the answer to a question says that somebody must decide. Pure.

use std::time::Duration;

use serde_json::Value;

use crate::adapter::{Call, Manifest, Outcome, Wait};
use crate::clock::millis;
use crate::http::Response;
use crate::session;

/// An end further away is none: nobody waits for a year.
const FARTHEST: Duration = Duration::from_hours(366 * 24);

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    /// Nobody has decided; the platform may say when it stops waiting.
    Waits(Option<u64>),
    /// It will pass.
    Later(String),
    Rejected(String),
    Expired(String),
    /// It was approved, and what that gave can be had no more.
    Spent(String),
}

/// Reads an answer that came at `now` (milliseconds since 1970; its own date counts more).
pub(super) fn verdict(
    manifest: &Manifest,
    call: &Call,
    wait: &Wait,
    host: &str,
    answer: &Response,
    now: u64,
) -> Verdict {
    let words = || session::answer_words(manifest, call, host, answer);
    if brings(call, &wait.r#for, answer) {
        return Verdict::Approved;
    }
    if answer.status >= 500 || matches!(answer.status, 408 | 425 | 429) {
        return Verdict::Later(words());
    }
    let body = match call.outcome(manifest, answer.status, &answer.body) {
        Outcome::Named { is, message, .. } => {
            let words = message.map_or_else(|| format!("{host} says: {is}"), |words| format!("{host}: {words}"));
            let late = wait.expired.all().contains(&is);
            return if late { Verdict::Expired(words) } else { Verdict::Rejected(words) };
        }
        Outcome::Status(_) => return Verdict::Rejected(words()),
        Outcome::Ok => match answer.json() {
            Ok(body) => body,
            Err(bad) => return Verdict::Later(format!("{host} {bad}")),
        },
    };
    let today = answer.date().unwrap_or(now);
    match wait.ends.instant(&body).filter(|ends| ends.saturating_sub(today) <= millis(FARTHEST)) {
        Some(ends) if ends <= today => {
            let words = wait.expired.all().first().and_then(|name| manifest.words(name));
            let words = words.unwrap_or("nobody has decided before the platform stopped waiting");
            Verdict::Expired(format!("{host}: {words}"))
        }
        ends => Verdict::Waits(ends),
    }
}

/// Whether an answer brings what an approval gives: that alone is an approval, whatever the answer says beside it.
pub(super) fn brings(call: &Call, name: &str, answer: &Response) -> bool {
    let given = |value: &Value| value.as_str() != Some("");
    answer.is_success() && answer.json().is_ok_and(|body| call.take(&body).get(name).is_some_and(given))
}
