//! Asks for one page of the event log, and says what came instead of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::page::Page;
use crate::adapter::{Log, Root, Scope};
use crate::clock::Clock;
use crate::http::{Failure, Response};
use crate::line::Dropped;
use crate::line::refusal::refusal;
use crate::retry::retry_after;
use crate::session::{self, Session};

/// The largest page that is read. A log has no smaller pages to offer, and none behind one that cannot be read: so
/// what is over the bound of all other bodies is asked for again with more room. Bytes.
const LARGEST: usize = 16 << 20;

/// Asks one workspace's log.
#[derive(Clone)]
pub(super) struct Asker {
    pub session: Session,
    pub clock: Clock,
    pub later: Duration,
    pub log: Arc<Log>,
    /// How far the platform's clock is ahead of ours, in milliseconds, as its last answer said.
    pub ahead: Arc<AtomicI64>,
    /// The platform has said that the seat is gone: what is read is what was said last.
    pub farewell: bool,
}

impl Asker {
    /// The page behind `cursor`.
    pub async fn page(self, cursor: Option<String>) -> Result<Page, Dropped> {
        let answer = match self.answer(cursor.as_deref(), None).await {
            Err(session::Error::Network(Failure::TooLarge { .. })) => {
                self.answer(cursor.as_deref(), Some(LARGEST)).await
            }
            answer => answer,
        };
        let answer = match answer {
            Err(session::Error::Network(Failure::TooLarge { cap, .. })) => {
                return Err(Dropped::Unreadable(format!("a page has more than {cap} bytes")));
            }
            answer => answer?,
        };
        if let Some(date) = answer.date() {
            let ahead = date.cast_signed().saturating_sub(self.clock.now().cast_signed());
            self.ahead.store(ahead, Ordering::Relaxed);
        }
        if answer.is_success() {
            return Page::read(&answer.body, &self.log, cursor.as_deref());
        }
        Err(self.refusal(&answer, cursor.is_some()))
    }

    /// A time of our clock, in milliseconds since 1970, by the platform's clock as far as that is known.
    pub fn by_their_clock(&self, at: u64) -> u64 {
        at.saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }

    async fn answer(&self, cursor: Option<&str>, cap: Option<usize>) -> Result<Response, session::Error> {
        let scope = match cursor {
            Some(cursor) => Scope::new().with(Root::Line, "cursor", cursor),
            None => Scope::new(),
        };
        let mut request = self.session.prepare(&self.session.manifest().receive.call, scope)?;
        request.bounds.body = cap;
        if self.farewell { self.session.send_at_last(request).await } else { self.session.send(request).await }
    }

    fn refusal(&self, answer: &Response, resumed: bool) -> Dropped {
        let asked = retry_after(&answer.headers, self.clock.now());
        let refused = self.log.refused.as_ref().is_some_and(|sign| sign.fits(answer.status, &answer.body));
        match refusal(self.session.manifest(), answer.status, &answer.body, asked, self.later) {
            revoked @ Dropped::Revoked(_) => revoked,
            _ if resumed && refused => Dropped::CursorRefused { status: answer.status },
            dropped => dropped,
        }
    }
}
