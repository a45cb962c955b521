//! Shaping entries of an event log, whose order is the log's, and finding the messages that its replies mean.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::{LANES, Shaper};
use crate::event::{Draft, Identity, Message};
use crate::normalise;
use crate::store::Placed;

/// Places whose message is remembered.
const PLACES: usize = 10_000;
/// Events of the feed that are looked through, once, for places from before the line began: some 10 ms.
const SEED: usize = 5_000;

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

    /// The id of the event that the item of this id is, in this list.
    pub fn waiting_id(&self, object: &str, room: &str) -> String {
        normalise::waiting_id(object, room, &self.mapping)
    }

    /// The event of an item of a list beside the line, as `event` maps it.
    pub fn beside(&self, item: &Value, event: &str, room: &str) -> Draft {
        let mut draft = normalise::beside(item, event, room, &self.mapping, &self.clock.stamp());
        self.claim(&mut draft);
        draft
    }

    /// An entry goes into the feed, or is there already. `late`: the log has it before one that was told; what a push
    /// source brings (`None`) is judged by its number, or else by its time.
    pub fn tell(&mut self, draft: &mut Draft, late: Option<bool>) {
        draft.data.late = match self.number(draft) {
            // Also an entry of a page: what a push source told before it may stand on the next one.
            Some(number) => self.numbers.has_told_beyond(draft, number) || late == Some(true),
            None => late.unwrap_or_else(|| self.is_late(draft)),
        };
        self.note(draft);
        if let Some(message) = &mut draft.data.message {
            self.places.learn(message);
            self.places.find(message);
            if message.reply_to_place.is_some() && !self.places.seeded {
                self.places.seeded = true;
                match self.store.places(&self.workspace, None, SEED, |_| false) {
                    Ok(told) => self.places.learn_older(told),
                    // A store that fails says so by its health; the reply keeps the place.
                    Err(error) => tracing::debug!(%error, "which message stands where cannot be read"),
                }
                self.places.find(message);
            }
        }
    }
}

impl Shaper {
    /// What was to be told was not stored, and comes again: it is not late for that.
    pub fn forget_numbers(&mut self) {
        self.numbers = Numbers::default();
    }

    /// The event's place in the log, where its id says so.
    fn number(&self, draft: &Draft) -> Option<u64> {
        let ascending = self.session.manifest().receive.log.as_ref().is_some_and(|log| log.ascending);
        let Identity::Native(id) = &draft.identity else { return None };
        id.parse().ok().filter(|_| ascending)
    }
}

/// The greatest number that was told of each conversation since the line began, bounded.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashMap<String, u64>);

impl Numbers {
    /// Notes this one, and says whether a greater one was told before it.
    fn has_told_beyond(&mut self, draft: &Draft, number: u64) -> bool {
        let conversation = draft.data.conversation.as_ref().map_or("", |conversation| &conversation.id);
        if self.0.len() >= LANES {
            self.0.clear();
        }
        let newest = self.0.entry(conversation.to_owned()).or_insert(number);
        *newest = number.max(*newest);
        number < *newest
    }
}

/// Which message stands at which place: from what was read since the line began, and what the feed tells from before.
/// Bounded.
#[derive(Debug, Default)]
pub(super) struct Places {
    messages: HashMap<String, String>,
    oldest: VecDeque<String>,
    /// The feed was asked. Only the first reply to a place that is not known makes that worth its time.
    seeded: bool,
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

    /// What was told before the line began, the newest first.
    fn learn_older(&mut self, told: Vec<Placed>) {
        for Placed { message, place } in told {
            if self.oldest.len() < PLACES && !self.messages.contains_key(&place) {
                self.oldest.push_front(place.clone());
                self.messages.insert(place, message);
            }
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
    fn what_the_feed_tells_from_before_is_older_than_what_was_read() {
        let old = |n: usize| Placed { message: format!("old {n}"), place: format!("p{n}") };
        let mut places = Places::default();
        places.learn(&message("new", "p1", None));
        places.learn_older((0..=PLACES).rev().map(old).collect());
        assert_eq!((places.messages.len(), places.oldest.len()), (PLACES, PLACES));
        assert_eq!(
            (places.messages["p1"].as_str(), places.messages[&format!("p{PLACES}")].as_str()),
            ("new", "old 10000")
        );
        assert_eq!(places.oldest.back().map(String::as_str), Some("p1"));
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
