//! Frames that wait while history is read, so that what they overtake is told first (P3). Bounded.

use std::collections::VecDeque;

/// Something with a size that belongs to a conversation.
#[derive(Debug)]
pub struct Waiting<T> {
    /// The conversation; empty for the workspace as a whole.
    pub conversation: String,
    /// Its size in bytes.
    pub size: usize,
    /// What waits.
    pub what: T,
}

/// More waits than is allowed: the line dials again, and history brings what was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {frames} frames or {bytes} bytes came while history was read")]
pub struct Overrun {
    /// Frames allowed.
    pub frames: usize,
    /// Bytes allowed.
    pub bytes: usize,
}

/// What waits, in the order in which it came.
#[derive(Debug)]
pub struct Held<T> {
    bounds: Overrun,
    bytes: usize,
    queue: VecDeque<Waiting<T>>,
}

impl<T> Held<T> {
    /// Nothing yet; at most so many frames and bytes.
    pub const fn new(frames: usize, bytes: usize) -> Self {
        Self { bounds: Overrun { frames, bytes }, bytes: 0, queue: VecDeque::new() }
    }

    /// Lets something wait.
    pub fn push(&mut self, waiting: Waiting<T>) -> Result<(), Overrun> {
        self.bytes += waiting.size;
        self.queue.push_back(waiting);
        let over = self.queue.len() > self.bounds.frames || self.bytes > self.bounds.bytes;
        if over { Err(self.bounds) } else { Ok(()) }
    }

    /// Whether something of this conversation waits: what comes after it has to wait, too.
    pub fn has(&self, conversation: &str) -> bool {
        self.queue.iter().any(|waiting| waiting.conversation == conversation)
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes out, in order, what no longer has to wait.
    pub fn release(&mut self, mut still: impl FnMut(&str) -> bool) -> Vec<Waiting<T>> {
        self.release_by(|waiting| still(&waiting.conversation))
    }

    /// What waits, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.queue.iter().map(|waiting| &waiting.what)
    }

    /// The same as [`release`](Self::release), each judged by itself: what stays may have been before what goes.
    pub fn release_by(&mut self, mut still: impl FnMut(&Waiting<T>) -> bool) -> Vec<Waiting<T>> {
        let (mut free, mut kept) = (Vec::new(), VecDeque::new());
        for waiting in self.queue.drain(..) {
            if still(&waiting) {
                kept.push_back(waiting);
            } else {
                self.bytes -= waiting.size;
                free.push(waiting);
            }
        }
        self.queue = kept;
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(conversation: &str, what: u32) -> Waiting<u32> {
        Waiting { conversation: conversation.into(), size: 10, what }
    }

    #[test]
    fn what_is_free_leaves_in_order_and_the_rest_stays() {
        let mut held = Held::new(9, 90);
        for (conversation, n) in [("a", 1), ("b", 2), ("a", 3), ("b", 4)] {
            held.push(frame(conversation, n)).unwrap();
        }
        let free = |held: &mut Held<u32>, still| -> Vec<u32> {
            held.release(|conversation| conversation == still).iter().map(|waiting| waiting.what).collect()
        };
        assert_eq!(free(&mut held, "a"), [2, 4]);
        assert!(held.has("a") && !held.has("b"));
        assert_eq!(free(&mut held, ""), [1, 3]);
        assert!(held.is_empty());
    }

    #[test]
    fn both_bounds_hold() {
        let mut held = Held::new(1, 90);
        held.push(frame("a", 1)).unwrap();
        assert_eq!(held.push(frame("a", 2)), Err(Overrun { frames: 1, bytes: 90 }));
        assert!(Held::new(9, 9).push(frame("a", 1)).is_err());
    }
}
