//! What is kept about a consumer besides its flow: settings, dead letters, waiting rows, age, figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::reader::Reader;
use super::{Done, READ, Task};
use crate::clock::millis;
use crate::consumer::Consumer;
use crate::deliver::call::Refusal;
use crate::deliver::handle::{Reply, Status};
use crate::deliver::lanes::{Missed, Place};
use crate::deliver::subscription::Closed;
use crate::event::{AuthorKind, Draft, Head, NewEvent, Stored, Type, WorkspaceName};
use crate::retry::attempts::LONGEST;
use crate::store::{Batch, Change, DeadLetter, Exception, StoreError};

/// The workspace under which the bridge speaks of itself.
const BRIDGE: &str = "bridge";

impl Task {
    /// Takes in the waiting rows: their lanes must be known before anything behind them goes out.
    pub(super) fn park_all(&mut self, exceptions: BTreeMap<u64, Exception>) -> Result<(), StoreError> {
        let wall = self.ground.clock.now();
        let longest = LONGEST.max(millis(self.ground.bounds.attempts.longest));
        for (seq, exception) in exceptions {
            let Exception::Waiting { attempts, not_before, failures, .. } = exception else { continue };
            // Never longer than the longest wait: somebody may have set the clock.
            let wait = not_before.saturating_sub(wall).min(longest);
            if let Some(event) = self.read_one(seq)? {
                self.lanes.park(seq, &event.head, attempts, failures, wait);
            } else {
                tracing::warn!(consumer = self.consumer.name, seq, "a waiting event is not in the feed any more");
            }
        }
        Ok(())
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
        self.commit(Batch { changes, intake: false }, move |result| {
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
        self.commit(Batch { changes, intake: false }, move |result| {
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
        self.commit(Batch::new().with(Change::ForgetConsumer(self.consumer.name.clone())), move |result| {
            drop(answer.send(result.as_ref().map(|_| ()).map_err(|error| Refusal::Store(error.clone()))));
            Done::Removed
        });
    }

    /// Gives up what is too old: one gap tells what was missed, in the batch that moves the mark (P4). What is out
    /// just now is not taken away: it, and what follows it, goes in a later pass.
    pub(super) async fn expire(&mut self, upto: u64, answer: Reply<u64>) -> Result<(), StoreError> {
        let upto = self.lanes.lowest_out().map_or(upto, |out| upto.min(out - 1));
        let mut missed = self.give_up(upto);
        self.walk_to(upto, &mut missed).await?;
        if missed.count > 0 {
            self.fold_earlier_gap(&mut missed);
        }
        let scanned = self.lanes.scanned();
        let passed = self.lanes.lowest_needed().map_or(scanned, |lowest| scanned.min(lowest - 1));
        let mut batch = Batch { changes: self.lanes.take_changes(true), intake: false };
        if missed.count > 0 {
            batch = batch.event(self.gap_event(missed));
        }
        self.commit(batch, move |result| {
            let told = result.as_ref().map(|_| passed).map_err(|error| Refusal::Store(error.clone()));
            drop(answer.send(told));
            let seq = result.as_ref().ok().and_then(|committed| committed.events.first().copied().flatten());
            seq.map_or(Done::Answered, |seq| Done::Gap(seq, missed))
        });
        Ok(())
    }

    /// What was in line; a gap among it stands for all that it told.
    fn give_up(&mut self, upto: u64) -> Missed {
        let mut missed = Missed::default();
        for (seq, body) in self.lanes.expire(upto) {
            let own = self.gap.take_if(|(gap, _)| *gap == seq).map(|(_, told)| (told.first, told.last, told.count));
            let told = own.or_else(|| body.as_deref().and_then(gap_in));
            let (first, last, count) = told.unwrap_or((seq, seq, 1));
            missed.add(first, last, count);
        }
        missed
    }

    /// Passes over the feed up to `upto` without loading it, counting what would have been delivered.
    async fn walk_to(&mut self, upto: u64, missed: &mut Missed) -> Result<(), StoreError> {
        while self.lanes.scanned() < upto {
            let read = self.ground.store.read(self.lanes.scanned(), READ.0, READ.1)?;
            for event in read.iter().take_while(|event| event.seq <= upto) {
                if self.lanes.place(event.seq) == Place::Ahead && self.wants(event) {
                    let (first, last, count) = gap_in(event).unwrap_or((event.seq, event.seq, 1));
                    missed.add(first, last, count);
                }
            }
            self.lanes.pass(read.last().map_or(upto, |event| event.seq.min(upto)));
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// A gap that this consumer was not sent yet becomes part of the new one: it never has two waiting.
    fn fold_earlier_gap(&mut self, missed: &mut Missed) {
        let Some((seq, earlier)) = self.gap.take() else { return };
        if matches!(self.lanes.place(seq), Place::Open(None) | Place::Ahead) {
            self.lanes.settle(&[seq]);
            missed.add(earlier.first, earlier.last, earlier.count);
        }
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

/// The bounds that a lost `consumer.gap` told.
fn gap_in(event: &Stored) -> Option<(u64, u64, u64)> {
    #[derive(Deserialize)]
    struct Bounds {
        first: u64,
        last: u64,
        count: u64,
    }
    #[derive(Deserialize)]
    struct Gap {
        data: Bounds,
    }
    if event.head.kind != Type::ConsumerGap {
        return None;
    }
    let gap: Gap = serde_json::from_slice(&event.bytes).ok()?;
    Some((gap.data.first, gap.data.last, gap.data.count))
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
