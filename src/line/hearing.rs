//! What histories showed and the stream did not tell: how a stream that is deaf, to all or to one conversation, is
//! found out. Pure: time comes in as an argument.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

/// What the stream owes, by conversation.
#[derive(Debug, Default)]
pub struct Hearing {
    /// Since when a history has something that the stream has not told; anything the stream tells of the conversation
    /// settles that: it is not deaf to it, it has only lost something.
    unheard: HashMap<String, Instant>,
    /// A stream was dialled again for these, and no stream has told anything of them since.
    doubted: HashSet<String>,
    /// Two streams in a row left these out: it is the platform's way, and they are polled.
    left_out: HashSet<String>,
}

impl Hearing {
    /// A new stream owes nothing yet.
    pub fn opened(&mut self) {
        self.unheard.clear();
    }

    /// A history has found something new in a conversation that was read, behind this stream's opening, before.
    pub fn found(&mut self, conversation: &str, now: Instant) {
        if !self.left_out.contains(conversation) {
            self.unheard.entry(conversation.to_owned()).or_insert(now);
        }
    }

    /// The stream has told something of this conversation. `true` where it was thought to leave it out.
    pub fn heard(&mut self, conversation: &str) -> bool {
        // Mostly there is nothing to settle, and this is asked for every frame.
        if !self.unheard.is_empty() {
            self.unheard.remove(conversation);
        }
        if !self.doubted.is_empty() {
            self.doubted.remove(conversation);
        }
        !self.left_out.is_empty() && self.left_out.remove(conversation)
    }

    /// Since when the stream owes something.
    pub fn since(&self) -> Option<Instant> {
        self.unheard.values().min().copied()
    }

    /// The stream has had `grace` for what it owes: a conversation for which it is worth dialling again. One for which
    /// that was done in vain is left out from now on.
    pub fn give_up(&mut self, grace: Duration, now: Instant) -> Option<String> {
        let due: Vec<_> =
            self.unheard.iter().filter(|(_, found)| now >= **found + grace).map(|(id, _)| id.clone()).collect();
        let mut worth = None;
        for conversation in due {
            self.unheard.remove(&conversation);
            if self.doubted.insert(conversation.clone()) {
                worth = Some(conversation);
            } else {
                self.left_out.insert(conversation);
            }
        }
        worth
    }

    /// What the platform's streams leave out.
    pub fn left_out(&self) -> impl Iterator<Item = &str> {
        self.left_out.iter().map(String::as_str)
    }

    /// Whether the platform's streams leave it out.
    pub fn leaves_out(&self, conversation: &str) -> bool {
        self.left_out.contains(conversation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    #[test]
    fn what_the_stream_tells_in_time_is_no_reason_to_doubt_it() {
        let (mut hearing, now) = (Hearing::default(), Instant::now());
        hearing.found("a", now);
        assert_eq!(hearing.since(), Some(now));
        assert_eq!(hearing.give_up(GRACE, now + GRACE / 2), None);
        hearing.heard("b");
        assert_eq!(hearing.since(), Some(now), "another conversation says nothing of this one");
        hearing.heard("a");
        assert_eq!((hearing.since(), hearing.give_up(GRACE, now + GRACE)), (None, None));
        hearing.found("a", now);
        hearing.opened();
        assert_eq!(hearing.since(), None, "a new stream owes nothing");
    }

    #[test]
    fn one_stream_is_dialled_again_and_what_the_next_leaves_out_too_is_polled_until_one_tells_it() {
        let (mut hearing, now) = (Hearing::default(), Instant::now());
        hearing.found("a", now);
        assert_eq!(hearing.give_up(GRACE, now + GRACE), Some("a".to_owned()));
        hearing.opened();
        hearing.found("a", now + 2 * GRACE);
        assert_eq!(hearing.give_up(GRACE, now + 3 * GRACE), None, "never again and again");
        assert!(hearing.leaves_out("a"));
        hearing.found("a", now + 4 * GRACE);
        assert_eq!(hearing.since(), None);
        assert!(hearing.heard("a"), "it does tell it");
        hearing.found("a", now + 5 * GRACE);
        assert_eq!(hearing.give_up(GRACE, now + 6 * GRACE), Some("a".to_owned()));
    }
}
