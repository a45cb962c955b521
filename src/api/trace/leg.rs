//! One event on its way through one consumer.

use super::{Step, Told};
use crate::clock::rfc3339;
use crate::consumer::Consumer;
use crate::deliver::Standing;
use crate::store::{DeadLetter, Exception, Failure, How, Way};

/// What is known of one event and one consumer.
#[derive(Clone, Debug, Default)]
pub struct Leg {
    /// The consumer.
    pub consumer: Consumer,
    /// Everything up to here is settled, but for exceptions.
    pub mark: u64,
    /// How it left, with the last event of its run.
    pub way: Option<(u64, Way)>,
    /// What is special about it.
    pub exception: Option<Exception>,
    /// Its dead letter.
    pub letter: Option<DeadLetter>,
    /// How it stands with the running consumer; `None` where none runs.
    pub standing: Option<Standing>,
}

impl Leg {
    /// Its steps, in order.
    pub fn steps(&self, told: Option<&Told>) -> Vec<Step> {
        let mut steps = self.failed();
        steps.extend(self.left());
        let back = matches!(self.exception, Some(Exception::Waiting { .. }));
        match (&self.way, &self.letter) {
            (Some((_, way)), Some(_)) if way.how != How::Acked && back => steps.extend(self.again()),
            (Some((_, way)), None) if way.how != How::Acked && !back => {
                steps.push(self.step(None, "dropped", "its letter was dropped by the operator"));
            }
            (None, Some(_)) if back => steps.extend(self.again()),
            (None, None) => steps.extend(self.open(told)),
            _ => {}
        }
        steps
    }

    fn step(&self, at: impl Into<Option<u64>>, what: &'static str, says: impl Into<String>) -> Step {
        Step::new(at, what, &self.consumer.name, says)
    }

    fn offered(&self, at: u64, attempt: usize) -> Step {
        self.step(at, "offered", format!("attempt {attempt}")).with("attempt", attempt)
    }

    fn failures(&self) -> (&[Failure], u32) {
        match (&self.way, &self.letter, &self.exception) {
            (Some((_, way)), ..) if way.how == How::Acked => (&way.failures, way.attempts.saturating_sub(1)),
            (Some((_, way)), ..) => (&way.failures, way.attempts),
            (None, Some(letter), _) => (&letter.failures, letter.attempts),
            (None, None, Some(Exception::Waiting { failures, attempts, .. })) => (failures, *attempts),
            _ => (&[], 0),
        }
    }

    /// The attempts that failed, as far as they are remembered.
    fn failed(&self) -> Vec<Step> {
        let (failures, attempts) = self.failures();
        let forgotten = (attempts as usize).saturating_sub(failures.len());
        let numbered = failures.iter().zip(forgotten + 1..);
        numbered
            .flat_map(|(failure, attempt)| {
                let offered = failure.offered_at.map(|at| self.offered(at, attempt));
                let failed = self.step(failure.at, "failed", failure.why.clone());
                offered.into_iter().chain([failed.with("reason", failure.why.clone()).with("attempt", attempt)])
            })
            .collect()
    }

    /// The last offer, and how it left.
    fn left(&self) -> Vec<Step> {
        let Some((last, way)) = &self.way else {
            return self.letter.iter().map(|letter| self.dead(letter.at, How::Dead)).collect();
        };
        if way.how == How::Dead {
            return vec![self.dead(way.at, way.how)];
        }
        let attempt = self.failures().0.len().max(way.attempts.saturating_sub(1) as usize) + 1;
        let offered = way.offered.map(|(at, latest)| {
            let step = self.offered(at, attempt);
            if at == latest { step } else { step.with("latest", rfc3339(latest)) }
        });
        // An offer that failed is told with its failure.
        let offered = offered.filter(|step| way.failures.last().is_none_or(|failure| failure.offered_at != step.at));
        let end = if way.how == How::Acked { self.acked(*last, way) } else { self.dead(way.at, way.how) };
        offered.into_iter().chain([end]).collect()
    }

    fn acked(&self, last: u64, way: &Way) -> Step {
        let together = last - way.first + 1;
        let others = if together > 1 { format!("with {} to {last}", way.first) } else { String::new() };
        let before = if way.offered.is_none() { "offered before a restart" } else { "" };
        let says = [others.as_str(), before].into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>();
        self.step(way.at, "acked", says.join("; ")).with("first", way.first).with("last", last)
    }

    fn dead(&self, at: u64, how: How) -> Step {
        let reason = self.letter.as_ref().map(|letter| letter.reason.clone());
        let reason = reason.or_else(|| self.failures().0.last().map(|failure| failure.why.clone()));
        let reason = reason.unwrap_or_default();
        let what = if how == How::Rejected { "rejected" } else { "dead" };
        let says = format!("to the dead letters: {reason}");
        self.step(at, what, says).with("reason", reason)
    }

    /// A dead letter that was put back.
    fn again(&self) -> Vec<Step> {
        let mut steps = vec![self.step(None, "retried", "put back by the operator")];
        steps.extend(self.standing());
        steps
    }

    /// It has not left, or nothing tells how it did.
    fn open(&self, told: Option<&Told>) -> Vec<Step> {
        let Some(told) = told else { return Vec::new() };
        let head = &told.event.head;
        if !self.consumer.only.wants(&self.consumer.name, head) && self.exception.is_none() {
            let says = match &head.only_for {
                Some(only) => format!("it is for `{only}` alone"),
                None => "its `only` does not match".to_owned(),
            };
            return vec![self.step(None, "passed_over", says)];
        }
        let waits = matches!(self.exception, Some(Exception::Waiting { .. }));
        let settled = self.exception == Some(Exception::Settled) || told.event.seq <= self.mark;
        if settled && !waits {
            let says = "settled before such things were kept, given up by age, or from before its beginning";
            return vec![self.step(None, "left", says)];
        }
        self.standing()
    }

    fn standing(&self) -> Vec<Step> {
        let name = &self.consumer.name;
        let waits = |says: String| self.step(None, "waiting", says);
        let step = match (self.standing, &self.exception) {
            (Some(Standing::Out { attempt, at, lease_until }), _) => {
                let until = rfc3339(lease_until);
                let says = format!("attempt {attempt}, not answered yet; leased until {until}");
                let step = self.step(at, "offered", says);
                step.with("attempt", attempt).with("lease_until", until)
            }
            (Some(Standing::Resting { until }), _) => waits(format!("comes again at {}", rfc3339(until))),
            (Some(_), _) if self.consumer.disabled.is_some() => waits(format!("`{name}` is disabled")),
            (Some(_), _) => waits("in line".to_owned()),
            (None, Some(Exception::Waiting { not_before, .. })) => {
                waits(format!("comes again, not before {}; no daemon runs", rfc3339(*not_before)))
            }
            (None, _) => waits("in line; no daemon runs".to_owned()),
        };
        vec![step]
    }
}
