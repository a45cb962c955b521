//! Gathers what is known of an event's way, and of an action's.

use serde_json::Value;

use super::{Begun, Bridge, Taken};
use crate::action::{Action, ActionId, State};
use crate::api::params;
use crate::api::problem::Problem;
use crate::api::trace::{Facts, Leg, Sent, Told, view};
use crate::consumer::Consumer;
use crate::deliver::letter_event;
use crate::event::{Stored, Type};
use crate::outbox::receipt;
use crate::store::StoreError;

/// Actions looked through for the one that made an own message, or that the bridge did by itself: as many as tell the
/// agent's own from others'.
const MAKERS: usize = 2_000;

impl Bridge {
    pub(super) fn trace(&self, asked: params::Trace) -> Taken {
        let (seq, action) = self.meant(&asked.id)?;
        let bridge = self.clone();
        Ok(Begun::later(async move {
            let facts = bridge.facts(seq, action).await?;
            if facts.told.is_none() && facts.sent.is_empty() {
                return Err(forgotten(&asked.id));
            }
            let mut trace = view(&facts);
            trace["id"] = asked.id.into();
            Ok(trace)
        }))
    }

    /// The event and the action that an id means: an action's id, a sequence, or an event's id.
    fn meant(&self, id: &str) -> Result<(Option<u64>, Option<Action>), Problem> {
        if let Some(action) = ActionId::parse(id) {
            let action = self.0.store.action(&action)?.ok_or_else(|| {
                Problem::new("no_such_action", format!("no action {action} is remembered (receipts stay 30 days)"))
            })?;
            return Ok((action.answers, Some(action)));
        }
        let seq = match id.parse() {
            Ok(seq) => Some(seq),
            Err(_) => self.0.store.find(id)?,
        };
        let given = 1..=*self.0.store.head().borrow();
        let seq = seq.filter(|seq| given.contains(seq)).ok_or_else(|| {
            let word = "give an event's `id`, its sequence, or an action's id";
            Problem::new("no_such_event", format!("no event `{}` is remembered: {word}", shown(id)))
        })?;
        Ok((Some(seq), None))
    }

    async fn facts(&self, seq: Option<u64>, action: Option<Action>) -> Result<Facts, Problem> {
        let mut facts = Facts::default();
        if let Some(seq) = seq {
            for consumer in self.0.store.consumers()? {
                facts.legs.push(self.leg(consumer, seq).await?);
            }
            facts.told = self.told(seq, &facts.legs)?;
        }
        let asked = match (action, seq) {
            (Some(action), _) => vec![action],
            (None, Some(seq)) => self.answers(seq, &facts)?,
            (None, None) => Vec::new(),
        };
        facts.sent = asked.into_iter().map(|action| self.sent(action)).collect::<Result<_, _>>()?;
        Ok(facts)
    }

    async fn leg(&self, consumer: Consumer, seq: u64) -> Result<Leg, StoreError> {
        let standing = self.0.readers.standing(&consumer.name, seq).await;
        let (store, name) = (&self.0.store, consumer.name.as_str());
        let (mark, way) = (store.mark(name)?, store.way(name, seq)?);
        let (exception, letter) = (store.exception(name, seq)?, store.dead_letter(name, seq)?);
        Ok(Leg { consumer, mark, way, exception, letter, standing })
    }

    /// The event from the feed, or from a letter that outlived it.
    fn told(&self, seq: u64, legs: &[Leg]) -> Result<Option<Told>, StoreError> {
        let kept = self.0.store.event(seq)?.map(|event| Stored::clone(&event));
        let mut letters = legs.iter().filter_map(|leg| leg.letter.as_ref());
        let Some(event) = kept.or_else(|| letters.find_map(|letter| letter_event(seq, letter))) else {
            return Ok(None);
        };
        let sighting = self.0.store.sighting(seq)?;
        let made_by = self.maker(&event)?;
        Ok(Some(Told { event, sighting, made_by }))
    }

    fn maker(&self, event: &Stored) -> Result<Option<ActionId>, StoreError> {
        if !event.head.own {
            return Ok(None);
        }
        let event_json: Value = serde_json::from_slice(&event.bytes).unwrap_or_default();
        let Some(message) = event_json.pointer("/data/message/id").and_then(Value::as_str) else { return Ok(None) };
        let recent = self.0.store.recent_actions(&event.head.workspace, MAKERS)?;
        let made = |action: &Action| match &action.state {
            State::Confirmed { remote_ids } => remote_ids.iter().any(|id| id == message),
            _ => false,
        };
        Ok(recent.into_iter().find(made).map(|action| action.part.map_or(action.id, |part| part.whole)))
    }

    /// The actions that rode on acks of the event, and what the bridge has done behind them by itself.
    fn answers(&self, seq: u64, facts: &Facts) -> Result<Vec<Action>, StoreError> {
        let mut found: Vec<Action> = Vec::new();
        for leg in &facts.legs {
            for id in self.0.store.acked(&leg.consumer.name, seq)?.unwrap_or_default() {
                found.extend(self.0.store.action(&id)?);
            }
        }
        let Some(told) = &facts.told else { return Ok(found) };
        let recent = self.0.store.recent_actions(&told.event.head.workspace, MAKERS)?;
        let own = |action: &Action| action.answers == Some(seq) && action.part.is_none();
        let more = recent.into_iter().filter(own).filter(|one| found.iter().all(|it| it.id != one.id));
        let more: Vec<Action> = more.collect();
        found.extend(more);
        Ok(found)
    }

    fn sent(&self, action: Action) -> Result<Sent, StoreError> {
        let rows = receipt::parts(&self.0.store, action)?;
        let mut echoes = Vec::new();
        for row in &rows {
            let State::Confirmed { remote_ids } = &row.state else { continue };
            let ids: Vec<&str> = remote_ids.iter().map(String::as_str).collect();
            let known = self.0.store.known(&row.workspace, Type::MessageCreated, row.conversation(), &ids)?;
            for known in known.into_iter().flatten() {
                echoes.push((self.0.store.sighting(known.seq)?.map(|sighting| sighting.at), known.seq));
            }
        }
        Ok(Sent { rows, echoes })
    }
}

/// The front of what was asked: ids are long.
fn shown(id: &str) -> String {
    id.chars().take(200).collect()
}

fn forgotten(id: &str) -> Problem {
    let word = format!("event `{}` has left the feed, and with it how it went (see deliver.keep)", shown(id));
    Problem::new("no_such_event", word)
}
