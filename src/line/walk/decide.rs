//! Which events follow from what a walk found, laid beside the anchor and what the store knows.

use std::collections::HashMap;

use super::{End, Seen, TAIL, UNREAD, floor_of, is_below};
use crate::store::{Anchor, Known};

/// One thing that follows from a walk. Indices are places in what was found, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Messages may be missing in front of the first one found; tell so before telling that one.
    Hole,
    /// A message that is not in the feed.
    Created {
        /// Which.
        index: usize,
        /// A newer one is in the feed already.
        late: bool,
    },
    /// A message with another revision than the one that is known.
    Updated {
        /// Which.
        index: usize,
    },
    /// A message of the tail that is gone, though what stood around it is there.
    Deleted {
        /// The platform's id.
        id: String,
    },
}

/// What follows from a walk: events in the platform's order, and the anchor that their last commit carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// The anchor after them.
    pub anchor: Anchor,
}

/// Compares what a walk found (oldest first) with the anchor and with what the store knows of each (`known`, in step).
/// `streamed` are the messages that a stream told since the last walk, in its order: they can be gone, too.
pub fn decide(
    found: &[Seen],
    known: &[Option<Known>],
    before: Option<&Anchor>,
    streamed: &[Seen],
    floor: Option<u64>,
    end: End,
) -> Plan {
    let floor = floor_of(before, floor);
    let Some(before) = before.filter(|anchor| !anchor.tail.is_empty()) else {
        return Plan { steps: tell_all(found, known, floor, end), anchor: anchor_at(found) };
    };
    if found.is_empty() {
        // A platform that suddenly lists nothing may be at fault: the anchor stays, and nothing is called deleted.
        return Plan { steps: Vec::new(), anchor: before.clone() };
    }
    let places: HashMap<&str, usize> = found.iter().enumerate().map(|(at, seen)| (&*seen.id, at)).collect();
    let Some(first) = before.tail.iter().position(|(id, _)| places.contains_key(&**id)) else {
        return Plan { steps: tell_all(found, known, floor, end), anchor: anchor_at(found) };
    };
    let compared = Compared { found, known, tail: &before.tail, streamed, places, first };
    let (gone, doubtful) = compared.gone();
    let anchor = anchor_of(before.tail[..first].iter().cloned().chain(found.iter().map(pair)).chain(doubtful));
    Plan { steps: compared.steps(gone), anchor }
}

/// The anchor at the end of `found` (oldest first).
pub fn anchor_at(found: &[Seen]) -> Anchor {
    anchor_of(found.iter().map(pair))
}

fn anchor_of(messages: impl Iterator<Item = (String, String)>) -> Anchor {
    let mut tail: Vec<_> = messages.collect();
    tail.drain(..tail.len().saturating_sub(TAIL));
    Anchor { newest: tail.last().map(|(id, _)| id.clone()), tail }
}

fn pair(seen: &Seen) -> (String, String) {
    (seen.id.clone(), seen.revision.clone())
}

/// Nothing of the tail was met, or there is none: all that is found and lies within the time that is told.
fn tell_all(found: &[Seen], known: &[Option<Known>], floor: Option<u64>, end: End) -> Vec<Step> {
    let newest_known = known.iter().rposition(Option::is_some);
    let mut steps = Vec::new();
    // A first message that is in the feed already had its hole told with it, before a crash.
    if end.leaves_a_hole() && known.first().is_some_and(Option::is_none) {
        steps.push(Step::Hole);
    }
    let from = found.iter().rposition(|seen| is_below(seen.at, floor)).map_or(0, |last| last + 1);
    steps.extend(
        (from..found.len()).filter_map(|index| told(index, &found[index], known[index].as_ref(), newest_known)),
    );
    steps
}

