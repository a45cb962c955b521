//! One action on its way out.

use serde_json::Value;

use super::Step;
use crate::action::{self, Action, Deed, State};
use crate::clock::rfc3339;
use crate::outbox::receipt;

/// An action with all its parts, and the events as which the platform sent it back.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The action, or the parts of a long text in order; at least one.
    pub rows: Vec<Action>,
    /// Of each message that came back: (when it was stored, milliseconds since 1970, if the feed has it; its sequence).
    pub echoes: Vec<(Option<u64>, u64)>,
}

impl Sent {
    /// Its receipt.
    pub fn view(&self) -> Value {
        serde_json::to_value(receipt::sum(&self.rows)).unwrap_or_default()
    }

    /// Its steps, in order.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = self.rows.iter().flat_map(row).collect();
        let id = self.rows.first().map_or("", |row| row.id.as_str());
        let echo = |(at, seq): &(Option<u64>, u64)| {
            Step::new(*at, "came_back", id, format!("as event {seq}")).with("seq", *seq)
        };
        steps.extend(self.echoes.iter().map(echo));
        steps
    }
}

fn row(action: &Action) -> Vec<Step> {
    let part = action.part.as_ref().filter(|part| part.index > 0);
    let accepted = match (part, action.answers) {
        (Some(part), _) => format!("part {} of {}", part.index + 1, part.of),
        (None, Some(seq)) => format!("{} in answer to event {seq}", action.verb),
        (None, None) => action.verb.clone(),
    };
    let accepted = Step::new(action.accepted_at, "accepted", action.id.as_str(), accepted);
    let mut steps = vec![accepted.with("verb", action.verb.clone()).with("answers", action.answers)];
    let kept = action.steps.iter().filter(|step| step.what == Deed::Request).count();
    let mut number = (action.tries as usize).saturating_sub(kept);
    for step in &action.steps {
        number += usize::from(step.what == Deed::Request);
        steps.push(deed(action, step, number));
    }
    steps.push(end(action));
    steps
}

fn deed(action: &Action, step: &action::Step, number: usize) -> Step {
    let what = match step.what {
        Deed::Prepare => "not_sent",
        Deed::Request => "tried",
        Deed::ReadBack => "read_back",
    };
    let mut says: Vec<String> = Vec::new();
    if step.what == Deed::Request {
        says.push(format!("request {number}"));
    }
    if let Some(fence) = action.fence.as_deref().filter(|fence| !fence.is_empty() && step.what == Deed::Request) {
        says.push(format!("behind {fence}"));
    }
    says.push(match (step.ended_at, step.why.as_str()) {
        (None, _) => "no answer yet".to_owned(),
        (Some(_), "") => step.outcome.clone(),
        (Some(_), why) => format!("{}: {why}", step.outcome),
    });
    let view = Step::new(step.at, what, action.id.as_str(), says.join(", "));
    let view = view.with("outcome", step.outcome.clone()).with("reason", step.why.clone());
    let view = view.with("ended_at", step.ended_at.map(rfc3339));
    if step.what == Deed::Request { view.with("request", number).with("fence", action.fence.clone()) } else { view }
}

fn end(action: &Action) -> Step {
    let id = action.id.as_str();
    let tries = action.tries;
    let settled = |says: String| Step::new(action.settled_at, "settled", id, says).with("state", action.state.word());
    match &action.state {
        State::Confirmed { remote_ids } => {
            let ids = if remote_ids.is_empty() { String::new() } else { format!(" as {}", remote_ids.join(", ")) };
            settled(format!("confirmed{ids}, requests: {tries}")).with("remote_ids", remote_ids.clone())
        }
        State::Failed { kind, message, .. } => settled(format!("failed ({kind}): {message}")),
        State::Unknown { message } => settled(format!("unknown: {message}")),
        open => {
            let next = action.not_before.map(|at| format!(", not before {}", rfc3339(at))).unwrap_or_default();
            let step = Step::new(None, "waiting", id, format!("{}{next}, requests: {tries}", open.word()));
            step.with("state", open.word())
        }
    }
}
