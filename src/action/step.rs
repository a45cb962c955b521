//! What was done about an action, step by step: what `trace` tells of its way out.

use serde::{Deserialize, Serialize};

use super::Action;

/// Steps that are remembered of one action: the last ten.
const STEPS: usize = 10;
/// The most of a reason that is kept with each, in bytes.
const WHY: usize = 200;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// What comes before a request, which then was not sent: the fence, the file, the body.
    Prepare,
    /// A request.
    Request,
    /// A read of the conversation after a lost reply.
    ReadBack,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was done.
    pub what: Deed,
    /// When it began, milliseconds since 1970.
    pub at: u64,
    /// When its outcome was known; `None` while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// A stable word: `done`, `later`, `refused`, `lost` · `found`, `nothing`, `several`, `unreached`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// The reason; the front of a long one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Action {
    /// A request goes out now.
    pub fn begins(&mut self, now: u64) {
        self.add(Step { what: Deed::Request, at: now, ended_at: None, outcome: String::new(), why: String::new() });
    }

    /// What came of the request under way; where there is none, it was not sent.
    pub fn ended(&mut self, now: u64, outcome: &str, why: &str) {
        match self.steps.last_mut().filter(|step| step.ended_at.is_none()) {
            Some(step) => *step = ended(step.what, step.at, now, outcome, why),
            None => self.add(ended(Deed::Prepare, now, now, outcome, why)),
        }
    }

    /// What a read after a lost reply brought.
    pub fn read(&mut self, now: u64, outcome: &str, why: &str) {
        self.add(ended(Deed::ReadBack, now, now, outcome, why));
    }

    fn add(&mut self, step: Step) {
        if self.steps.len() >= STEPS {
            self.steps.remove(0);
        }
        self.steps.push(step);
    }
}

fn ended(what: Deed, at: u64, now: u64, outcome: &str, why: &str) -> Step {
    let why = why[..why.floor_char_boundary(WHY)].to_owned();
    Step { what, at, ended_at: Some(now), outcome: outcome.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Request;
    use crate::event::WorkspaceName;

    #[test]
    fn the_last_ten_steps_stay_and_each_outcome_belongs_to_its_request() {
        let request = Request { workspace: None, verb: "send".into(), args: serde_json::Map::new(), key: None };
        let mut action = Action::accept(WorkspaceName::new("acme").unwrap(), request, None, 0);
        action.ended(1, "later", "the fence cannot be read");
        for try_at in 2..12 {
            action.begins(try_at * 10);
            action.ended(try_at * 10 + 1, "lost", &"ü".repeat(999));
        }
        action.read(200, "found", "m7");
        assert_eq!(action.steps.len(), STEPS);
        let [first, .., last] = &action.steps[..] else { panic!() };
        assert_eq!((first.what, first.at, first.ended_at), (Deed::Request, 30, Some(31)));
        assert_eq!((last.what, last.outcome.as_str(), last.why.as_str()), (Deed::ReadBack, "found", "m7"));
        assert!(action.steps.iter().all(|step| step.why.len() <= WHY));
        let json = serde_json::to_string(&action).unwrap();
        assert_eq!(serde_json::from_str::<Action>(&json).unwrap(), action);
    }
}
