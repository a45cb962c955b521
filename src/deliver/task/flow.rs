//! From the feed through the lanes to the reader: many events a round.

use std::sync::Arc;

use super::{BURST, READ, Task, keep};
use crate::deliver::lanes::{Missed, Moment, Next, Place};
use crate::event::Stored;
use crate::store::StoreError;

impl Task {
    /// One round of everything that time, feed and lanes allow; whether there may be more to do.
    pub(super) fn turn(&mut self) -> Result<bool, StoreError> {
        let now = self.now();
        self.lanes.lapse(now);
        let gives_up = self.give_up()?;
        let mut more = true;
        for _ in 0..BURST {
            let loaded = self.load()?;
            self.lanes.unstick(now);
            more = self.send(now)? || loaded;
            if !more {
                break;
            }
        }
        self.write_what_changed();
        Ok(more || gives_up)
    }

    fn load(&mut self) -> Result<bool, StoreError> {
        let head = *self.head.borrow_and_update();
        let scanned = self.lanes.scanned();
        let Some((events, bytes)) = self.lanes.hungry().filter(|_| scanned < head) else { return Ok(false) };
        if self.consumer.disabled.is_some() || self.expires_next() {
            return Ok(false);
        }
        let read = self.ground.store.read(scanned, events.min(READ.0), bytes.min(READ.1))?;
        for event in &read {
            let wanted = self.wants(event);
            self.lanes.load(event, wanted);
        }
        // A reading that ends in nothing has passed whatever was trimmed meanwhile.
        self.lanes.pass(read.last().map_or(head, |event| event.seq));
        Ok(true)
    }

    pub(super) fn wants(&self, event: &Stored) -> bool {
        self.consumer.only.wants(&self.consumer.name, &event.head)
    }

    fn send(&mut self, now: Moment) -> Result<bool, StoreError> {
        let mut sent = false;
        while let Some(next) = self.next(now) {
            match next {
                Next::Fetch(seq) => self.fetch(seq)?,
                Next::Send(event) if self.push(&event, now) => {}
                Next::Send(_) => break,
            }
            sent = true;
        }
        Ok(sent)
    }

    fn next(&self, now: Moment) -> Option<Next> {
        self.reader.as_ref()?;
        let out = |seq| matches!(self.lanes.place(seq), Place::Open(Some(_)));
        let kept = if self.reach.is_paused() { self.reach.kept_of(out) } else { 0 };
        let may = self.reach.may_send(now.mono, self.lanes.in_flight() - kept);
        may.then(|| self.lanes.next(self.reach.behind())).flatten()
    }

    /// Reads the body of a parked event, from the feed or from its letter; what is wanted no longer is passed over, and
    /// what the feed has forgotten is missed.
    fn fetch(&mut self, seq: u64) -> Result<(), StoreError> {
        match self.read_one(seq)? {
            Some(event) if self.wants(&event) => self.lanes.fetched(&event),
            Some(_) => self.lanes.settle(&[seq]),
            None => {
                self.missed.add(Missed::one(seq));
                self.lanes.settle(&[seq]);
            }
        }
        Ok(())
    }

    pub(super) fn read_one(&self, seq: u64) -> Result<Option<Arc<Stored>>, StoreError> {
        if let Some(event) = self.ground.store.event(seq)? {
            return Ok(Some(event));
        }
        let letter = self.ground.store.dead_letter(&self.consumer.name, seq)?;
        Ok(letter.and_then(|letter| keep::letter_event(seq, &letter)).map(Arc::new))
    }
}
