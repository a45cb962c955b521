//! What a read brought goes into the feed: compared, in order, the anchor with the commit that completes the range.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{History, Lost, NAMED, Read, ends_all};
use crate::event::{Arrival, Draft, Type, Via};
use crate::line::intake::Intake;
use crate::line::read::{Gathered, ReadError};
use crate::line::shape::Shaper;
use crate::line::wait::chance;
use crate::line::walk::{self, End, Plan, Seen, Step};
use crate::store::{Anchor, Change, Known, StoreError};

/// Ids named in one change.
const LISTED: usize = 1_000;
/// The lists are read at once where a conversation fails, but no sooner than this after the last time.
pub(super) const APART: std::time::Duration = std::time::Duration::from_secs(1);

/// What a walk found, laid beside the anchor it began from.
struct Laid<'a> {
    room: &'a str,
    seen: &'a [Seen],
    items: &'a [Value],
    before: Option<&'a Anchor>,
    end: End,
}

impl History {
    /// Commits what was read. An error of one conversation is its own; what ends the line is returned.
    pub async fn absorb(&mut self, read: Read, shaper: &mut Shaper, intake: &mut Intake) -> Result<(), Lost> {
        match read {
            Read::Rooms(rooms) => self.rooms(rooms, shaper)?,
            Read::Seldom(told) => {
                if let Some(error) = self.seldom(told, Instant::now()).await?.filter(ends_all) {
                    return Err(error.into());
                }
                self.list(Vec::new(), shaper);
            }
            Read::Room(id, Ok(gathered)) => {
                let told = self.room(gathered, shaper, intake).await;
                if matches!(told, Ok(true)) {
                    self.unless_heard(&id);
                }
                self.schedule.read(&id, Instant::now(), chance());
                self.done(&id, told.is_err());
                told?;
                self.unreadable.remove(&id);
                self.refused.remove(&id);
                self.report_read();
                self.report.checked(self.schedule.checked());
            }
            Read::Room(id, Err(error)) => {
                self.schedule.failed(&id, Instant::now(), chance());
                self.done(&id, false);
                self.failed(&id, error)?;
            }
        }
        self.hurried &= !self.running.is_empty();
        self.finish_first().await?;
        let named = self.unreadable.iter().take(NAMED).map(|(id, why)| (id.clone(), why.clone())).collect();
        self.report.conversations(self.schedule.len(), named);
        Ok(())
    }

    /// A read that began before the last connect may have missed what came between: it is due again.
    fn done(&mut self, id: &str, again: bool) {
        let Some(reading) = self.reading.remove(id) else { return };
        if !again {
            self.walked.insert(id.to_owned(), reading.connects);
        }
        if again || reading.connects < self.connects {
            self.schedule.soon(id, Instant::now());
        }
    }

    /// A read has found something new. Where an earlier read behind this connect has not, the stream should tell it.
    fn unless_heard(&mut self, id: &str) {
        let Some(reading) = self.reading.get(id).filter(|reading| !reading.heard) else { return };
        let again = reading.connects == self.connects && self.walked.get(id) == Some(&self.connects);
        if again && self.schedule.is_streamed(id) {
            self.hearing.found(id, Instant::now());
        }
    }

    fn failed(&mut self, id: &str, error: ReadError) -> Result<(), Lost> {
        if let ReadError::Throttled(wait) = error {
            self.schedule.hold(Instant::now() + wait);
        }
        if ends_all(&error) {
            return Err(error.into());
        }
        if matches!(error, ReadError::Refused { .. }) {
            self.schedule.refused(id, Instant::now());
            self.refused.insert(id.to_owned());
        }
        let why = error.to_string();
        if self.spec.alone && self.unreadable.get(id) != Some(&why) {
            tracing::warn!(workspace = %self.workspace, conversation = %id, %why, "a conversation cannot be read");
            // Whether it is that conversation's own trouble, or the platform's, the list shows.
            self.schedule.list_soon(APART, Instant::now());
        }
        self.unreadable.insert(id.to_owned(), why);
        Ok(())
    }

    /// Without a stream each answer is a sign of life.
    pub(super) fn report_read(&self) {
        if self.spec.alone {
            self.report.byte();
        }
    }

    /// Whether a conversation has its anchor, or is kept from the agent.
    fn was_read(&self, id: &str) -> bool {
        self.anchored.contains(id) || self.refused.contains(id)
    }

    /// The first walk with a backfill is over once every conversation of the first list has been read. One that fails
    /// keeps its backfill until it can be read.
    async fn finish_first(&mut self) -> Result<(), StoreError> {
        if self.begun || !self.listed || !self.running.is_empty() || !self.schedule.all(|id| self.was_read(id)) {
            return Ok(());
        }
        self.store.commit(crate::store::Batch::intake().with(self.begun_mark())).await?;
        self.has_begun_now();
        Ok(())
    }

