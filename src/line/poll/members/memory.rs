//! What is known of how conversations are held, who has to be asked, and who waits for the answer. Pure, and bounded.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use crate::event::ConversationKind;

/// Conversations that are remembered; the one that was met first is forgotten first, and asked for again.
const KNOWN: usize = 10_000;
/// Conversations that are asked for or wait for it; what comes beyond them is told without.
const ASKED: usize = 1_000;

/// How a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is held so.
    Held(ConversationKind),
    /// Its events wait for the answer until then.
    Asked {
        until: Instant,
        /// The request has left.
        begun: bool,
        /// Somebody came or went since it left: the answer may be from before.
        again: bool,
    },
    /// It cannot be known now, and is asked for no sooner than then.
    Unknown(Instant),
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is held so.
    Held(ConversationKind),
    /// That conversation alone cannot be known.
    Refused,
}

/// All conversations that were met.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: HashMap<String, Standing>,
    /// The same, in the order in which they were met.
    oldest: VecDeque<String>,
    queue: VecDeque<String>,
    asked: usize,
}

impl Memory {
    /// How a conversation is held, as far as that is known.
    pub fn kind(&self, room: &str) -> Option<ConversationKind> {
        match self.known.get(room) {
            Some(Standing::Held(kind)) => Some(*kind),
            _ => None,
        }
    }

    /// Whether events of a conversation wait for the answer.
    pub fn waits(&self, room: &str) -> bool {
        matches!(self.known.get(room), Some(Standing::Asked { .. }))
    }

    /// Whether a conversation would be asked for. `changed`: somebody came or went.
    pub fn lacks(&self, room: &str, changed: bool, now: Instant) -> bool {
        match self.known.get(room) {
            None => true,
            Some(Standing::Held(_)) => changed,
            Some(Standing::Unknown(until)) => changed || now >= *until,
            Some(Standing::Asked { begun, again, .. }) => changed && *begun && !*again,
        }
    }

    /// How it is held is told by its own event.
    pub fn is(&mut self, room: &str, kind: ConversationKind) {
        self.set(room, Standing::Held(kind));
    }

    /// It is asked for, and its events wait until then at most. `false` where too many are.
    pub fn ask(&mut self, room: &str, until: Instant) -> bool {
        if let Some(Standing::Asked { again, .. }) = self.known.get_mut(room) {
            // Who comes and goes all the time holds nothing up for longer than that.
            *again = true;
            return true;
        }
        if self.asked >= ASKED {
            return false;
        }
        self.set(room, Standing::Asked { until, begun: false, again: false });
        self.queue.push_back(room.to_owned());
        true
    }

    /// It is not asked for before this time, and nobody waits.
    pub fn puts_off(&mut self, room: &str, until: Instant) {
        self.set(room, Standing::Unknown(until));
    }

    /// Whom to ask next, and until when that is of use.
    pub fn next(&mut self) -> Option<(String, Instant)> {
        while let Some(room) = self.queue.pop_front() {
            if let Some(Standing::Asked { until, begun, again }) = self.known.get_mut(&room) {
                (*begun, *again) = (true, false);
                return Some((room, *until));
            }
        }
        None
    }

    /// The answer to a request; one that is not to be had counts until `retry`.
    pub fn answered(&mut self, room: &str, answer: Answer, retry: Instant) {
        let Some(Standing::Asked { until, begun: true, again }) = self.known.get(room).copied() else { return };
        match answer {
            Answer::Held(_) if again => {
                self.set(room, Standing::Asked { until, begun: false, again: false });
                self.queue.push_back(room.to_owned());
            }
            Answer::Held(kind) => self.set(room, Standing::Held(kind)),
            Answer::Refused => self.set(room, Standing::Unknown(retry)),
        }
    }

    /// Nobody is asked before this time, and nobody waits any more.
    pub fn gives_up(&mut self, until: Instant) {
        self.queue.clear();
        for standing in self.known.values_mut().filter(|standing| matches!(standing, Standing::Asked { .. })) {
            *standing = Standing::Unknown(until);
        }
        self.asked = 0;
    }

    /// Events were missed: who came and went meanwhile, nobody knows.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    fn set(&mut self, room: &str, standing: Standing) {
        let is_asked = |standing: &Standing| matches!(standing, Standing::Asked { .. });
        self.asked += usize::from(is_asked(&standing));
        match self.known.insert(room.to_owned(), standing) {
            Some(before) => self.asked -= usize::from(is_asked(&before)),
            None => self.oldest.push_back(room.to_owned()),
        }
        if self.oldest.len() > KNOWN
            && let Some(oldest) = self.oldest.pop_front()
            && let Some(before) = self.known.remove(&oldest)
        {
            self.asked -= usize::from(is_asked(&before));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use ConversationKind::{Direct, Group};

    fn times() -> (Instant, Instant) {
        let now = Instant::now();
        (now, now + Duration::from_secs(5))
    }

    #[test]
    fn a_conversation_is_asked_for_once_and_again_when_somebody_comes() {
        let ((now, until), mut memory) = (times(), Memory::default());
        assert!(memory.lacks("a", false, now) && memory.ask("a", until) && memory.waits("a"));
        assert!(!memory.lacks("a", true, now), "the request has not left: its answer will be new enough");
        assert_eq!((memory.next(), memory.next()), (Some(("a".into(), until)), None));
        memory.answered("a", Answer::Held(Direct), until);
        assert_eq!((memory.kind("a"), memory.waits("a")), (Some(Direct), false));
        assert!(!memory.lacks("a", false, now) && memory.lacks("a", true, now));
        assert!(memory.ask("a", until) && memory.next().is_some());
        assert_eq!(memory.kind("a"), None, "it is no longer known");
        assert!(memory.lacks("a", true, now) && memory.ask("a", until), "somebody else came since the request left");
        memory.answered("a", Answer::Held(Direct), until);
        assert!(memory.waits("a"), "that answer may be from before");
        assert_eq!(memory.next(), Some(("a".into(), until)));
        memory.answered("a", Answer::Held(Group), until);
        assert_eq!(memory.kind("a"), Some(Group));
    }

    #[test]
    fn what_is_refused_or_given_up_waits_no_longer_and_is_asked_for_later() {
        let ((now, until), mut memory) = (times(), Memory::default());
        for room in ["a", "b", "c"] {
            assert!(memory.ask(room, until));
        }
        assert_eq!(memory.next().unwrap().0, "a");
        memory.answered("a", Answer::Refused, until);
        assert!(!memory.waits("a") && !memory.lacks("a", false, now));
        assert!(memory.lacks("a", true, now) && memory.lacks("a", false, until));
        memory.is("c", Group);
        memory.gives_up(until);
        assert!(memory.next().is_none() && !memory.waits("b") && memory.asked == 0);
        assert_eq!(memory.kind("c"), Some(Group), "what is known stays");
        memory.answered("b", Answer::Held(Direct), until);
        assert_eq!(memory.kind("b"), None, "an answer that nobody waits for may be old");
    }

    #[test]
    fn p10_what_is_known_and_what_is_asked_is_bounded() {
        let ((_, until), mut memory) = (times(), Memory::default());
        for n in 0..ASKED {
            assert!(memory.ask(&format!("asked {n}"), until));
        }
        assert!(!memory.ask("one more", until));
        for n in 0..KNOWN {
            memory.is(&format!("known {n}"), Group);
        }
        assert_eq!((memory.known.len(), memory.oldest.len(), memory.asked), (KNOWN, KNOWN, 0));
        assert!(memory.next().is_none() && memory.ask("one more", until), "those that were forgotten wait no longer");
    }
}
