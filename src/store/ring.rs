//! The newest events in memory, so that consumers that keep up never touch the disk.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::Stored;

/// What an event takes beside its bytes.
const OVERHEAD: usize = 256;

/// A run of the feed without holes, bounded in bytes; it ends with the newest committed event.
#[derive(Debug)]
pub struct Ring {
    events: VecDeque<Arc<Stored>>,
    bytes: usize,
    bound: usize,
}

impl Ring {
    /// An empty one of at most `bound` bytes.
    pub const fn new(bound: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, bound }
    }

    /// Adds what has just been committed, and lets the oldest go.
    pub fn push(&mut self, fresh: Vec<Arc<Stored>>) {
        for event in fresh {
            self.bytes += event.bytes.len() + OVERHEAD;
            self.events.push_back(event);
        }
        while self.bytes > self.bound {
            self.pop();
        }
    }

    /// Forgets everything up to and with `seq`.
    pub fn trim(&mut self, seq: u64) {
        while self.events.front().is_some_and(|event| event.seq <= seq) {
            self.pop();
        }
    }

    /// The events behind `after`, or `None` where the ring does not reach back that far.
    pub fn read(&self, after: u64, count: usize, bytes: usize) -> Option<Vec<Arc<Stored>>> {
        let skip = after.checked_add(1)?.checked_sub(self.events.front()?.seq)?;
        let start = usize::try_from(skip).ok()?.min(self.events.len());
        let mut read = Vec::new();
        let mut left = bytes;
        for event in self.events.range(start..).take(count) {
            if !read.is_empty() && event.bytes.len() > left {
                break;
            }
            left = left.saturating_sub(event.bytes.len());
            read.push(Arc::clone(event));
        }
        Some(read)
    }

    fn pop(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.bytes -= event.bytes.len() + OVERHEAD;
        }
    }
}