    /// Whether somebody else said something that was not in the feed.
    async fn room(&mut self, gathered: Gathered, shaper: &mut Shaper, intake: &mut Intake) -> Result<bool, StoreError> {
        let arrival = Arrival { at: shaper.now(), via: Via::History };
        // What the stream brought is known only once it is committed.
        intake.drain().await?;
        let Gathered { room, found, end } = gathered;
        let (seen, items): (Vec<Seen>, Vec<Value>) = found.into_iter().unzip();
        let known = self.known(&room, &seen)?;
        let before = self.store.anchor(&self.workspace, &room)?;
        let streamed = shaper.streamed(&room);
        let plan = walk::decide(&seen, &known, before.as_ref(), &streamed, self.floor(before.as_ref()), end);
        let laid = Laid { room: &room, seen: &seen, items: &items, before: before.as_ref(), end };
        let drafts = self.drafts(&plan, &laid, shaper);
        let mut last = Vec::new();
        let moved = before.as_ref() != Some(&plan.anchor);
        if moved {
            last.push(self.anchor(&room, plan.anchor));
        }
        last.extend(self.relist(&room, &seen));
        last.extend(self.sighted(&room, &seen, &known));
        let others = drafts.iter().any(is_of_others);
        if drafts.iter().any(|draft| draft.kind == Type::MessageCreated) {
            self.schedule.lively(&room, Instant::now());
        }
        intake.commit(drafts, Some(arrival), last).await?;
        shaper.walked(&room);
        if moved {
            self.anchored.insert(room);
        }
        Ok(others)
    }

    fn known(&self, room: &str, seen: &[Seen]) -> Result<Vec<Option<Known>>, StoreError> {
        let ids: Vec<&str> = seen.iter().map(|seen| &*seen.id).collect();
        self.store.known(&self.workspace, Type::MessageCreated, room, &ids)
    }

    fn drafts(&self, plan: &Plan, laid: &Laid<'_>, shaper: &mut Shaper) -> Vec<Draft> {
        let Laid { room, seen, items, .. } = laid;
        let joined_at = self.joined_at();
        let draft = |step: &Step| match step {
            Step::Hole => shaper.gap(reason(laid.end), Some(room), bounds(laid.before, seen)),
            Step::Created { index, late } => {
                let backfill = seen[*index].at.is_some_and(|at| at < joined_at - joined_at % 1_000);
                shaper.item(&items[*index], Type::MessageCreated, room, *late, backfill)
            }
            Step::Updated { index } => shaper.item(&items[*index], Type::MessageUpdated, room, false, false),
            Step::Deleted { id } => shaper.deleted(id, room),
        };
        plan.steps.iter().map(draft).collect()
    }

    /// What another line told, and this one sees for the first time.
    fn sighted(&self, room: &str, seen: &[Seen], known: &[Option<Known>]) -> Vec<Change> {
        let told = |known: &Option<Known>| known.as_ref().is_some_and(|known| !known.lines.has(Via::History));
        let objects: Vec<String> =
            seen.iter().zip(known).filter(|(_, known)| told(known)).map(|(seen, _)| seen.id.clone()).collect();
        let sighted = |chunk: &[String]| Change::Sighted {
            workspace: self.workspace.clone(),
            conversation: room.to_owned(),
            objects: chunk.to_vec(),
            via: Via::History,
        };
        objects.chunks(LISTED).map(sighted).collect()
    }

    /// What the platform still lists is not forgotten (P2): said at the first read and now and then, not each time.
    fn relist(&mut self, room: &str, seen: &[Seen]) -> Vec<Change> {
        let now = Instant::now();
        let due = self.relisted.get(room).is_none_or(|at| now.duration_since(*at) >= self.reader.timing.relist);
        if seen.is_empty() || !due {
            return Vec::new();
        }
        self.relisted.insert(room.to_owned(), now);
        let listed = |chunk: &[Seen]| Change::Listed {
            workspace: self.workspace.clone(),
            conversation: room.to_owned(),
            kind: Type::MessageCreated,
            objects: chunk.iter().map(|seen| seen.id.clone()).collect(),
        };
        seen.chunks(LISTED).map(listed).collect()
    }
}

/// A message of somebody else: whether a stream tells the agent its own, too, is each platform's way.
fn is_of_others(draft: &Draft) -> bool {
    draft.kind == Type::MessageCreated && !draft.data.author.as_ref().is_some_and(|author| author.me)
}

const fn reason(end: End) -> &'static str {
    match end {
        End::Repeats => "history_repeats",
        End::TooLarge => "history_too_large",
        _ => "history_bound",
    }
}

/// What is known of the hole: the last message read before it, and the first behind it.
fn bounds(anchor: Option<&Anchor>, seen: &[Seen]) -> Value {
    let after = anchor.and_then(|anchor| anchor.newest.clone());
    json!({ "after": after, "before": seen.first().map(|seen| &seen.id) })
}
