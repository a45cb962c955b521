//! What becomes of a delivery: what the platform is told, and how it is counted.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its event is committed.
    Taken,
    /// The grant was taken away, and the feed has its last word: a late delivery is taken, so that it does not come
    /// again, and changes nothing.
    Gone,
    /// The commit did not come in time.
    TooLate,
    /// Nobody runs the workspace's line, or what ran it ended meanwhile.
    Nobody,
    /// Too many deliveries of this workspace wait already.
    Busy,
    /// The disk budget is reached.
    Full,
    /// The bridge is stopping, or its store cannot be read.
    Stopping,
    /// No such workspace, no webhooks there, or another path.
    Unknown,
    /// There is no secret to verify it with.
    NoSecret,
    /// The signature is missing, no signature, or another one.
    Forged,
    /// Signed, and no JSON object.
    NotJson,
    /// It ended before its end.
    CutOff,
    /// Larger than the cap.
    TooLarge,
    /// It did not come whole in time.
    TooSlow,
    /// Another method than POST.
    NotPost,
}

impl Answer {
    /// What the platform is told. All that a stranger could learn from is one status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Taken | Self::Gone => StatusCode::NO_CONTENT,
            Self::TooLate | Self::Nobody | Self::Busy | Self::Full | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unknown | Self::NoSecret | Self::Forged => StatusCode::UNAUTHORIZED,
            Self::NotJson | Self::CutOff => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NotPost => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// Its stable name in the metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Gone => "gone",
            Self::TooLate => "too_late",
            Self::Nobody => "nobody",
            Self::Busy => "busy",
            Self::Full => "full",
            Self::Stopping => "stopping",
            Self::Unknown => "unknown",
            Self::NoSecret => "no_secret",
            Self::Forged => "forged",
            Self::NotJson => "not_json",
            Self::CutOff => "cut_off",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::NotPost => "not_post",
        }
    }
}

impl IntoResponse for Answer {
    /// The body depends on the status alone.
    fn into_response(self) -> Response {
        let status = self.status();
        let words = match status {
            StatusCode::NO_CONTENT => return status.into_response(),
            StatusCode::UNAUTHORIZED => "not authorised\n",
            StatusCode::BAD_REQUEST => "not a whole JSON object\n",
            StatusCode::PAYLOAD_TOO_LARGE => "too large\n",
            StatusCode::REQUEST_TIMEOUT => "too slow\n",
            StatusCode::METHOD_NOT_ALLOWED => "use POST\n",
            _ => "not now; send it again\n",
        };
        let mut response = (status, words).into_response();
        if self == Self::NotPost {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

type Counters = Family<[(&'static str, &'static str); 1], Counter>;

/// How many deliveries came, by what became of them. Not by workspace: a stranger could name any. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tally(Counters);

impl Tally {
    /// One more.
    pub fn count(&self, answer: Answer) {
        self.0.get_or_create(&[("answer", answer.name())]).inc();
    }

    /// How many so far.
    pub fn of(&self, answer: Answer) -> u64 {
        self.0.get_or_create(&[("answer", answer.name())]).get()
    }

    /// For the metrics.
    pub fn counters(&self) -> Counters {
        self.0.clone()
    }
}
