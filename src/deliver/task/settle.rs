//! The calls that settle: decided here at once, answered after their commit.

mod ack;
mod riding;

use std::sync::Arc;
use std::time::Duration;

use super::{Done, Task};
use crate::clock::millis;
use crate::deliver::call::{Refusal, Settle, Settled, Which};
use crate::deliver::handle::Reply;
use crate::deliver::lanes::{Place, Rest};
use crate::deliver::subscription::ReaderId;
use crate::event::Stored;
use crate::store::{How, StoreError};

/// The longest reason of a nack or a reject that is kept, in bytes.
const REASON: usize = 2_000;

impl Task {
    pub(super) fn settle(
        &mut self,
        settle: Settle,
        from: Option<ReaderId>,
        answer: Reply<Settled>,
    ) -> Result<(), StoreError> {
        match settle {
            Settle::Ack { which, actions } => self.ack(&which, None, actions, from, answer),
            Settle::Reply { seq, text, actions } => {
                self.ack(&Which::Seqs(vec![seq]), Some(text), actions, from, answer)
            }
            Settle::Nack { seq, delay, reason } => {
                let done = self.nack(seq, delay, reason, from);
                self.answer_after_commit(done, answer);
                Ok(())
            }
            Settle::Extend { seq } => {
                let now = self.now();
                let until = self.held(seq, from).map(|()| self.lanes.extend(seq, now));
                if until.is_ok() {
                    self.extended(seq);
                }
                drop(answer.send(until.map(|lease_until| Settled { lease_until, ..Settled::default() })));
                Ok(())
            }
            Settle::Reject { seq, reason } => {
                let done = self.reject(seq, &reason)?;
                self.answer_after_commit(done, answer);
                Ok(())
            }
        }
    }

    fn nack(
        &mut self,
        seq: u64,
        delay: Option<Duration>,
        reason: Option<String>,
        from: Option<ReaderId>,
    ) -> Result<(), Refusal> {
        self.held(seq, from)?;
        self.note_answered(&[seq], from, false);
        let reason = reason.map_or_else(|| "nacked".to_owned(), short);
        let now = self.now();
        let rest = delay.map_or(Rest::Backoff, |delay| Rest::Exactly(millis(delay)));
        self.lanes.fail(seq, &reason, rest, now);
        Ok(())
    }

    fn reject(&mut self, seq: u64, reason: &str) -> Result<Result<(), Refusal>, StoreError> {
        match self.lanes.place(seq) {
            Place::Open(_) => {}
            Place::Dead => return Ok(Ok(())),
            Place::Settled => return Ok(Err(Refusal::AlreadySettled(seq))),
            Place::Ahead => return Ok(Err(Refusal::NotDelivered(seq))),
        }
        let Some(event) = self.body(seq)? else { return Ok(Err(Refusal::NotDelivered(seq))) };
        let now = self.now();
        self.lanes.bury(&event, &short(reason.to_owned()), How::Rejected, now);
        Ok(Ok(()))
    }

    /// The event, as long as anything keeps it.
    fn body(&self, seq: u64) -> Result<Option<Arc<Stored>>, StoreError> {
        match self.lanes.body(seq) {
            Some(event) => Ok(Some(event)),
            None => self.read_one(seq),
        }
    }

    /// Whether the event is leased, to this reader where one is named.
    pub(super) fn held(&self, seq: u64, from: Option<ReaderId>) -> Result<(), Refusal> {
        match self.lanes.place(seq) {
            Place::Open(Some(reader)) if from.is_none_or(|from| from == reader) => Ok(()),
            Place::Open(_) => Err(Refusal::NotLeased(seq)),
            Place::Dead | Place::Settled => Err(Refusal::AlreadySettled(seq)),
            Place::Ahead => Err(Refusal::NotDelivered(seq)),
        }
    }

    pub(super) fn answer_after_commit<T: Default + Send + 'static>(
        &mut self,
        done: Result<(), Refusal>,
        answer: Reply<T>,
    ) {
        if let Err(refusal) = done {
            return drop(answer.send(Err(refusal)));
        }
        let changes = self.lanes.take_changes(true);
        self.commit(changes, move |result| {
            let settled = result.as_ref().map(|_| T::default()).map_err(|error| Refusal::Store(error.clone()));
            drop(answer.send(settled));
            Done::Answered
        });
    }
}

/// A reason is for people, and is written with every failure: it stays short.
fn short(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(REASON));
    reason
}
