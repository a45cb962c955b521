//! What others changed in an open document, told once they have paused: never what the agent itself wrote.

use std::time::Duration;

use serde_json::{Map, json};
use tokio::time::Instant;

use super::Parts;
use super::about::About;
use crate::document::diff::{Diff, Line, diff};
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

/// With what a document is compared when something of it is told.
enum Told {
    /// With nothing: it was not open yet.
    Nothing,
    /// With what stands in it. That is read in the moment before somebody else changes it, and is kept nowhere until then.
    AsItStands,
    /// With this: as it was told, or stood when it was opened, with what the agent did since.
    This(String),
    /// With what stood in a replica that had to be let go: nobody can tell what others have changed since.
    Lost,
}

/// What of a document was told.
pub(super) struct News {
    intake: Intake,
    told: Told,
    /// The first and the last change that was not told.
    changed: Option<(Instant, Instant)>,
}

impl News {
    pub fn new(parts: &Parts) -> Self {
        let workspace = parts.session.record().name;
        let intake = Intake::new(parts.store.clone(), workspace, super::LINE, parts.report.clone(), 1);
        Self { intake: intake.under(parts.policy.clone()), told: Told::Nothing, changed: None }
    }

    /// Somebody else has changed something.
    pub fn changed(&mut self, now: Instant) {
        let first = self.changed.map_or(now, |(first, _)| first);
        self.changed = Some((first, now));
    }

    /// Whether the document was open before.
    pub const fn has_begun(&self) -> bool {
        !matches!(self.told, Told::Nothing)
    }

    /// Whether it must be read before somebody else changes it.
    pub const fn wants_before(&self) -> bool {
        matches!(self.told, Told::AsItStands)
    }

    /// So it stood before somebody else changed it.
    pub fn stood(&mut self, before: &str) {
        if self.wants_before() {
            self.told = Told::This(before.to_owned());
        }
    }

    /// The document was let go as it stood.
    pub fn let_go(&mut self) {
        if self.wants_before() {
            self.told = Told::Lost;
        }
    }

    /// Whether something is to be told, now or later.
    pub const fn waits(&self) -> bool {
        self.changed.is_some()
    }

    /// When that is to be told.
    pub fn due(&self) -> Option<Instant> {
        self.changed.map(|(first, last)| (last + PAUSE).min(first + LONGEST))
    }

    /// What stands there now was told, or is the agent's own doing: what follows is new.
    pub fn stands(&mut self) {
        (self.told, self.changed) = (Told::AsItStands, None);
    }

    /// This of what stands there now, and no more, is the agent's own doing, or was told.
    pub fn stands_but(&mut self, own: String, now: Instant) {
        (self.told, self.changed) = (Told::This(own), Some((now, now)));
    }

    /// Tells what has changed since it was told last until it said this; what the store has no room for is told later.
    pub async fn tell(
        &mut self,
        parts: &Parts,
        (id, about): (&str, &About),
        text: &str,
        now: Instant,
    ) -> Result<(), StoreError> {
        let found = match &self.told {
            Told::Nothing | Told::AsItStands => None,
            Told::This(before) => (before != text).then(|| diff(before, text, LINES, BYTES)),
            Told::Lost => Some(Diff { cut: true, ..Diff::default() }),
        };
        let Some(found) = found else {
            self.stands();
            return Ok(());
        };
        let draft = draft(parts, (id, about), found);
        let arrival = Arrival { at: parts.clock.now(), via: Via::Yjs };
        match self.intake.commit(vec![draft], Some(arrival), Vec::new()).await {
            Err(StoreError::Full) => self.changed = Some((now, now)),
            Err(error) => return Err(error),
            Ok(()) => self.stands(),
        }
        Ok(())
    }
}

/// The event.
fn draft(parts: &Parts, (id, about): (&str, &About), mut found: Diff) -> Draft {
    let scrubber = Scrubber::new(parts.session.secrets());
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
    Draft {
        workspace: record.name,
        platform: Some(record.platform.into()),
        kind: Type::DocumentChanged,
        identity: Identity::Sequence,
        time: parts.clock.stamp(),
        data: Data { conversation: Some(conversation), more, ..Data::default() },
    }
}
