//! The way of an event and of what answered it, from what the store and the consumers know. Pure.

mod leg;
mod out;

use serde_json::{Map, Value, json};

pub use leg::Leg;
pub use out::Sent;

use crate::action::ActionId;
use crate::clock::rfc3339;
use crate::event::{Stored, Via};
use crate::store::Sighting;

/// One thing that happened on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, milliseconds since 1970; `None` where nobody knows or it has not happened yet.
    pub at: Option<u64>,
    /// A stable word: `seen`, `stored`, `offered`, `failed`, `acked`, …
    pub what: &'static str,
    /// The consumer or the action; empty for the event itself.
    pub who: String,
    /// For people.
    pub says: String,
    /// For programs.
    pub more: Map<String, Value>,
}

impl Step {
    fn new(at: impl Into<Option<u64>>, what: &'static str, who: &str, says: impl Into<String>) -> Self {
        Self { at: at.into(), what, who: who.to_owned(), says: says.into(), more: Map::new() }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.to_owned(), value.into());
        self
    }

    fn view(&self) -> Value {
        let mut view = self.more.clone();
        view.insert("at".into(), self.at.map(rfc3339).into());
        view.insert("what".into(), self.what.into());
        view.insert("who".into(), self.who.clone().into());
        view.insert("says".into(), self.says.clone().into());
        Value::Object(view)
    }
}

/// The event, while the feed or a dead letter has it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The event.
    pub event: Stored,
    /// What is known besides; `None` where only a dead letter has it.
    pub sighting: Option<Sighting>,
    /// The action that made it, where it is the agent's own.
    pub made_by: Option<ActionId>,
}

/// All that is known.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The event.
    pub told: Option<Told>,
    /// How it stands with each consumer.
    pub legs: Vec<Leg>,
    /// What answered it, or what was asked for by itself.
    pub sent: Vec<Sent>,
}

/// The answer.
pub fn view(facts: &Facts) -> Value {
    let event = facts.told.as_ref().map(|Told { event, .. }| {
        let head = &event.head;
        json!({
            "seq": event.seq, "id": event.id(), "type": head.kind, "workspace": head.workspace.as_str(),
            "conversation": head.conversation,
        })
    });
    let actions: Vec<Value> = facts.sent.iter().map(Sent::view).collect();
    let steps: Vec<Value> = steps(facts).iter().map(Step::view).collect();
    json!({ "event": event, "actions": actions, "steps": steps })
}

/// Every step, in the order of time; one without a time stays behind the one that it follows.
pub fn steps(facts: &Facts) -> Vec<Step> {
    let begun = facts.told.as_ref().map(begun).unwrap_or_default();
    let legs = facts.legs.iter().map(|leg| leg.steps(facts.told.as_ref()));
    let sent = facts.sent.iter().map(Sent::steps);
    let mut timed = Vec::new();
    let first = begun.iter().filter_map(|step| step.at).max().unwrap_or(0);
    for way in [begun].into_iter().chain(legs).chain(sent) {
        let mut time = first;
        for step in way {
            time = step.at.unwrap_or(time);
            timed.push((time, step));
        }
    }
    timed.sort_by_key(|(time, _)| *time);
    timed.into_iter().map(|(_, step)| step).collect()
}

/// Seen and stored.
fn begun(told: &Told) -> Vec<Step> {
    let mut steps = Vec::new();
    let made = told
        .made_by
        .as_ref()
        .map(|id| Step::new(None, "made", "", format!("the agent's own, made by {id}")).with("action", id.as_str()));
    let Some(Sighting { at, arrival, lines }) = told.sighting else { return made.into_iter().collect() };
    let words = |skip: Option<Via>| lines.iter().filter(|via| Some(*via) != skip).map(Via::word).collect::<Vec<_>>();
    match arrival {
        Some(arrival) => {
            let (via, also) = (arrival.via.word(), words(Some(arrival.via)));
            let more = if also.is_empty() { String::new() } else { format!("; also {}", also.join(", ")) };
            let step = Step::new(arrival.at, "seen", "", format!("by {via}{more}"));
            steps.push(step.with("via", via).with("also", also));
        }
        None if lines.iter().next().is_some() => {
            let says = format!("by {}", words(None).join(", "));
            steps.push(Step::new(None, "seen", "", says).with("also", words(None)));
        }
        None => {}
    }
    let seq = told.event.seq;
    steps.push(Step::new(at, "stored", "", format!("as event {seq}")).with("seq", seq));
    steps.extend(made);
    steps
}

#[cfg(test)]
mod tests;
