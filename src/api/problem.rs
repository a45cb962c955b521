//! Why a call is refused: one stable word, one sentence, and what both doors make of it.

use serde::Serialize;

use crate::deliver::{Refusal, Refused};
use crate::store::StoreError;

/// A refused call. `kind` never changes its meaning; `message` says what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{message}")]
pub struct Problem {
    /// The stable word: `no_such_consumer`, `bad_params`, …
    pub kind: &'static str,
    /// For people.
    pub message: String,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Parameters of a wrong name, type or value.
    pub fn bad_params(message: impl Into<String>) -> Self {
        Self::new("bad_params", message)
    }

    /// The JSON-RPC code (JSON-RPC 2.0, section 5.1); -32000 for what is the bridge's own.
    pub fn code(&self) -> i32 {
        match self.kind {
            "not_json" => -32_700,
            "not_a_request" | "batch" | "line_too_long" => -32_600,
            "unknown_method" => -32_601,
            "bad_params" | "bad_parameter" => -32_602,
            "store_failed" | "internal" => -32_603,
            _ => -32_000,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self.kind {
            "unauthorised" => 401,
            "forbidden" | "call_off" => 403,
            "unknown_method" | "not_found" => 404,
            kind if kind.starts_with("no_such_") => 404,
            "method_not_allowed" => 405,
            "consumer_busy" | "consumer_disabled" | "consumer_gone" | "not_leased" | "already_settled"
            | "not_delivered" | "exists" | "from_config" | "needs_action" | "lacks" => 409,
            "too_slow" => 408,
            "line_too_long" | "body_too_long" => 413,
            "bad_content_type" => 415,
            "too_many_requests" => 429,
            "store_failed" | "internal" => 500,
            "platform" | "unreachable" => 502,
            "stopping" | "store_full" | "no_session" | "no_daemon" => 503,
            _ => 400,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Store(error) => error.into(),
            other => Self::new(other.kind(), other.to_string()),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::new(refused.kind, refused.message)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Full => "store_full",
            StoreError::Failed(_) => "store_failed",
            StoreError::Closed => "stopping",
        };
        Self::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_door_has_its_number() {
        let cases = [
            ("not_json", -32_700, 400),
            ("batch", -32_600, 400),
            ("unknown_method", -32_601, 404),
            ("bad_params", -32_602, 400),
            ("no_such_consumer", -32_000, 404),
            ("consumer_busy", -32_000, 409),
            ("store_failed", -32_603, 500),
        ];
        for (kind, code, status) in cases {
            let problem = Problem::new(kind, "");
            assert_eq!((problem.code(), problem.status()), (code, status), "{kind}");
        }
    }
}
