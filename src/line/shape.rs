//! Gives frames and messages of a history their form as events: who the agent is, which rooms there are, what is late.

mod log;
mod own;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::action::{Action, State};
use crate::adapter::Action as Verb;
use crate::clock::Clock;
use crate::event::{Conversation, Draft, Identity, Type, WorkspaceName};
use crate::line::walk::{Seen, TAIL};
use crate::normalise::{self, Frame, Mapping, Room};
use crate::session::Session;
use crate::store::{Store, StoreError, WorkspaceRecord};

/// Conversations, and edited messages, whose newest time is remembered, to mark what a stream tells out of order.
const LANES: usize = 10_000;

/// How long an echo may wait for the answer that says whose it is.
const TAUGHT: Duration = Duration::from_secs(10);

/// What shaping must know; follows the session's record, the rooms and the outbox.
pub struct Shaper {
    session: Session,
    store: Store,
    clock: Clock,
    record: watch::Receiver<WorkspaceRecord>,
    actions: watch::Receiver<u64>,
    workspace: WorkspaceName,
    rooms: HashMap<String, Room>,
    mapping: Arc<Mapping>,
    own: own::Own,
    newest: HashMap<String, Timestamp>,
    /// What the stream told of each conversation since its last walk, in its order.
    streamed: HashMap<String, Vec<Seen>>,
    /// Of messages that were edited: the newest edit told, where revisions are times.
    edited: HashMap<(String, String), Timestamp>,
    /// Which message stands where, on a platform whose replies name places.
    places: log::Places,
    /// What was told last, on a platform that numbers its events.
    numbers: log::Numbers,
}

impl Shaper {
    /// A shaper for the workspace of this session.
    pub fn new(session: Session, store: Store, clock: Clock) -> Result<Self, StoreError> {
        let mut record = session.changes();
        let mut actions = store.outbox_changed(&session.record().name);
        let (now, _) = (record.borrow_and_update().clone(), actions.borrow_and_update().to_owned());
        let mapping = Arc::new(Mapping::new(Arc::clone(session.manifest()), &now, session.secrets()));
        let mut own = own::Own::default();
        own.follow(&store, &now.name)?;
        let (rooms, newest, streamed, edited) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
        let (workspace, places, numbers) = (now.name, log::Places::default(), log::Numbers::default());
        Ok(Self {
            session,
            store,
            clock,
            record,
            actions,
            workspace,
            rooms,
            mapping,
            own,
            newest,
            streamed,
            edited,
            places,
            numbers,
        })
    }

