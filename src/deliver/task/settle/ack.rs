//! An ack: which events it means, and what is committed with it. The first one of an event counts.

use super::riding::Riding;
use super::{Done, Task};
use crate::action::Request;
use crate::deliver::call::{Refusal, Settled, Which};
use crate::deliver::handle::Reply;
use crate::deliver::lanes::Place;
use crate::deliver::subscription::ReaderId;
use crate::deliver::task::attend::Through;
use crate::failpoint::{Defence, stands};
use crate::store::{Batch, Change, Committed, StoreError};

/// What follows an ack.
struct Behind {
    /// What the bridge does by itself, in the same commit.
    marks: Vec<Change>,
    /// Who hears of it, after that.
    through: Through,
}

impl Task {
    pub(super) fn ack(
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
}
