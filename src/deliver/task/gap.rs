//! Gives up what is too old, or what there is no room for, and tells what a consumer missed: one gap for each hole,
//! in the commit by which the events leave it (P4).

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Done, READ, Task};
use crate::deliver::call::Refusal;
use crate::deliver::handle::{Leased, Reply};
use crate::deliver::lanes::{Missed, Place};
use crate::event::{Draft, NewEvent, Stored, Type, WorkspaceName};
use crate::store::StoreError;

/// The workspace under which the bridge speaks of itself.
const BRIDGE: &str = "bridge";

/// What is being given up, while the feed is looked through in steps.
pub(super) struct Expiring {
    upto: u64,
    leased: Leased,
    /// Looked through up to here.
    walked: u64,
    /// What would have been delivered, of what was looked through.
    missed: Missed,
    answer: Reply<u64>,
}

impl Task {
    /// Begins to give up everything up to `upto`; [`Task::give_up`] goes on with it.
    pub(super) fn expire(&mut self, upto: u64, leased: Leased, answer: Reply<u64>) {
        let walked = self.lanes.scanned();
        self.expiring = Some(Expiring { upto, leased, walked, missed: Missed::default(), answer });
    }

    /// What is about to be given up is not loaded any more.
    pub(super) fn expires_next(&self) -> bool {
        self.expiring.as_ref().is_some_and(|expiring| self.lanes.scanned() < expiring.upto)
    }

    /// One step: calls come between two of them, however long the backlog is. Whether there was one to take.
    pub(super) fn give_up(&mut self) -> Result<bool, StoreError> {
        let Some(mut expiring) = self.expiring.take() else { return Ok(false) };
        if expiring.walked < expiring.upto {
            self.walk(&mut expiring)?;
            self.expiring = Some(expiring);
        } else {
            self.leave(expiring);
        }
        Ok(true)
    }

    /// Counts what would have been delivered. Nothing is passed yet: the mark must not move without the gap.
    fn walk(&self, expiring: &mut Expiring) -> Result<(), StoreError> {
        let read = self.ground.store.read(expiring.walked, READ.0, READ.1)?;
        for event in read.iter().take_while(|event| event.seq <= expiring.upto) {
            if self.lanes.place(event.seq) == Place::Ahead && self.wants(event) {
                expiring.missed.add(gap_in(event).unwrap_or_else(|| Missed::one(event.seq)));
            }
        }
        expiring.walked = read.last().map_or(expiring.upto, |event| event.seq.min(expiring.upto));
        Ok(())
    }

    /// Mark, rows and gap change in one commit, which also says how far the feed is needed no more. What is out just
    /// now is either not taken away, and what follows it goes in a later pass; or it stays out with its row, and is
    /// missed if it comes back when the feed has forgotten it.
    fn leave(&mut self, expiring: Expiring) {
        let Expiring { upto, leased, missed, answer, .. } = expiring;
        let out = self.lanes.lowest_out().filter(|_| leased == Leased::Waits);
        let reach = out.map_or(upto, |out| upto.min(out - 1));
        if reach == upto {
            self.missed.add(missed);
            self.lanes.pass(upto);
        }
        for (seq, body) in self.lanes.expire(reach) {
            let own = self.gap.take_if(|(gap, _)| *gap == seq).map(|(_, told)| told);
            self.missed.add(own.or_else(|| body.as_deref().and_then(gap_in)).unwrap_or_else(|| Missed::one(seq)));
        }
        let passed = match leased {
            Leased::Waits => {
                let scanned = self.lanes.scanned();
                self.lanes.lowest_needed().map_or(scanned, |lowest| scanned.min(lowest - 1))
            }
            Leased::LetGo => {
                let now = self.now();
                self.lanes.set_aside(upto, now);
                upto
            }
        };
        let changes = self.lanes.take_changes(true);
        self.commit(changes, move |result| {
            drop(answer.send(result.as_ref().map(|_| passed).map_err(|error| Refusal::Store(error.clone()))));
            Done::Answered
        });
    }

    /// What was missed and not told: the event that tells it. A gap that this consumer was not sent yet becomes part
    /// of the new one: it never has two waiting.
    pub(super) fn gap_to_tell(&mut self) -> Option<(NewEvent, Missed)> {
        if self.missed.count == 0 || self.leaving {
            return None;
        }
        let mut missed = std::mem::take(&mut self.missed);
        if let Some((seq, earlier)) = self.gap.take()
            && matches!(self.lanes.place(seq), Place::Open(None) | Place::Ahead)
        {
            self.lanes.settle(&[seq]);
            missed.add(earlier);
        }
        Some((self.gap_event(missed), missed))
    }

    fn gap_event(&self, missed: Missed) -> NewEvent {
        let bridge = WorkspaceName::new(BRIDGE).expect("a plain word is a name");
        let mut more = Map::new();
        more.insert("consumer".to_owned(), Value::String(self.consumer.name.clone()));
        for (key, number) in [("first", missed.first), ("last", missed.last), ("count", missed.count)] {
            more.insert(key.to_owned(), Value::from(number));
        }
        let mut event = Draft::about(&bridge, Type::ConsumerGap, self.ground.clock.stamp(), more).seal();
        event.head.only_for = Some(self.consumer.name.clone());
        event
    }
}

/// What a `consumer.gap` tells; `None` for any other event.
pub(super) fn gap_in(event: &Stored) -> Option<Missed> {
    #[derive(Deserialize)]
    struct Gap {
        data: Missed,
    }
    if event.head.kind != Type::ConsumerGap {
        return None;
    }
    serde_json::from_slice::<Gap>(&event.bytes).ok().map(|gap| gap.data)
}