    /// Follows what changed meanwhile: facts, tokens (to be scrubbed), own actions.
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        if self.record.has_changed().unwrap_or(false) {
            self.record.mark_unchanged();
            self.remap();
        }
        if self.actions.has_changed().unwrap_or(false) {
            self.actions.mark_unchanged();
            self.own.follow(&self.store, &self.workspace)?;
        }
        Ok(())
    }

    /// Where the answer to an own action is under way that teaches a workspace its own id, waits for it, for at most
    /// [`TAUGHT`]: its echo may be faster, and would be taken for somebody else's word.
    pub async fn knows_itself(&mut self) -> Result<(), StoreError> {
        let me = &self.session.manifest().me.ids;
        if me.iter().any(|fact| self.record.borrow().facts.contains_key(fact)) {
            return self.refresh();
        }
        let verbs = &self.session.manifest().actions;
        let taught_by = |verb: &Verb| verb.call.take.names().any(|taken| me.iter().any(|fact| fact == taken));
        if !verbs.iter().any(|(_, verb)| taught_by(verb)) {
            return self.refresh();
        }
        let teaches = |action: &Action| action.state == State::Trying && verbs.get(&action.verb).is_some_and(taught_by);
        let mut changed = self.store.outbox_changed(&self.workspace);
        let until = Instant::now() + TAUGHT;
        loop {
            changed.mark_unchanged();
            let under_way = self.store.outbox(&self.workspace)?.iter().any(teaches);
            if !under_way || !matches!(timeout_at(until, changed.changed()).await, Ok(Ok(()))) {
                // What was committed a moment ago is seen in the store before its bell is heard.
                self.own.follow(&self.store, &self.workspace)?;
                return self.refresh();
            }
        }
    }

    /// The rooms as the platform lists them now.
    pub fn listed(&mut self, rooms: &[(String, Room)]) {
        let same = rooms.iter().all(|(id, room)| self.rooms.get(id) == Some(room));
        if !same {
            self.rooms.extend(rooms.iter().cloned());
            self.remap();
        }
    }

    /// The wall time now, milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The mapping in force.
    pub fn mapping(&self) -> Arc<Mapping> {
        Arc::clone(&self.mapping)
    }

    /// The event of a frame, not [placed](Self::place) yet; `None` for what is of no interest.
    pub fn frame(&mut self, name: &str, body: &str) -> Option<Draft> {
        let frame = Frame { name: Some(name), body, room: None };
        let mut draft = normalise::normalise(&frame, &self.mapping, &self.clock.stamp())?;
        self.claim(&mut draft);
        Some(draft)
    }

    /// Judges the event of a frame when its turn has come: while it waited, a history may have told newer ones.
    pub fn place(&mut self, draft: &mut Draft) {
        draft.data.late = self.is_late(draft);
        self.note(draft);
        self.remember(draft);
    }

    /// What the stream told of a conversation since its last walk.
    pub fn streamed(&self, room: &str) -> Vec<Seen> {
        self.streamed.get(room).cloned().unwrap_or_default()
    }

    /// A conversation was walked: from here on its anchor remembers.
    pub fn walked(&mut self, room: &str) {
        self.streamed.remove(room);
    }

    /// Keeps what a walk must find again, or call deleted; bounded like an anchor's tail.
    fn remember(&mut self, draft: &Draft) {
        let Some((room, at)) = spoken(draft) else { return };
        let Identity::Object { object, revision } = &draft.identity else { return };
        if self.streamed.len() >= LANES {
            self.streamed.clear();
        }
        let told = self.streamed.entry(room.to_owned()).or_default();
        if told.len() >= TAIL {
            told.remove(0);
        }
        let at = u64::try_from(at.as_millisecond()).ok();
        told.push(Seen { id: object.clone(), revision: revision.clone(), digest: None, at, size: 0 });
    }

    /// The event of a message of a history.
    pub fn item(&mut self, item: &Value, kind: Type, room: &str, late: bool, backfill: bool) -> Draft {
        let mut draft = normalise::from_history(item, kind, room, &self.mapping, &self.clock.stamp());
        self.claim(&mut draft);
        (draft.data.late, draft.data.backfill) = (late, backfill);
        self.note(&draft);
        draft
    }

    /// A message that is gone.
    pub fn deleted(&self, id: &str, room: &str) -> Draft {
        normalise::deleted(id, room, &self.mapping, &self.clock.stamp())
    }

    /// A hole that the bridge knows of (P9), with its bounds.
    pub fn gap(&self, reason: &str, conversation: Option<&str>, bounds: Value) -> Draft {
        let mut more = Map::from_iter([("reason".to_owned(), json!(reason))]);
        if let Value::Object(bounds) = bounds {
            more.extend(bounds);
        }
        let mut draft = Draft::about(&self.workspace, Type::WorkspaceGap, self.clock.stamp(), more);
        draft.data.conversation = conversation.map(|id| {
            let room = self.rooms.get(id).cloned().unwrap_or_default();
            Conversation { id: id.to_owned(), kind: room.kind, title: room.title, ..Conversation::default() }
        });
        draft
    }

    fn remap(&mut self) {
        let record = self.session.record();
        let mapping = Mapping::new(Arc::clone(self.session.manifest()), &record, self.session.secrets());
        self.mapping = Arc::new(mapping.with_rooms(self.rooms.clone()));
    }

    /// What an own action made is the agent's own, whatever account the platform shows for it.
    fn claim(&self, draft: &mut Draft) {
        let made = draft.data.message.as_ref().is_some_and(|message| self.own.made(&message.id));
        if made {
            draft.data.author.get_or_insert_default().me = true;
            draft.data.mentions_me = draft.data.mentions_me.map(|_| false);
        }
    }

    /// A stream tells a message that is older than one that it told before, or an edit that is older than one that a
    /// history told while the frame waited. A hint: time identifies nothing.
    fn is_late(&self, draft: &Draft) -> bool {
        if let Some((message, at)) = revised(draft) {
            return self.edited.get(&message).is_some_and(|newest| at < *newest);
        }
        spoken(draft).is_some_and(|(room, at)| self.newest.get(room).is_some_and(|newest| at < *newest))
    }

    fn note(&mut self, draft: &Draft) {
        if let Some((message, at)) = revised(draft) {
            if self.edited.len() >= LANES {
                self.edited.clear();
            }
            let newest = self.edited.entry(message).or_insert(at);
            *newest = at.max(*newest);
        }
        let Some((room, at)) = spoken(draft) else { return };
        if self.newest.len() >= LANES {
            self.newest.clear();
        }
        match self.newest.get_mut(room) {
            Some(newest) => *newest = at.max(*newest),
            None => drop(self.newest.insert(room.to_owned(), at)),
        }
    }
}

/// Where and when a message was created.
fn spoken(draft: &Draft) -> Option<(&str, Timestamp)> {
    let conversation = draft.data.conversation.as_ref().filter(|_| draft.kind == Type::MessageCreated)?;
    Some((&conversation.id, draft.time.parse().ok()?))
}

/// Which message was edited and when, where the platform's revisions are times.
fn revised(draft: &Draft) -> Option<((String, String), Timestamp)> {
    let conversation = draft.data.conversation.as_ref().filter(|_| draft.kind == Type::MessageUpdated)?;
    let Identity::Object { object, revision } = &draft.identity else { return None };
    Some(((conversation.id.clone(), object.clone()), revision.parse().ok()?))
}

#[cfg(test)]
mod tests;
