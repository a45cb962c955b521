//! Hears from a stream who is there. What it says is a hint to look whether something was said, and a change of how
//! somebody is becomes `participant.changed`. That the stream is lost costs time alone: it is opened again.

mod roll;

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::Dropped;
use super::event_stream::{Item, is_event_stream};
use super::intake::Intake;
use super::link::Link;
use super::refusal::refusal_of;
use super::report::Report;
use super::schedule::jittered;
use super::timing::Timing;
use super::wait::{chance, room};
use crate::adapter::{self, Scope};
use crate::clock::Clock;
use crate::event::{Arrival, Draft, Type, Via};
use crate::normalise::{Mapping, Scrubber};
use crate::retry::{Backoff, retry_after};
use crate::session::Session;
use crate::store::{Change, Health, Store, StoreError};
use roll::{Changed, Roll};

/// The line's name, under which it is kept who was there.
pub const LINE: &str = "attendance";
/// Without a byte for so long the stream is dead, where the manifest says nothing.
const SILENCE: Duration = Duration::from_secs(75);
/// A stream that the platform does not have, or keeps from the agent, is asked for again after so long.
const SHUT: Duration = Duration::from_mins(30);

/// What such a line is made of.
pub struct Parts {
    /// Authorises and opens.
    pub session: Session,
    /// Which stream, and what its frames mean.
    pub spec: Arc<adapter::Attendance>,
    /// Where events are kept, and who was there.
    pub store: Store,
    /// The only wall time.
    pub clock: Clock,
    /// How long and how much.
    pub timing: Timing,
    /// What the line says of itself.
    pub report: Report,
}

/// What is heard.
#[derive(Debug)]
pub enum Heard {
    /// Something: it is worth looking whether something was said.
    Something,
    /// The store failed, and with it everything (P11).
    Failed(StoreError),
}

/// One stream.
pub struct Attendance {
    session: Session,
    spec: Arc<adapter::Attendance>,
    clock: Clock,
    timing: Timing,
    report: Report,
    intake: Intake,
    health: watch::Receiver<Health>,
    backoff: Backoff,
    roll: Roll,
    link: Option<Link>,
}

impl Attendance {
    /// The line, with what the store remembers of who was there. Sends nothing yet.
    pub fn new(parts: Parts) -> Result<Self, StoreError> {
        let Parts { session, spec, store, clock, timing, report } = parts;
        let workspace = session.record().name;
        report.bound(spec.silence.map_or(SILENCE, |span| span.0));
        Ok(Self {
            roll: Roll::read(store.cursor(&workspace, LINE)?.as_deref()),
            intake: Intake::new(store.clone(), workspace, LINE, report.clone(), 1),
            health: store.health(),
            backoff: Backoff::new(timing.first_wait, timing.longest_wait),
            session,
            spec,
            clock,
            timing,
            report,
            link: None,
        })
    }

    /// Waits until something is heard; opens the stream again as often as it takes. May be dropped: what is lost then is
    /// said again by the next stream.
    pub async fn next(&mut self) -> Heard {
        loop {
            let heard = match self.link.take() {
                None => self.open().await.map(|()| false),
                Some(link) => self.hear(link).await,
            };
            match heard {
                Ok(true) => return Heard::Something,
                Ok(false) => {}
                Err(Dropped::Store(error @ (StoreError::Failed(_) | StoreError::Closed))) => {
                    return Heard::Failed(error);
                }
                Err(why) => self.wait(why).await,
            }
        }
    }

    async fn open(&mut self) -> Result<(), Dropped> {
        self.report.phase("dialing", None);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let stream = self.session.stream(&self.spec.call, Scope::new(), headers).await?;
        if stream.status != 200 {
            let asked = retry_after(&stream.headers, self.clock.now());
            let manifest = self.session.manifest();
            return Err(refusal_of(&self.spec.call, manifest, stream.status, b"", asked, self.timing.later));
        }
        let kind = stream.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("without a type");
        if !is_event_stream(kind) {
            return Err(Dropped::NotAStream(kind.chars().take(80).collect()));
        }
        self.link = Some(Link::new(stream.body, None, self.timing.frame));
        self.report.phase("live", None);
        Ok(())
    }

    /// What the stream says next, committed; whether it said anything but that it is there.
    async fn hear(&mut self, mut link: Link) -> Result<bool, Dropped> {
        let silence = self.spec.silence.map_or(SILENCE, |span| span.0);
        let items = timeout(silence, link.burst()).await.map_err(|_| Dropped::Silent(silence))??;
        self.link = Some(link);
        self.report.byte();
        let (mut changed, mut said) = (Vec::new(), false);
        let before = self.roll.clone();
        for item in items {
            let Item::Event(frame) = item else { continue };
            said = true;
            let Ok(body) = serde_json::from_str::<Value>(&frame.data) else { continue };
            let name = self.spec.name.text(&body).unwrap_or_else(|| frame.event.to_string());
            changed.extend(self.roll.take(&self.spec, &name, &body));
        }
        if said {
            // Only a stream that speaks is a good one: one that ends at once must not be asked for all the time.
            self.backoff.good();
        }
        if self.roll != before {
            self.tell(changed, before).await?;
        }
        Ok(said)
    }

    /// Tells the changes, and in the same commit keeps how everybody is.
    async fn tell(&mut self, changed: Vec<Changed>, before: Roll) -> Result<(), StoreError> {
        let record = self.session.record();
        let mapping = Mapping::new(Arc::clone(self.session.manifest()), &record, self.session.secrets());
        let drafts = changed.into_iter().map(|it| self.draft(it, &mapping)).collect();
        let (workspace, line, value) = (record.name, LINE.to_owned(), Some(self.roll.row()));
        let arrival = Arrival { at: self.clock.now(), via: Via::Sse };
        let told = self.intake.commit(drafts, Some(arrival), vec![Change::Cursor { workspace, line, value }]).await;
        if told.is_err() {
            // What was not told is a change still, when the stream says it again.
            self.roll = before;
        }
        told
    }

    fn draft(&self, changed: Changed, mapping: &Mapping) -> Draft {
        let Changed { id, now, was } = changed;
        let scrub = |text: &str| Scrubber::new(self.session.secrets()).scrub(text).into_owned();
        let me = mapping.is_me(Some(&id), None) || now.name.as_deref().is_some_and(|it| mapping.is_me(Some(it), None));
        let participant = json!({
            "id": scrub(&id), "name": now.name.as_deref().map(scrub), "origin": now.origin.as_deref().map(scrub), "me": me,
        });
        let more = Map::from_iter([
            ("participant".to_owned(), participant),
            ("state".to_owned(), json!(scrub(&now.state))),
            ("was".to_owned(), json!(was.as_deref().map(scrub))),
        ]);
        let record = self.session.record();
        let mut draft = Draft::about(&record.name, Type::ParticipantChanged, self.clock.stamp(), more);
        draft.platform = Some(record.platform.into());
        draft
    }

    async fn wait(&mut self, why: Dropped) {
        self.link = None;
        let shut = matches!(why, Dropped::Gone { .. } | Dropped::NotAStream(_));
        let asked = why.asks().unwrap_or_default();
        let wait = if shut { jittered(SHUT, chance()) } else { self.backoff.next_after(asked) };
        tracing::info!(workspace = %self.session.record().name, %why, ?wait, "who is there cannot be heard");
        self.report.dropped(&why);
        self.report.phase("waiting", Some(Instant::now() + wait));
        sleep(wait).await;
        // A store that failed says so when it is used.
        let _open = room(&mut self.health).await;
    }
}
