//! Frames on their way from the stream to the feed: shaped, held back where history is being read, sent on in order.

use serde_json::json;
use std::time::Duration;

use crate::event::{Arrival, Draft, Via};
use crate::line::event_stream::Item;
use crate::line::held::{Held, Overrun, Waiting};
use crate::line::intake::Intake;
use crate::line::shape::Shaper;
use crate::line::timing::Timing;
use crate::store::StoreError;

/// Frames that wait, frames that go, and the cursor that moves past both.
pub(super) struct HeldBack {
    held: Held<(Draft, Arrival)>,
    ready: Vec<(Draft, Arrival)>,
    /// The id of the newest frame. It is committed only once nothing before it waits (P1).
    cursor: Option<String>,
    resumes: bool,
    longest_retry: Duration,
}

impl HeldBack {
    pub fn new(timing: &Timing, resumes: bool) -> Self {
        Self {
            held: Held::new(timing.held_frames, timing.held_bytes),
            ready: Vec::new(),
            cursor: None,
            resumes,
            longest_retry: timing.longest_retry,
        }
    }

    /// Whether the platform can resume a stream, so that its ids are worth keeping.
    pub const fn resumes(&self) -> bool {
        self.resumes
    }

    /// Drops what waits, and with it the cursor behind it.
    pub fn clear(&mut self) {
        drop(self.held.release(|_| false));
        self.ready.clear();
        self.cursor = None;
    }

    /// Shapes items; those whose conversation `waits` are held back. All of them are taken, even if that is too many.
    pub fn take(
        &mut self,
        items: Vec<Item>,
        shaper: &mut Shaper,
        retry: &mut Duration,
        mut waits: impl FnMut(&str) -> bool,
    ) -> Result<(), Overrun> {
        let mut taken = Ok(());
        let arrival = Arrival { at: shaper.now(), via: Via::Sse };
        for item in items {
            let (draft, size, id) = match item {
                Item::Comment => continue,
                Item::Retry(asked) => {
                    *retry = asked.min(self.longest_retry);
                    continue;
                }
                Item::Oversized { bytes, id, event } => {
                    let bounds = json!({ "bytes": bytes, "event": event, "cursor": &*id });
                    (Some(shaper.gap("frame_too_large", None, bounds)), 0, id)
                }
                Item::Event(frame) => (shaper.frame(&frame.event, &frame.data), frame.data.len(), frame.id),
            };
            let Some(draft) = draft else { continue };
            if self.resumes && !id.is_empty() {
                self.cursor = Some(id.as_ref().to_owned());
            }
            taken = taken.and(self.put((draft, arrival), size, shaper, &mut waits));
        }
        taken
    }

    fn put(
        &mut self,
        (mut draft, arrival): (Draft, Arrival),
        size: usize,
        shaper: &mut Shaper,
        waits: &mut impl FnMut(&str) -> bool,
    ) -> Result<(), Overrun> {
        let conversation = draft.data.conversation.as_ref().map_or("", |conversation| &conversation.id);
        // Asked for every frame: what the stream says, whether it has to wait or not, is also noted there.
        if waits(conversation) || self.held.has(conversation) {
            let conversation = conversation.to_owned();
            return self.held.push(Waiting { conversation, size, what: (draft, arrival) });
        }
        shaper.place(&mut draft);
        self.ready.push((draft, arrival));
        Ok(())
    }

    /// Sends on what is ready.
    pub async fn send(&mut self, intake: &mut Intake) -> Result<(), StoreError> {
        if self.ready.is_empty() {
            return Ok(());
        }
        let cursor = if self.held.is_empty() { self.cursor.take() } else { None };
        intake.send(std::mem::take(&mut self.ready), cursor).await
    }

    /// Sends on what no longer has to wait.
    pub async fn release(
        &mut self,
        shaper: &mut Shaper,
        intake: &mut Intake,
        still: impl FnMut(&str) -> bool,
    ) -> Result<(), StoreError> {
        for Waiting { what: (mut draft, arrival), .. } in self.held.release(still) {
            shaper.place(&mut draft);
            self.ready.push((draft, arrival));
        }
        self.send(intake).await
    }
}
