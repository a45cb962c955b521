//! The mark: just below the lowest open event, or past the stuck ones that were set aside.

use super::{Lanes, Moment, State, except};
use crate::store::{Change, Exception};

impl Lanes {
    /// Nothing can go although more could be out, and the window is full: sets the stuck events aside and moves the
    /// mark on, so that the lanes behind them flow.
    pub fn unstick(&mut self, now: Moment) {
        let starved = self.ready.is_empty() && self.out.len() < self.limits.max_in_flight;
        if starved && self.hungry().is_none() && self.open.len() < self.bounds.open {
            self.set_aside(self.scanned, now);
        }
        if self.settled.len() > self.bounds.settled {
            let last = self.settled.last().copied().unwrap_or_default();
            self.set_aside(last.min(self.scanned), now);
        }
    }

    /// Makes waiting rows of what is open up to `upto`, and moves the mark there.
    pub fn set_aside(&mut self, upto: u64, now: Moment) {
        let mut freed = Vec::new();
        for (seq, open) in self.open.range_mut(self.mark.saturating_add(1)..).take_while(|(seq, _)| **seq <= upto) {
            if !open.row {
                open.row = true;
                let until = if let State::Resting { until } = open.state { until } else { now.mono };
                let not_before = now.wall + until.saturating_sub(now.mono);
                let reason = "the mark moved past its lane".to_owned();
                let (attempts, failures) = (open.attempts, open.failures.clone());
                let row = Exception::Waiting { attempts, not_before, reason, failures };
                self.changes.push(except(&self.name, *seq, Some(row)));
            }
            if !matches!(open.state, State::Out { .. }) {
                freed.push(open.body.take().map(|event| event.bytes.len()));
            }
        }
        for bytes in freed {
            self.leave_window(bytes);
        }
        self.move_mark(upto);
        self.balance();
    }

    /// What is to be committed, in order; with `mark` also when only the mark moved.
    pub fn take_changes(&mut self, mark: bool) -> Vec<Change> {
        let mut changes = std::mem::take(&mut self.changes);
        if self.mark != self.written && (mark || !changes.is_empty()) {
            self.written = self.mark;
            changes.push(Change::Mark { consumer: self.name.clone(), seq: self.mark });
        }
        changes
    }

    /// The mark as it was last taken to be written.
    pub const fn mark_written(&self) -> u64 {
        self.written
    }

    /// Whether the mark is ahead of what was written.
    pub const fn mark_moved(&self) -> bool {
        self.mark != self.written
    }

    /// Moves the mark to just below the lowest open event above it.
    pub(super) fn balance(&mut self) {
        let lowest = self.open.range(self.mark.saturating_add(1)..).next();
        let mark = lowest.map_or(self.scanned, |(seq, _)| seq - 1);
        self.move_mark(mark);
    }

    fn move_mark(&mut self, mark: u64) {
        if mark > self.mark {
            self.mark = mark;
            self.settled = self.settled.split_off(&(mark + 1));
        }
    }
}
