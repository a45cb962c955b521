//! What one reader holds: a stream of deliveries, bounded by leases and by bytes not yet written.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, mpsc};

use super::call::{Refusal, Settle};
use super::handle::{Answer, ConsumerHandle};
use crate::event::Stored;

/// One connection of one reader; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReaderId(pub(crate) u64);

/// Why a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Another reader took over.
    TakenOver,
    /// The consumer was removed.
    Removed,
    /// The consumer was switched off.
    Disabled,
    /// The bridge stops.
    Stopped,
}

impl Closed {
    /// The stable word on the wire.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::TakenOver => "taken_over",
            Self::Removed => "consumer_removed",
            Self::Disabled => "consumer_disabled",
            Self::Stopped => "stopping",
        }
    }
}

/// What the task and the reader's end of a subscription share.
#[derive(Debug)]
pub struct Link {
    /// Bytes of events that may be unsent, or a single event.
    room: usize,
    unsent: AtomicUsize,
    taken: AtomicU64,
    written: AtomicU64,
    pub(crate) freed: Notify,
    ended: OnceLock<Closed>,
}

impl Link {
    /// A link on which so many bytes of events may be unsent.
    pub fn new(room: usize) -> Self {
        let (unsent, taken, written) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { room, unsent, taken, written, freed: Notify::new(), ended: OnceLock::new() }
    }

    /// Whether another event of `bytes` may go on its way.
    pub fn has_room(&self, bytes: usize) -> bool {
        let unsent = self.unsent.load(Ordering::Acquire);
        unsent == 0 || unsent + bytes <= self.room
    }

    /// How many deliveries the reader took so far; they are taken in the order in which they were sent.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// How many of these are written out, as far as the reader's end knows: only they can be what it means.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Says why it is over; the first word counts.
    pub fn end(&self, why: Closed) {
        let _ = self.ended.set(why);
    }
}

/// An event on its way to a reader. Keep it until its bytes are written: dropping it, in the order in which they
/// came, makes room for the next, and from then on `up_to` covers it.
#[derive(Debug)]
pub struct Delivery {
    /// Its place in the feed.
    pub seq: u64,
    /// 1 for the first delivery.
    pub attempt: u32,
    /// The lease, in milliseconds since 1970.
    pub lease_until: u64,
    /// The event; `event.bytes` is what goes over the wire.
    pub event: Arc<Stored>,
    room: Arc<Link>,
}

impl Delivery {
    pub(crate) fn new(seq: u64, attempt: u32, lease_until: u64, event: Arc<Stored>, room: Arc<Link>) -> Self {
        room.unsent.fetch_add(event.bytes.len(), Ordering::AcqRel);
        Self { seq, attempt, lease_until, event, room }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let bytes = self.event.bytes.len();
        self.room.written.fetch_add(1, Ordering::AcqRel);
        let before = self.room.unsent.fetch_sub(bytes, Ordering::AcqRel);
        // One wake-up for many frees: the task is told when half the room is free again, or all of it.
        let half = self.room.room / 2;
        if before == bytes || (before > half && before - bytes <= half) {
            self.room.freed.notify_one();
        }
    }
}

/// The reader of a consumer. Dropping it is a closed connection: every delivery that was taken and is not settled
/// counts a failed attempt; what was not taken goes back as if never sent.
#[derive(Debug)]
pub struct Subscription {
    pub(crate) id: ReaderId,
    pub(crate) handle: ConsumerHandle,
    pub(crate) events: mpsc::Receiver<Delivery>,
    pub(crate) link: Arc<Link>,
    /// Its other end is with the task, which thereby sees the drop.
    pub(crate) _open: tokio::sync::oneshot::Sender<()>,
}

impl Subscription {
    /// One that is over already, of a consumer that does not run.
    #[cfg(test)]
    pub(crate) fn ended(why: Closed) -> Self {
        let handle = ConsumerHandle { name: "main".into(), commands: mpsc::channel(1).0 };
        let link = Arc::new(Link::new(1));
        link.end(why);
        let (events, open) = (mpsc::channel(1).1, tokio::sync::oneshot::channel().0);
        Self { id: ReaderId(1), handle, events, link, _open: open }
    }

    /// This connection, for calls through a [`ConsumerHandle`].
    pub const fn id(&self) -> ReaderId {
        self.id
    }

    /// The consumer it reads.
    pub const fn consumer(&self) -> &ConsumerHandle {
        &self.handle
    }

    /// Why it is over, if it is.
    pub fn closed(&self) -> Option<Closed> {
        self.link.ended.get().copied()
    }

    /// The next delivery. Taking it means that its bytes go out now: from here on a close counts against it, and once
    /// it is dropped, `up_to` covers it. Cancel safe.
    pub async fn next(&mut self) -> Result<Delivery, Closed> {
        let mut one = Vec::with_capacity(1);
        self.next_many(&mut one, 1).await?;
        one.pop().ok_or(Closed::Stopped)
    }

    /// Like [`Subscription::next`], taking what is there, at most `limit`; appends to `into` at least one. Cancel safe.
    pub async fn next_many(&mut self, into: &mut Vec<Delivery>, limit: usize) -> Result<(), Closed> {
        if let Some(why) = self.link.ended.get() {
            return Err(*why);
        }
        let count = self.events.recv_many(into, limit).await;
        if let Some(why) = self.link.ended.get() {
            // What was still on its way belongs to the next reader.
            into.truncate(into.len() - count);
            return Err(*why);
        }
        self.link.taken.fetch_add(count as u64, Ordering::AcqRel);
        if count == 0 { Err(Closed::Stopped) } else { Ok(()) }
    }

    /// Settles in the name of this connection; see [`ConsumerHandle::submit`].
    pub async fn submit(&self, settle: Settle) -> Result<Answer, Refusal> {
        self.handle.submit(settle, Some(self.id)).await
    }
}
