//! The event log: one row per grant that may see what happened, ids ascending over all grants.

use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::{cursor, record::GrantId, world::World};

/// One row of `agent_events`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// `agent_events.id`: monotonic over the whole platform.
    pub id: u64,
    /// Such as `chat.created`.
    pub event_type: String,
    /// The grant that this row is for; nobody else sees it.
    pub grant: GrantId,
    /// The envelope, exactly as polling, webhook and cable give it.
    pub body: Value,
}

/// Why nothing can be read from a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorError {
    /// It is not one that this platform made.
    Invalid,
    /// It is good, but too old for a replay over the cable; polling takes it.
    TooOld,
}

/// What an event is about; the envelope is made from it.
#[derive(Debug)]
pub(crate) struct Happening {
    pub(crate) event_type: &'static str,
    pub(crate) topic: Option<u64>,
    pub(crate) chat: Option<u64>,
    pub(crate) actor: Option<String>,
    pub(crate) payload: Value,
}

impl World {
    /// The visible events of a grant after a cursor (all of them without one), ascending.
    ///
    /// # Errors
    /// The cursor is malformed, or too old for the cable.
    pub fn events_after(&self, grant: GrantId, cursor: Option<&str>) -> Result<Vec<StoredEvent>, CursorError> {
        let after = self.place_of(cursor)?;
        let events: Vec<StoredEvent> = self.events_beyond(grant, after).cloned().collect();
        let gone = events.first().is_some_and(|it| it.id <= self.replay_gone);
        if cursor.is_some() && (gone || after < self.replay_floor) {
            return Err(CursorError::TooOld);
        }
        Ok(events)
    }

    /// The opaque cursor that stands for an event's id.
    pub fn cursor_of(&self, id: u64) -> String {
        cursor::encode(self.cursor_epoch, id)
    }

    /// Hears of every event from now on, of all grants, in the order in which they become visible.
    /// A receiver that lags reads [`World::events_after`].
    pub fn hear_events(&self) -> broadcast::Receiver<StoredEvent> {
        self.told.subscribe()
    }

    /// The id that a cursor stands for; 0 without one.
    pub(crate) fn place_of(&self, cursor: Option<&str>) -> Result<u64, CursorError> {
        cursor.map_or(Ok(0), |it| cursor::decode(self.cursor_epoch, it).ok_or(CursorError::Invalid))
    }

    pub(crate) fn events_beyond(&self, grant: GrantId, after: u64) -> impl Iterator<Item = &StoredEvent> {
        let later = self.events.range(after.saturating_add(1)..).map(|(_, event)| event);
        later.filter(move |it| it.grant == grant && !self.unseen.contains(&it.id))
    }

    /// Stores a row for one grant and tells whoever listens, unless its visibility is held back.
    pub(crate) fn record(&mut self, grant: GrantId, what: &Happening) -> u64 {
        self.last_event += 1;
        let id = self.last_event;
        if self.options.null_timestamps {
            self.served("events.null_timestamps");
        }
        if self.options.null_topic_ids {
            self.served("events.null_topic_id");
        }
        let topic = what.topic.filter(|_| !self.options.null_topic_ids);
        let body = json!({
            "id": id,
            "event_id": id,
            "event_type": what.event_type,
            "occurred_at": self.time_json(Some(self.now())),
            "topic_id": topic,
            "chat_id": what.chat,
            "actor_handle": what.actor,
            "payload": what.payload,
        });
        let body = self.shaped(body);
        let event = StoredEvent { id, event_type: what.event_type.into(), grant, body };
        self.events.insert(id, event.clone());
        self.push.transports.begin(id);
        if self.hold_events > 0 {
            self.hold_events -= 1;
            self.unseen.insert(id);
        } else {
            self.tell(event);
        }
        id
    }

    /// Makes visible what was held back, lowest id first.
    pub(crate) fn show_events(&mut self) {
        self.hold_events = 0;
        for id in std::mem::take(&mut self.unseen) {
            if let Some(event) = self.events.get(&id).cloned() {
                self.tell(event);
            }
        }
    }

    fn tell(&self, event: StoredEvent) {
        // Nobody may be listening.
        let _deaf = self.told.send(event);
    }
}
