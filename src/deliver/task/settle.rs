//! The calls that settle: decided here at once, answered after their commit.

use std::time::Duration;

use serde_json::{Map, Value};

use super::attend::Through;
use super::{Done, Task};
use crate::action::{Action, ActionId, Request};
use crate::clock::millis;
use crate::deliver::call::{Refusal, Settle, Settled, Which};
use crate::deliver::handle::Reply;
use crate::deliver::lanes::{Place, Rest};
use crate::deliver::subscription::ReaderId;
use crate::event::Stored;
use crate::failpoint::{Defence, stands};
use crate::store::{Batch, Change, Committed, How, StoreError};

/// The longest reason of a nack or a reject that is kept, in bytes.
const REASON: usize = 2_000;

/// Actions on their way into a batch: the rows, and where each request's own row is among them.
#[derive(Default)]
struct Riding {
    rows: Vec<Change>,
    firsts: Vec<usize>,
    ids: Vec<ActionId>,
}

/// What follows an ack.
struct Behind {
    /// What the bridge does by itself, in the same commit.
    marks: Vec<Change>,
    /// Who hears of it, after that.
    through: Through,
}

impl Riding {
    /// Whether an action like this is among them.
    fn has(&self, other: &Action) -> bool {
        let same = |it: &Action| (&it.workspace, &it.verb, &it.args) == (&other.workspace, &other.verb, &other.args);
        self.rows.iter().any(|row| matches!(row, Change::Accept(action) if same(action)))
    }
}

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

    fn ack(
        &mut self,
        which: &Which,
        reply: Option<String>,
        actions: Vec<Request>,
        from: Option<ReaderId>,
        answer: Reply<Settled>,
    ) -> Result<(), StoreError> {
        let (anchor, seqs) = match self.meant(which, reply.is_some() || !actions.is_empty(), from)? {
            Ok(meant) => meant,
            Err(refusal) => {
                drop(answer.send(Err(refusal)));
                return Ok(());
            }
        };
        let fresh = seqs.contains(&anchor);
        let riding = if fresh { self.ride(anchor, reply, actions)? } else { Ok(Riding::default()) };
        let riding = match riding {
            Ok(riding) => riding,
            Err(refusal) => {
                drop(answer.send(Err(refusal)));
                return Ok(());
            }
        };
        let marks = self.marks(&seqs, &riding)?;
        self.lanes.ack(&seqs);
        let behind = Behind { marks, through: self.through(&seqs) };
        self.note_answered(&seqs, from, true);
        let now = self.now();
        self.lanes.unstick(now);
        if fresh {
            self.commit_ack(anchor, riding, behind, answer);
        } else {
            self.answer_as_before(anchor, answer);
            behind.through.tell();
        }
        Ok(())
    }

    /// The event that actions ride on, and the events to settle: those of them that are not settled yet.
    fn meant(
        &self,
        which: &Which,
        acts: bool,
        from: Option<ReaderId>,
    ) -> Result<Result<(u64, Vec<u64>), Refusal>, StoreError> {
        let seqs = match which {
            Which::Seqs(seqs) => seqs.clone(),
            Which::UpTo(upto) => return Ok(self.up_to(*upto, acts, from)),
        };
        let Some(anchor) = seqs.iter().copied().max() else {
            return Ok(Err(Refusal::BadParameter("an ack names at least one event".to_owned())));
        };
        let mut fresh = Vec::with_capacity(seqs.len());
        for seq in seqs {
            match self.lanes.place(seq) {
                Place::Open(_) | Place::Dead => fresh.push(seq),
                Place::Ahead if self.is_for_us(seq)? => fresh.push(seq),
                Place::Ahead => return Ok(Err(Refusal::NotDelivered(seq))),
                Place::Settled if seq == 0 => return Ok(Err(Refusal::NotDelivered(seq))),
                Place::Settled => {}
            }
        }
        Ok(Ok((anchor, fresh)))
    }

    /// What `up_to` means now. Actions need an event to ride on: then `upto` itself must be among it, or settled.
    fn up_to(&self, upto: u64, acts: bool, from: Option<ReaderId>) -> Result<(u64, Vec<u64>), Refusal> {
        let link = self.reader.as_ref().map(|reader| &reader.link).or(self.ending.as_ref());
        let written = link.map_or(0, |link| link.written());
        let seqs = self.lanes.leased(upto, from.map(|reader| (reader, written)));
        let unheld = seqs.last() != Some(&upto) && self.lanes.place(upto) != Place::Settled;
        if acts && unheld {
            return Err(Refusal::NotLeased(upto));
        }
        // Without actions the newest event meant stands for all; with none meant, the call was answered before.
        let anchor = if acts { upto } else { seqs.last().copied().unwrap_or(upto) };
        Ok((anchor, seqs))
    }

    /// An event not looked at yet may have been delivered before a restart.
    fn is_for_us(&self, seq: u64) -> Result<bool, StoreError> {
        Ok(self.ground.store.event(seq)?.is_some_and(|event| self.wants(&event)))
    }

    /// Makes actions of what rides on an ack, or says which is malformed.
    fn ride(
        &self,
        anchor: u64,
        reply: Option<String>,
        actions: Vec<Request>,
    ) -> Result<Result<Riding, Refusal>, StoreError> {
        if reply.is_none() && actions.is_empty() {
            return Ok(Ok(Riding::default()));
        }
        let event = match self.lanes.body(anchor) {
            Some(event) => Some(event),
            None => self.read_one(anchor)?,
        };
        let Some(event) = event else { return Ok(Err(Refusal::NotDelivered(anchor))) };
        let reply = reply.map(|text| answer_to(&event, text));
        Ok(self.accept_all(&event, reply.into_iter().chain(actions)))
    }

    fn accept_all(&self, event: &Stored, requests: impl Iterator<Item = Request>) -> Result<Riding, Refusal> {
        let mut riding = Riding::default();
        let now = self.ground.clock.now();
        for (index, request) in requests.enumerate() {
            let workspace = request.workspace.clone().unwrap_or_else(|| event.head.workspace.clone());
            let rows = self.ground.accept.accept(&workspace, request, Some(event.seq), now);
            let rows = rows.map_err(|refused| Refusal::BadAction { index, refused })?;
            riding.firsts.push(riding.rows.len());
            riding.ids.extend(rows.first().map(|action| action.id.clone()));
            riding.rows.extend(rows.into_iter().map(|action| Change::Accept(Box::new(action))));
        }
        Ok(riding)
    }

    /// What the bridge does by itself behind an ack of these events, once all that rides on it is confirmed. The agent may
    /// have said it itself.
    fn marks(&self, seqs: &[u64], riding: &Riding) -> Result<Vec<Change>, StoreError> {
        let now = self.ground.clock.now();
        let mut marks = Vec::new();
        for seq in seqs {
            let event = match self.lanes.body(*seq) {
                Some(event) => Some(event),
                None => self.read_one(*seq)?,
            };
            let mark = event.and_then(|event| self.ground.accept.follows(&event, now));
            if let Some(mark) = mark.filter(|mark| !riding.has(mark)) {
                marks.push(Change::Accept(Box::new(mark.behind(riding.ids.clone()))));
            }
        }
        Ok(marks)
    }

    /// Mark, actions and their memory in one batch (P5).
    fn commit_ack(&mut self, anchor: u64, riding: Riding, behind: Behind, mut answer: Reply<Settled>) {
        let Behind { marks, through } = behind;
        let mut changes = self.lanes.take_changes(true);
        let Riding { rows, firsts, ids } = riding;
        if !stands(Defence::AckAfterCommit) {
            let (told, _) = tokio::sync::oneshot::channel();
            drop(std::mem::replace(&mut answer, told).send(Ok(Settled { actions: ids.clone(), lease_until: None })));
        }
        // Without actions an ack is for whoever asked, and for nobody where nobody listens.
        let patient = rows.is_empty() && answer.is_closed();
        if !rows.is_empty() {
            let consumer = self.consumer.name.clone();
            changes.extend(rows);
            changes.push(Change::Acked { consumer, seq: anchor, actions: ids });
        }
        changes.extend(marks);
        self.write(Batch { changes, patient, ..Batch::new() }, move |result| {
            let ids = |committed: &Committed| {
                firsts.iter().filter_map(|at| committed.actions.get(*at).cloned()).collect::<Vec<_>>()
            };
            let settled = result.as_ref().map(|done| Settled { actions: ids(done), lease_until: None });
            drop(answer.send(settled.map_err(|error| Refusal::Store(error.clone()))));
            if result.is_ok() {
                through.tell();
            }
            Done::Answered
        });
    }

    /// A later ack: nothing but what came along is committed, and the first one's actions are told, once that one is
    /// durable. Batches keep their order, so an own commit tells when.
    fn answer_as_before(&mut self, anchor: u64, answer: Reply<Settled>) {
        let changes = self.lanes.take_changes(true);
        let (store, name) = (self.ground.store.clone(), self.consumer.name.clone());
        self.commit(changes, move |result| {
            let first = result.as_ref().map_err(Clone::clone).and_then(|_| store.acked(&name, anchor));
            let settled = first.map(|ids| Settled { actions: ids.unwrap_or_default(), lease_until: None });
            drop(answer.send(settled.map_err(Refusal::Store)));
            Done::Answered
        });
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
        let event = match self.lanes.body(seq) {
            Some(event) => Some(event),
            None => self.read_one(seq)?,
        };
        let Some(event) = event else { return Ok(Err(Refusal::NotDelivered(seq))) };
        let now = self.now();
        self.lanes.bury(&event, &short(reason.to_owned()), How::Rejected, now);
        Ok(Ok(()))
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

/// `send` into the conversation that the event comes from.
fn answer_to(event: &Stored, text: String) -> Request {
    let mut args = Map::new();
    if !event.head.conversation.is_empty() {
        args.insert("conversation".to_owned(), Value::String(event.head.conversation.clone()));
    }
    args.insert("text".to_owned(), Value::String(text));
    Request { workspace: None, verb: "send".to_owned(), args, key: None }
}
