//! When to read which conversation's history: what a stream leaves out often, the rest now and then, all of it bounded.
//!
//! Pure: time and chance come in as arguments.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// The pace of reading; from the manifest, overridden by the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// A conversation that the stream leaves out, while it is lively.
    pub fast: Duration,
    /// How long a message makes it lively.
    pub fast_for: Duration,
    /// The same conversation otherwise; also the list of conversations, for there a new one shows.
    pub slow: Duration,
    /// A conversation that the stream carries.
    pub others: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { fast: second * 2, fast_for: second * 600, slow: second * 15, others: second * 300 }
    }
}

impl Pace {
    fn shortest(&self) -> Duration {
        self.fast.min(self.slow).min(self.others)
    }
}

/// One conversation's place in the schedule.
#[derive(Clone, Copy, Debug)]
struct Turn {
    unstreamed: bool,
    lively_until: Option<Instant>,
    due: Instant,
    /// When it was looked at last.
    read: Option<Instant>,
    failures: u32,
}

/// The schedule of one workspace.
#[derive(Debug)]
pub struct Schedule {
    pace: Pace,
    turns: HashMap<String, Turn>,
    list_due: Instant,
    list_read: Option<Instant>,
    held_until: Option<Instant>,
    /// There is no stream: nothing may wait longer than its pace.
    alone: bool,
}

/// A failed conversation is left alone for at most its pace times this.
const PATIENCE: u32 = 64;

impl Schedule {
    /// An empty schedule; the list of conversations is due at once.
    pub fn new(pace: Pace, now: Instant) -> Self {
        Self { pace, turns: HashMap::new(), list_due: now, list_read: None, held_until: None, alone: false }
    }

    /// Where there is no stream: a turn comes after its pace at the latest, up to a tenth earlier, and the first turns are
    /// spread over all of it; the list is due every `others`.
    #[must_use]
    pub fn alone(mut self, alone: bool) -> Self {
        self.alone = alone;
        self
    }

    /// The conversations as the platform lists them now, each with whether the stream leaves it out. Unlisted ones
    /// leave the schedule, new ones are due at once. The list itself is due again after `slow` (or `others`, where
    /// the stream leaves nothing out), with `chance` (0 to 1) spreading workspaces apart.
    pub fn listed(&mut self, rooms: impl IntoIterator<Item = (String, bool)>, now: Instant, chance: f64) {
        let mut old = std::mem::take(&mut self.turns);
        for (id, unstreamed) in rooms {
            let fresh = Turn { unstreamed, lively_until: None, due: now, read: None, failures: 0 };
            let turn = Turn { unstreamed, ..old.remove(&id).unwrap_or(fresh) };
            self.turns.insert(id, turn);
        }
        self.list_read = Some(now);
        let unstreamed = !self.alone && self.turns.values().any(|turn| turn.unstreamed);
        self.list_in(if unstreamed { self.pace.slow } else { self.pace.others }, now, chance);
    }

    /// Puts the list off by about `after`.
    pub fn list_in(&mut self, after: Duration, now: Instant, chance: f64) {
        self.list_due = now + jittered(after, chance);
    }

    /// The list is due now, but not within `apart` of the last time that it was read.
    pub fn list_soon(&mut self, apart: Duration, now: Instant) {
        let at = self.list_read.map_or(now, |read| now.max(read + apart));
        self.list_due = self.list_due.min(at);
    }

    /// Whether something was said there lately.
    pub fn is_lively(&self, conversation: &str, now: Instant) -> bool {
        self.turns.get(conversation).is_some_and(|turn| turn.lively_until.is_some_and(|until| until > now))
    }

    /// How many conversations are on the schedule.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// None is.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Whether the conversation is on the schedule.
    pub fn has(&self, conversation: &str) -> bool {
        self.turns.contains_key(conversation)
    }

    /// Whether this holds for every conversation.
    pub fn all(&self, so: impl Fn(&str) -> bool) -> bool {
        self.turns.keys().all(|id| so(id))
    }

    /// Whether the stream carries the conversation.
    pub fn is_streamed(&self, conversation: &str) -> bool {
        self.turns.get(conversation).is_some_and(|turn| !turn.unstreamed)
    }

    /// The stream carries this conversation, or leaves it out, whatever the list says of its kind.
    pub fn streamed(&mut self, conversation: &str, streamed: bool) {
        if let Some(turn) = self.turns.get_mut(conversation) {
            turn.unstreamed = !streamed;
        }
    }

    /// There is nothing to see: the platform keeps it from the agent. That counts as a look.
    pub fn refused(&mut self, conversation: &str, now: Instant) {
        if let Some(turn) = self.turns.get_mut(conversation) {
            turn.read = Some(now);
        }
    }

    /// The list and every conversation were looked at at this time or later.
    pub fn checked(&self) -> Option<Instant> {
        self.turns.values().map(|turn| turn.read).chain([self.list_read]).min().flatten()
    }

