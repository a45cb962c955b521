//! What it means for a line that its request was answered with anything else than a success. Pure.

use std::time::Duration;

use super::Dropped;
use crate::adapter::{Call, Manifest, Outcome};

/// The outcome by which a manifest says that the seat is gone.
const REVOKED: &str = "revoked";
/// The outcome by which a manifest says that there is nothing to read yet.
pub(super) const NOT_READY: &str = "not_ready";

/// Why the line is down after this answer to the request that opens it. `asked` is the pause that the answer asks for;
/// a platform that only says "later" gets `later`.
pub(super) fn refusal(
    manifest: &Manifest,
    status: u16,
    body: &[u8],
    asked: Option<Duration>,
    later: Duration,
) -> Dropped {
    refusal_of(&manifest.receive.call, manifest, status, body, asked, later)
}

/// The same of any request of a line.
pub(super) fn refusal_of(
    call: &Call,
    manifest: &Manifest,
    status: u16,
    body: &[u8],
    asked: Option<Duration>,
    later: Duration,
) -> Dropped {
    let outcome = call.outcome(manifest, status, body);
    let words = match &outcome {
        Outcome::Named { message: Some(message), .. } => format!(": {message}"),
        _ => String::new(),
    };
    match status {
        _ if matches!(&outcome, Outcome::Named { is, .. } if is == REVOKED) => Dropped::Revoked(words),
        401 => Dropped::Unauthorised,
        429 => Dropped::Throttled(asked.unwrap_or(later)),
        403 | 404 | 410 => Dropped::Gone { status, words },
        _ => asked.map_or(Dropped::Failing { status, words }, Dropped::Throttled),
    }
}