fn told(index: usize, seen: &Seen, known: Option<&Known>, newest_known: Option<usize>) -> Option<Step> {
    match known {
        None => Some(Step::Created { index, late: newest_known.is_some_and(|newest| newest > index) }),
        Some(known) if known.deleted || is_same(&known.revision, seen) => None,
        Some(_) => Some(Step::Updated { index }),
    }
}

fn is_same(revision: &str, seen: &Seen) -> bool {
    revision == seen.revision || seen.digest.as_deref() == Some(revision)
}

/// Ids of deleted messages by the place of the message found in front of them.
type Gone = HashMap<usize, Vec<String>>;

/// What was found, laid beside the tail of the last walk.
struct Compared<'a> {
    found: &'a [Seen],
    known: &'a [Option<Known>],
    tail: &'a [(String, String)],
    /// What a stream told behind it.
    streamed: &'a [Seen],
    places: HashMap<&'a str, usize>,
    /// The oldest message of the tail that was found: what lies before it was settled by earlier walks.
    first: usize,
}

impl Compared<'_> {
    fn steps(&self, mut gone: Gone) -> Vec<Step> {
        let newest_known = self.known.iter().rposition(Option::is_some);
        let start = self.places[&*self.tail[self.first].0];
        let revisions: HashMap<&str, &str> = self.tail.iter().map(|(id, revision)| (&**id, &**revision)).collect();
        let mut steps = Vec::new();
        for index in start..self.found.len() {
            let seen = &self.found[index];
            match (revisions.get(&*seen.id), &self.known[index]) {
                (Some(_), Some(known)) if known.deleted => {}
                (Some(revision), _) if is_same(revision, seen) => {}
                // The stream told this revision behind the last walk.
                (Some(_), Some(known)) if is_same(&known.revision, seen) => {}
                (Some(_), _) => steps.push(Step::Updated { index }),
                (None, known) => steps.extend(told(index, seen, known.as_ref(), newest_known)),
            }
            steps.extend(gone.remove(&index).unwrap_or_default().into_iter().map(|id| Step::Deleted { id }));
        }
        steps
    }

    /// The missing messages of the tail, by the place of the one found in front of each; and those at the very end,
    /// which are not called gone before something newer shows: the platform may only be slow to list them.
    fn gone(&self) -> (Gone, Vec<(String, String)>) {
        let (mut gone, mut doubtful) = (Gone::new(), Vec::new());
        let mut front = self.places[&*self.tail[self.first].0];
        let behind = |front: usize| &self.found[front + 1..];
        for message in &self.tail[self.first..] {
            match self.places.get(&*message.0) {
                Some(place) => front = front.max(*place),
                // What could not be read went by its content: it has changed, and was told as no message.
                None if message.0.starts_with(UNREAD) => {}
                None if !behind(front).is_empty() => gone.entry(front).or_default().push(message.0.clone()),
                None => doubtful.push(message.clone()),
            }
        }
        let in_tail = |seen: &Seen| self.tail.iter().any(|(id, _)| *id == seen.id);
        // A stream that replays tells what lies before the page, and before the tail: no list has it, and none needs to.
        let oldest = self.found.first().and_then(|seen| seen.at);
        let covered = |seen: &Seen| oldest.is_none() || seen.at.is_none() || seen.at >= oldest;
        let told = self.streamed.iter().enumerate().filter(|(_, seen)| !in_tail(seen) && covered(seen));
        for (nth, seen) in told {
            // The list must have been made after this was said: it has what the stream told later, or something newer.
            // The same time is not newer, for platforms tick in milliseconds, or in seconds.
            let told_later = || self.streamed[nth + 1..].iter().any(|later| self.places.contains_key(&*later.id));
            let newer = || seen.at.is_some() && behind(front).iter().any(|other| other.at > seen.at);
            match self.places.get(&*seen.id) {
                Some(place) => front = front.max(*place),
                None if told_later() || newer() => gone.entry(front).or_default().push(seen.id.clone()),
                None => doubtful.push(pair(seen)),
            }
        }
        (gone, doubtful)
    }
}
