//! Opens a stream: asks for one, resumes where the last one ended, and takes nothing else for it.

use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::timeout;

use crate::adapter::Scope;
use crate::clock::Clock;
use crate::http::Stream;
use crate::line::Dropped;
use crate::line::event_stream::{Item, Limits, is_event_stream};
use crate::line::link::Link;
use crate::line::refusal::refusal;
use crate::retry::retry_after;
use crate::session::Session;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Opens one workspace's streams.
#[derive(Clone)]
pub(super) struct Dial {
    pub session: Session,
    pub clock: Clock,
    pub greeting: Duration,
    pub later: Duration,
    pub frame: Limits,
}

/// A stream that takes over from another, with what it has said so far.
pub(super) struct Fresh {
    pub link: Link,
    pub first: Vec<Item>,
}

impl Dial {
    /// Opens a stream behind `cursor`.
    pub async fn open(&self, cursor: Option<String>) -> Result<Link, Dropped> {
        let call = &self.session.manifest().receive.call;
        let header = cursor.as_deref().and_then(header_value);
        let stream = self.session.stream(call, Scope::new(), headers(header.clone())).await?;
        self.check(&stream, header.is_some())?;
        let resumed = header.and(cursor);
        Ok(Link::new(stream.body, resumed.as_deref(), self.frame))
    }

    /// Opens a stream beside another one, and waits until it speaks, or could have.
    pub async fn renew(&self, cursor: Option<String>) -> Result<Fresh, Dropped> {
        let mut link = self.open(cursor).await?;
        let first = match timeout(self.greeting, link.burst()).await {
            Ok(burst) => burst?,
            Err(_) => Vec::new(),
        };
        Ok(Fresh { link, first })
    }

    fn check(&self, stream: &Stream, resumed: bool) -> Result<(), Dropped> {
        if stream.status != 200 {
            return Err(self.refusal(stream, resumed));
        }
        let kind = stream.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("without a type");
        if is_event_stream(kind) { Ok(()) } else { Err(Dropped::NotAStream(kind.chars().take(80).collect())) }
    }

    fn refusal(&self, stream: &Stream, resumed: bool) -> Dropped {
        let asked = retry_after(&stream.headers, self.clock.now());
        match refusal(self.session.manifest(), stream.status, b"", asked, self.later) {
            revoked @ Dropped::Revoked(_) => revoked,
            // Asked again without a cursor; where the stream itself is gone, that answers the same and is believed.
            _ if resumed && matches!(stream.status, 400 | 410 | 412 | 416 | 422) => {
                Dropped::CursorRefused { status: stream.status }
            }
            dropped => dropped,
        }
    }
}

/// The header that resumes; `None` for an id that no header carries (the parser lets no CR, LF or NUL through).
fn header_value(cursor: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(cursor.as_bytes()).ok().filter(|value| !value.is_empty())
}

fn headers(cursor: Option<HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // A relay buffers what does not ask for a stream (field notes of agentunited).
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(cursor.map(|cursor| (LAST_EVENT_ID, cursor)));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_cursor_makes_no_header() {
        for bad in ["a\r\nx: y", "a\nb", "a\0b", ""] {
            assert_eq!(header_value(bad), None, "{bad:?}");
        }
        assert_eq!(header_value("b2c1ü").unwrap().as_bytes(), "b2c1ü".as_bytes());
    }
}
