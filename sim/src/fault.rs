//! Faults of single requests, addressed by route and count; the same for every platform.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) mod effect;

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Answers this status without any effect: 401, 403, 500, 502 (instance offline), 504 (slow) …
    Status {
        /// The status.
        status: u16,
    },
    /// 429 with `Retry-After` verbatim: seconds, a date, or nonsense.
    TooMany {
        /// The header's value.
        retry_after: String,
    },
    /// Takes effect, then answers 500.
    StoredThen500,
    /// Takes effect; the connection closes without a byte.
    ReplyLost,
    /// The connection closes without a byte, and nothing took effect.
    RequestLost,
    /// Takes effect; half of the reply's body, then the connection closes.
    HalfBody,
    /// Takes effect; a whole reply whose JSON stops in the middle.
    TruncatedJson,
    /// A web page with status 200, and no effect.
    Html,
    /// A 200 whose body is this long, and no effect.
    Huge {
        /// Bytes; 100 MB in the stories.
        bytes: u64,
    },
    /// Takes effect where `applied`, and never answers.
    NeverAnswers {
        /// Whether it takes effect first.
        applied: bool,
    },
    /// Waits, then takes effect and answers.
    DelayRequest {
        /// How long, in milliseconds.
        millis: u64,
    },
    /// Takes effect, then waits before it answers.
    DelayReply {
        /// How long, in milliseconds.
        millis: u64,
    },
}

impl Fault {
    /// The stable word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::TooMany { .. } => "too_many",
            Self::StoredThen500 => "stored_then_500",
            Self::ReplyLost => "reply_lost",
            Self::RequestLost => "request_lost",
            Self::HalfBody => "half_body",
            Self::TruncatedJson => "truncated_json",
            Self::Html => "html",
            Self::Huge { .. } => "huge",
            Self::NeverAnswers { .. } => "never_answers",
            Self::DelayRequest { .. } => "delay_request",
            Self::DelayReply { .. } => "delay_reply",
        }
    }

    /// How long to wait before the request takes effect.
    pub(crate) fn before(&self) -> Duration {
        match self {
            Self::DelayRequest { millis } => Duration::from_millis(*millis),
            _ => Duration::ZERO,
        }
    }
}

/// A fault that waits for its requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Armed {
    /// Method and route template without `/api/v1`, such as `POST /channels/{id}/messages`;
    /// `*` is every request. Where a query chooses what a route does, the route alone is all of it.
    pub route: String,
    /// How many matching requests pass first.
    #[serde(default)]
    pub after: u32,
    /// How many requests it then strikes.
    #[serde(default = "once")]
    pub count: u32,
    /// What happens to them.
    pub fault: Fault,
}

fn once() -> u32 {
    1
}

/// The fault that strikes this request: the first armed one whose turn has come.
pub(crate) fn strike(armed: &mut Vec<Armed>, route: &str) -> Option<Fault> {
    let mut struck = None;
    let whole = route.split('?').next();
    for one in armed.iter_mut().filter(|one| ["*", route].contains(&&*one.route) || whole == Some(&one.route)) {
        if one.after > 0 {
            one.after -= 1;
        } else if struck.is_none() && one.count > 0 {
            one.count -= 1;
            struck = Some(one.fault.clone());
        }
    }
    armed.retain(|one| one.count > 0);
    struck
}
