//! Asks for a page of a list, or for one thing of it, and says what came instead.

use std::time::Duration;

use serde_json::Value;

use crate::adapter::{Call, Pointer, Root, Scope};
use crate::clock::Clock;
use crate::http::Failure;
use crate::line::Dropped;
use crate::line::refusal::refusal_of;
use crate::line::report::Report;
use crate::retry::retry_after;
use crate::session::{self, Session};

/// The largest body that is read: 500 appointments with descriptions of 5,000 characters fit. Bytes.
const LARGEST: usize = 16 << 20;

/// What came.
pub(super) enum Said {
    /// The list.
    Items(Vec<Value>),
    /// The platform does not give it, and says why.
    Shut(String),
}

/// Asks one platform.
pub(super) struct Asker {
    pub session: Session,
    clock: Clock,
    report: Report,
    later: Duration,
    /// How far the platform's clock is ahead of ours, in milliseconds, as its last answer said.
    ahead: i64,
}

impl Asker {
    pub const fn new(session: Session, clock: Clock, report: Report, later: Duration) -> Self {
        Self { session, clock, report, later, ahead: 0 }
    }

    /// A time of our clock, in milliseconds since 1970, by the platform's clock as far as that is known.
    pub const fn by_their_clock(&self, at: u64) -> u64 {
        at.saturating_add_signed(self.ahead)
    }

    /// One page of a list.
    pub async fn page(&mut self, call: &Call, at: &Pointer, limit: u16, offset: usize) -> Result<Said, Dropped> {
        let scope = Scope::new().with(Root::Page, "limit", limit).with(Root::Page, "offset", offset);
        self.items(call, at, scope).await
    }

    /// The list in the answer to a call.
    pub async fn items(&mut self, call: &Call, at: &Pointer, scope: Scope) -> Result<Said, Dropped> {
        let mut request = self.session.prepare(call, scope)?;
        request.bounds.body = Some(LARGEST);
        let answer = match self.session.send(request).await {
            Err(session::Error::Network(Failure::TooLarge { cap, .. })) => {
                return Ok(Said::Shut(format!("the answer has more than {cap} bytes")));
            }
            answer => answer?,
        };
        self.report.byte();
        if let Some(date) = answer.date() {
            let ahead = date.cast_signed().saturating_sub(self.clock.now().cast_signed());
            // A `Date` is to the second: less than one says nothing.
            self.ahead = if ahead.abs() < 1_000 { 0 } else { ahead };
        }
        if !answer.is_success() {
            let asked = retry_after(&answer.headers, self.clock.now());
            let manifest = self.session.manifest();
            return match refusal_of(call, manifest, answer.status, &answer.body, asked, self.later) {
                gone @ Dropped::Gone { .. } => Ok(Said::Shut(gone.to_string())),
                dropped => Err(dropped),
            };
        }
        match serde_json::from_slice::<Value>(&answer.body).map(|mut body| at.find_mut(&mut body).map(Value::take)) {
            Ok(None | Some(Value::Null)) => Ok(Said::Items(Vec::new())),
            Ok(Some(Value::Array(items))) => Ok(Said::Items(items)),
            _ => Err(Dropped::Unreadable("the answer is no list".to_owned())),
        }
    }
}
