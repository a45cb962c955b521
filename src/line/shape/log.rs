//! Shaping entries of an event log, whose order is the log's, and finding the messages that its replies mean.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::Shaper;
use crate::event::{Draft, Message};
use crate::normalise;

/// Places whose message is remembered.
const PLACES: usize = 10_000;

impl Shaper {
    /// The event of an entry of a log, whichever way it came; not [told](Self::tell) yet. `None` for what is of no
    /// interest.
    pub fn entry(&self, name: Option<&str>, entry: &Value) -> Option<Draft> {
        let mut draft = normalise::entry(name, entry, &self.mapping, &self.clock.stamp())?;
        self.claim(&mut draft);
        Some(draft)
    }

    /// The event of an item of a list of what waits.
    pub fn waiting(&self, item: &Value, room: &str) -> Draft {
        let mut draft = normalise::waiting(item, room, &self.mapping, &self.clock.stamp());
        self.claim(&mut draft);
        draft
    }

    /// An entry goes into the feed, or is there already. `late`: the log has it before one that was told; what a push
    /// source brings (`None`) is judged by its time.
    pub fn tell(&mut self, draft: &mut Draft, late: Option<bool>) {
        draft.data.late = late.unwrap_or_else(|| self.is_late(draft));
        self.note(draft);
        if let Some(message) = &mut draft.data.message {
            self.places.learn(message);
            self.places.find(message);
        }
    }
}

/// Which message stands at which place: from what was read since the line began, bounded.
#[derive(Debug, Default)]
pub(super) struct Places {
    messages: HashMap<String, String>,
    oldest: VecDeque<String>,
}

impl Places {
    fn learn(&mut self, message: &Message) {
        let Some(place) = &message.place else { return };
        if self.messages.insert(place.clone(), message.id.clone()).is_none() {
            self.oldest.push_back(place.clone());
        }
        if self.oldest.len() > PLACES
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.messages.remove(&oldest);
        }
    }

    /// A reply to a place becomes a reply to the message that stands there; one to a place that nobody knows stays.
    fn find(&self, message: &mut Message) {
        let answered = message.reply_to_place.as_ref().and_then(|place| self.messages.get(place));
        if let Some(answered) = answered {
            message.reply_to = Some(answered.clone());
            message.reply_to_place = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, place: &str, answers: Option<&str>) -> Message {
        let reply_to_place = answers.map(str::to_owned);
        Message { id: id.into(), place: Some(place.into()), reply_to_place, ..Message::default() }
    }

    #[test]
    fn a_reply_names_the_message_where_that_is_known_and_its_place_where_not() {
        let mut places = Places::default();
        places.learn(&message("789", "9001", None));
        let mut reply = message("790", "9002", Some("9001"));
        places.find(&mut reply);
        assert_eq!((reply.reply_to.as_deref(), &reply.reply_to_place), (Some("789"), &None));
        let mut stranger = message("791", "9003", Some("7"));
        places.find(&mut stranger);
        assert_eq!((&stranger.reply_to, stranger.reply_to_place.as_deref()), (&None, Some("7")));
    }

    #[test]
    fn p10_the_oldest_place_is_forgotten_first() {
        let mut places = Places::default();
        for n in 0..=PLACES {
            places.learn(&message(&n.to_string(), &format!("p{n}"), None));
        }
        assert_eq!((places.messages.len(), places.oldest.len()), (PLACES, PLACES));
        assert!(!places.messages.contains_key("p0") && places.messages.contains_key("p1"));
    }
}