    /// Makes the list and every conversation due: after a connect, or for a head check.
    pub fn all_due(&mut self, now: Instant) {
        self.list_due = now;
        self.turns.values_mut().for_each(|turn| turn.due = now);
    }

    /// Makes one conversation due: the agent acted there, or something hints at it. `false` for a stranger, whose
    /// place the list has to tell: that is due then.
    pub fn soon(&mut self, conversation: &str, now: Instant) -> bool {
        let turn = self.turns.get_mut(conversation);
        let known = turn.is_some();
        match turn {
            Some(turn) => turn.due = turn.due.min(now),
            None => self.list_due = self.list_due.min(now),
        }
        known
    }

    /// Something was said there: it is lively. A streamed conversation is not read for that.
    pub fn lively(&mut self, conversation: &str, now: Instant) {
        if let Some(turn) = self.turns.get_mut(conversation) {
            turn.lively_until = Some(now + self.pace.fast_for);
            if turn.unstreamed {
                turn.due = turn.due.min(now + self.pace.fast);
            }
        }
    }

    /// It was read.
    pub fn read(&mut self, conversation: &str, now: Instant, chance: f64) {
        let (pace, alone) = (self.pace, self.alone);
        if let Some(turn) = self.turns.get_mut(conversation) {
            let wait = turn.pace(&pace, now);
            turn.due = now
                + match turn.read {
                    None if alone => wait.mul_f64(chance.clamp(0.0, 1.0)),
                    Some(_) if alone => sooner(wait, chance),
                    _ => jittered(wait, chance),
                };
            turn.failures = 0;
            turn.read = Some(now);
        }
    }

    /// It could not be read: its turns double, up to 64 times its pace.
    pub fn failed(&mut self, conversation: &str, now: Instant, chance: f64) {
        let pace = self.pace;
        if let Some(turn) = self.turns.get_mut(conversation) {
            turn.failures = turn.failures.saturating_add(1);
            let factor = 1_u32.checked_shl(turn.failures).unwrap_or(PATIENCE).min(PATIENCE);
            turn.due = now + jittered(turn.pace(&pace, now).max(pace.slow).saturating_mul(factor), chance);
        }
    }

    /// The platform asks for a pause: nothing is due before `until`.
    pub fn hold(&mut self, until: Instant) {
        self.held_until = Some(self.held_until.map_or(until, |held| held.max(until)));
    }

    /// When the next thing is due.
    pub fn next(&self) -> Instant {
        let first = self.turns.values().map(|turn| turn.due).fold(self.list_due, Instant::min);
        self.held_until.map_or(first, |held| held.max(first))
    }

    /// Nothing is due, whether it may be read now or has to wait; a pause of more than `long` counts as nothing, too.
    pub fn is_idle(&self, now: Instant, long: Duration) -> bool {
        let due = self.list_due <= now || self.turns.values().any(|turn| turn.due <= now);
        !due || self.held_until.is_some_and(|held| held > now + long)
    }

    /// Whether the list is due.
    pub fn list_is_due(&self, now: Instant) -> bool {
        self.next() <= now && self.list_due <= now
    }

    /// The conversations that are due, the longest waiting first, at most `count`. They are not due again until they
    /// are [`read`](Self::read) or have [`failed`](Self::failed), or the shortest pace has gone by many times.
    pub fn take_due(&mut self, count: usize, now: Instant) -> Vec<String> {
        if self.held_until.is_some_and(|held| held > now) {
            return Vec::new();
        }
        let mut due: Vec<_> = self.turns.iter().filter(|(_, turn)| turn.due <= now).collect();
        due.sort_by(|(a, left), (b, right)| (left.due, a).cmp(&(right.due, b)));
        let taken: Vec<String> = due.into_iter().take(count).map(|(id, _)| id.clone()).collect();
        let parked = now + self.pace.shortest().max(Duration::from_mins(10));
        for id in &taken {
            self.turns.get_mut(id).expect("it was just found there").due = parked;
        }
        taken
    }
}

impl Turn {
    fn pace(&self, pace: &Pace, now: Instant) -> Duration {
        match self.lively_until {
            _ if !self.unstreamed => pace.others,
            Some(until) if until > now => pace.fast,
            _ => pace.slow,
        }
    }
}

/// `base` or up to a tenth less: a pace that is promised. `chance` is from 0 to 1.
pub fn sooner(base: Duration, chance: f64) -> Duration {
    base.mul_f64(0.1_f64.mul_add(-chance.clamp(0.0, 1.0), 1.0))
}

/// `base` and up to a fifth more or less, so that many workspaces do not read in step. `chance` is from 0 to 1.
pub fn jittered(base: Duration, chance: f64) -> Duration {
    base.mul_f64(0.4_f64.mul_add(chance.clamp(0.0, 1.0), 0.8))
}

#[cfg(test)]
mod tests;
