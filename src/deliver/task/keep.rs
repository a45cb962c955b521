//! What is kept about a consumer besides its flow: settings, dead letters, waiting rows, figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::gap::gap_in;
use super::reader::Reader;
use super::{Done, READ, Task};
use crate::clock::millis;
use crate::consumer::Consumer;
use crate::deliver::call::Refusal;
use crate::deliver::handle::{Reply, Status};
use crate::deliver::lanes::{Missed, Place};
use crate::deliver::subscription::Closed;
use crate::event::{AuthorKind, Head, Stored, Type, WorkspaceName};
use crate::retry::attempts::LONGEST;
use crate::store::{Change, DeadLetter, Exception, StoreError};

impl Task {
    /// Takes in what is special about single events. Lanes that wait must be known before anything behind them goes
    /// out; a gap that was not delivered is remembered; an event that has left the feed meanwhile is missed (P4).
    pub(super) fn take_in(&mut self, exceptions: &BTreeMap<u64, Exception>) -> Result<(), StoreError> {
        let open: Vec<u64> =
            exceptions.iter().filter(|(_, it)| **it != Exception::Settled).map(|(seq, _)| *seq).collect();
        for seqs in open.chunks(READ.0) {
            for (seq, event) in seqs.iter().zip(self.ground.store.events(seqs)?) {
                let event = event.map_or_else(|| self.read_one(*seq), |event| Ok(Some(event)))?;
                self.take_in_one(*seq, &exceptions[seq], event.as_deref());
            }
        }
        Ok(())
    }

    fn take_in_one(&mut self, seq: u64, exception: &Exception, event: Option<&Stored>) {
        if let Some(told) = event.and_then(gap_in) {
            self.gap = Some((seq, told));
        }
        match (exception, event) {
            (Exception::Waiting { attempts, not_before, failures, .. }, Some(event)) => {
                let longest = LONGEST.max(millis(self.ground.bounds.attempts.longest));
                // Never longer than the longest wait: somebody may have set the clock.
                let wait = not_before.saturating_sub(self.ground.clock.now()).min(longest);
                self.lanes.park(seq, &event.head, *attempts, failures.clone(), wait);
            }
            (Exception::Waiting { .. }, None) => {
                self.missed.add(Missed::one(seq));
                self.lanes.forget(seq);
            }
            _ => {}
        }
    }

    pub(super) fn retry(&mut self, seq: u64, answer: Reply<()>) -> Result<(), StoreError> {
        let dead = self.lanes.place(seq) == Place::Dead;
        let letter = if dead { self.ground.store.dead_letter(&self.consumer.name, seq)? } else { None };
        let found = letter.and_then(|letter| Some((letter_event(seq, &letter)?, letter.failures)));
        let done = match found {
            Some((event, failures)) => {
                let now = self.now();
                self.lanes.revive(&Arc::new(event), failures, now);
                Ok(())
            }
            None => Err(Refusal::NoSuchLetter(seq)),
        };
        self.answer_after_commit(done, answer);
        Ok(())
    }

    pub(super) fn drop_letter(&mut self, seq: u64, answer: Reply<()>) {
        let known = self.lanes.dead().contains(&seq);
        if known {
            self.lanes.settle(&[seq]);
        }
        self.answer_after_commit(if known { Ok(()) } else { Err(Refusal::NoSuchLetter(seq)) }, answer);
    }

    pub(super) fn status(&self) -> Status {
        let head = *self.head.borrow();
        let (scanned, open, out, waiting) = self.lanes.figures();
        let now = self.now();
        let paused =
            self.reach.paused().map(|(until, why)| (now.wall + until.saturating_sub(now.mono), why.to_owned()));
        Status {
            name: self.consumer.name.clone(),
            mark: self.committed_mark,
            head,
            lag: open as u64 + head.saturating_sub(scanned),
            in_flight: out as u64,
            waiting: waiting as u64,
            dead: self.lanes.dead().len() as u64,
            paused,
            disabled: self.consumer.disabled.clone(),
            connected: self.reader.is_some(),
            webhook: self.consumer.webhook.is_some(),
        }
    }

    /// New settings. What was passed stays passed: the mark goes to where the old filter has looked.
    pub(super) fn put(&mut self, consumer: Consumer, answer: Reply<()>) {
        let now = self.now();
        let filtered = consumer.only != self.consumer.only;
        let moved = consumer.webhook != self.consumer.webhook;
        let (from, disabled) = (self.consumer.from.clone(), self.consumer.disabled.take());
        self.consumer = Consumer { from, disabled, ..consumer };
        if filtered {
            self.lanes.set_aside(self.lanes.scanned(), now);
            let (only, name) = (&self.consumer.only, &self.consumer.name);
            self.lanes.sift(|head| only.wants(name, head));
        }
        if moved {
            self.close_reader(Closed::TakenOver);
        }
        self.limit();
        let mut changes = vec![Change::Consumer(Box::new(self.consumer.clone()))];
        changes.extend(self.lanes.take_changes(true));
        self.commit(changes, move |result| {
            drop(answer.send(result.as_ref().map(|_| ()).map_err(|error| Refusal::Store(error.clone()))));
            Done::Answered
        });
    }

    pub(super) fn switch(&mut self, disabled: Option<String>, answer: Reply<Box<Consumer>>) {
        self.consumer.disabled = disabled;
        if self.consumer.disabled.is_some() {
            self.close_reader(Closed::Disabled);
        }
        let consumer = Box::new(self.consumer.clone());
        let mut changes = vec![Change::Consumer(consumer.clone())];
        changes.extend(self.lanes.take_changes(true));
        self.commit(changes, move |result| {
            drop(answer.send(result.as_ref().map(|_| consumer).map_err(|error| Refusal::Store(error.clone()))));
            Done::Answered
        });
    }

    pub(super) fn remove(&mut self, answer: Reply<()>) {
        if let Some(Reader { link, .. }) = self.reader.take() {
            link.end(Closed::Removed);
        }
        // Nothing may come behind the removal: who is still in line hears that the consumer is gone.
        self.leaving = true;
        self.commands.close();
        while self.commands.try_recv().is_ok() {}
        self.commit(vec![Change::ForgetConsumer(self.consumer.name.clone())], move |result| {
            drop(answer.send(result.as_ref().map(|_| ()).map_err(|error| Refusal::Store(error.clone()))));
            Done::Removed
        });
    }
}

/// The event in a dead letter, which may have left the feed; `None` for what is no event of ours.
pub fn letter_event(seq: u64, letter: &DeadLetter) -> Option<Stored> {
    #[derive(Deserialize)]
    struct Event {
        r#type: Type,
        workspace: WorkspaceName,
        #[serde(default)]
        subject: String,
        #[serde(default)]
        data: Data,
    }
    #[derive(Default, Deserialize)]
    struct Data {
        author: Option<Author>,
        mentions_me: Option<bool>,
        consumer: Option<String>,
    }
    #[derive(Default, Deserialize)]
    struct Author {
        id: Option<String>,
        kind: Option<AuthorKind>,
        #[serde(default)]
        me: bool,
    }
    let Event { r#type: kind, workspace, subject: conversation, data } = serde_json::from_str(&letter.event).ok()?;
    let author = data.author.unwrap_or_default();
    let head = Head {
        workspace,
        kind,
        conversation,
        author: author.id,
        author_kind: author.kind,
        own: author.me,
        mentions_me: data.mentions_me.unwrap_or(false),
        only_for: data.consumer.filter(|_| kind == Type::ConsumerGap),
    };
    Some(Stored { seq, at: letter.at, head, bytes: letter.event.clone().into() })
}
