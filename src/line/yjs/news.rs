//! What others changed in an open document, told once they have paused: never what the agent itself wrote.

use std::time::Duration;

use serde_json::{Map, json};
use tokio::time::Instant;

use super::Parts;
use super::about::About;
use crate::document::diff::{Line, diff};
use crate::event::{Arrival, Conversation, ConversationKind, Data, Draft, Identity, Type, Via};
use crate::line::intake::Intake;
use crate::normalise::Scrubber;
use crate::store::StoreError;

/// So long nobody has changed anything: a sentence is not told letter by letter.
const PAUSE: Duration = Duration::from_secs(2);
/// Who never pauses is told after this.
const LONGEST: Duration = Duration::from_secs(30);
/// The difference that is told has so many changed lines at most, of so many bytes; the document can be read.
const LINES: usize = 200;
const BYTES: usize = 32 << 10;

/// What of a document was told.
pub(super) struct News {
    intake: Intake,
    /// As it was told, or stood when it was opened, with what the agent did since.
    told: Option<String>,
    /// The first and the last change that was not told.
    changed: Option<(Instant, Instant)>,
}

impl News {
    pub fn new(parts: &Parts) -> Self {
        let workspace = parts.session.record().name;
        let intake = Intake::new(parts.store.clone(), workspace, super::LINE, parts.report.clone(), 1);
        Self { intake: intake.under(parts.policy.clone()), told: None, changed: None }
    }

    /// Somebody else has changed something.
    pub fn changed(&mut self, now: Instant) {
        let first = self.changed.map_or(now, |(first, _)| first);
        self.changed = Some((first, now));
    }

    /// Whether it is known what was told.
    pub const fn has_begun(&self) -> bool {
        self.told.is_some()
    }

    /// Whether something is to be told, now or later.
    pub const fn waits(&self) -> bool {
        self.changed.is_some()
    }

    /// When that is to be told.
    pub fn due(&self) -> Option<Instant> {
        self.changed.map(|(first, last)| (last + PAUSE).min(first + LONGEST))
    }

    /// From here on what follows is new.
    pub fn stands(&mut self, text: String) {
        (self.told, self.changed) = (Some(text), None);
    }

    /// Tells what has changed since it was told last; what the store has no room for is told later.
    pub async fn tell(
        &mut self,
        parts: &Parts,
        (id, about): (&str, &About),
        text: String,
        now: Instant,
    ) -> Result<(), StoreError> {
        let told = self.told.as_deref();
        let Some(draft) = told.and_then(|told| draft(parts, (id, about), told, &text)) else {
            self.stands(text);
            return Ok(());
        };
        let arrival = Arrival { at: parts.clock.now(), via: Via::Yjs };
        match self.intake.commit(vec![draft], Some(arrival), Vec::new()).await {
            Err(StoreError::Full) => self.changed = Some((now, now)),
            Err(error) => return Err(error),
            Ok(()) => self.stands(text),
        }
        Ok(())
    }
}

/// The event; none where the text is the same.
fn draft(parts: &Parts, (id, about): (&str, &About), before: &str, after: &str) -> Option<Draft> {
    if before == after {
        return None;
    }
    let scrubber = Scrubber::new(parts.session.secrets());
    let mut found = diff(before, after, LINES, BYTES);
    for line in &mut found.lines {
        if let Line::Removed(text) | Line::Added(text) = line {
            *text = scrubber.scrub(text).into_owned();
        }
    }
    let record = parts.session.record();
    let more = Map::from_iter([("diff".to_owned(), json!(found.to_string())), ("cut".to_owned(), json!(found.cut))]);
    let kind = Some(ConversationKind::Document);
    let title = about.title.clone();
    let conversation = Conversation { id: id.to_owned(), kind, title, ..Conversation::default() };
    Some(Draft {
        workspace: record.name,
        platform: Some(record.platform.into()),
        kind: Type::DocumentChanged,
        identity: Identity::Sequence,
        time: parts.clock.stamp(),
        data: Data { conversation: Some(conversation), more, ..Data::default() },
    })
}
