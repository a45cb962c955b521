//! The reader of a consumer: one at a time, with its own limits while it is there.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{TRACKED, Task};
use crate::clock::millis;
use crate::deliver::call::{Refusal, Subscribe};
use crate::deliver::handle::Reply;
use crate::deliver::lanes::{Limits, MAX_IN_FLIGHT, Moment, Place, lane_limit};
use crate::deliver::subscription::{Closed, Delivery, Link, ReaderId, Subscription};
use crate::event::Stored;

/// Who reads now.
pub(super) struct Reader {
    pub(super) id: ReaderId,
    pub(super) link: Arc<Link>,
    pub(super) events: mpsc::Sender<Delivery>,
    pub(super) open: oneshot::Receiver<()>,
    pub(super) options: Subscribe,
    pub(super) webhook: bool,
    pub(super) sent: u64,
}

impl Task {
    /// Leases an event to the reader and puts it on its way; `false` where there is no room.
    pub(super) fn push(&mut self, event: &Arc<Stored>, now: Moment) -> bool {
        let Some(reader) = &mut self.reader else { return false };
        if !reader.link.has_room(event.bytes.len()) {
            return false;
        }
        let Ok(slot) = reader.events.try_reserve() else { return false };
        let Some((attempt, until)) = self.lanes.send(event.seq, reader.id, reader.sent, now) else { return false };
        reader.sent += 1;
        slot.send(Delivery::new(event.seq, attempt, until, event.clone(), reader.link.clone()));
        if reader.webhook {
            self.reach.sent(event.seq);
        }
        self.handed(event, now);
        if self.reach.tracked() > TRACKED {
            self.reach.prune(|seq| matches!(self.lanes.place(seq), Place::Open(_)));
        }
        true
    }

    pub(super) fn subscribe(&mut self, options: Subscribe, webhook: bool, answer: Reply<Subscription>) {
        if let Err(refusal) = self.may_subscribe(&options, webhook) {
            drop(answer.send(Err(refusal)));
            return;
        }
        self.close_reader(Closed::TakenOver);
        self.readers += 1;
        let (id, link) = (ReaderId(self.readers), Arc::new(Link::new(self.ground.bounds.unsent)));
        let (sender, events) = mpsc::channel(MAX_IN_FLIGHT as usize);
        let (open_sender, open) = oneshot::channel();
        self.reader = Some(Reader { id, link: link.clone(), events: sender, open, options, webhook, sent: 0 });
        self.limit();
        // A caller that went away meanwhile drops the subscription, and that closes it like any other.
        drop(answer.send(Ok(Subscription { id, handle: self.handle.clone(), events, link, _open: open_sender })));
    }

    fn may_subscribe(&self, options: &Subscribe, webhook: bool) -> Result<(), Refusal> {
        let name = self.consumer.name.clone();
        if self.ending.is_some() {
            return Err(Refusal::Gone(name));
        }
        if let Some(why) = self.consumer.disabled.clone() {
            return Err(Refusal::Disabled { name, why });
        }
        if self.consumer.webhook.is_some() != webhook {
            return Err(Refusal::IsWebhook(name));
        }
        if self.reader.is_some() && !options.take_over {
            return Err(Refusal::Busy(name));
        }
        let in_flight = options.max_in_flight.is_none_or(|count| (1..=MAX_IN_FLIGHT).contains(&count));
        let wait = options.ack_wait.is_none_or(|wait| (1_000..=86_400_000).contains(&millis(wait)));
        match (in_flight, wait) {
            (false, _) => Err(Refusal::BadParameter(format!("max_in_flight is 1 to {MAX_IN_FLIGHT}"))),
            (_, false) => Err(Refusal::BadParameter("ack_wait is 1 s to 24 h".to_owned())),
            _ => Ok(()),
        }
    }

    /// The limits of the reader, where it has its own, else of the consumer.
    pub(super) fn limit(&mut self) {
        let mut limits = Limits::of(&self.consumer);
        if let Some(Reader { options, .. }) = &self.reader {
            limits.max_in_flight = options.max_in_flight.map_or(limits.max_in_flight, |count| count as usize);
            limits.per_lane = options.per_lane.map_or(limits.per_lane, lane_limit);
            limits.ack_wait = options.ack_wait.map_or(limits.ack_wait, millis);
        }
        self.lanes.limit(limits);
    }

    pub(super) fn reader_gone(&mut self) {
        self.close_reader(Closed::Stopped);
        self.limit();
    }

    /// The bridge stops, which is nobody's failed attempt: what is out stays leased to the reader that goes.
    pub(super) fn end(&mut self) {
        let link = self.reader.take().map_or_else(|| Arc::new(Link::new(0)), |reader| reader.link);
        link.end(Closed::Stopped);
        self.ending.get_or_insert(link);
    }

    /// Ends the reader, if there is one: what it took and did not settle failed once.
    pub(super) fn close_reader(&mut self, why: Closed) {
        let Some(reader) = self.reader.take() else { return };
        reader.link.end(why);
        // A poster is the bridge's own: that it is replaced is no failure of the event.
        let taken = if reader.webhook { 0 } else { reader.link.taken() };
        let now = self.now();
        self.lanes.closed(reader.id, taken, now);
    }
}
