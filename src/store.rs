//! The feed, cursors, consumers, actions and secrets: committed first, spoken of afterwards (P1, P11).
//!
//! The handle speaks of what is kept, never of how: nothing outside `store/` knows the engine. Everything that
//! changes goes through [`Store::commit`], as one [`Batch`] that commits whole or not at all; one thread applies
//! batches in the order in which they were sent, and a commit has returned before anybody hears of it.

mod accept;
mod append;
mod apply;
mod ballast;
mod batch;
mod bells;
mod chores;
mod fault;
mod gate;
mod lookup;
mod open;
mod options;
mod places;
mod quick;
mod read;
mod record;
mod ring;
mod shared;
mod sweep;
mod tables;
mod unfinished;
mod vault;
mod way;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

pub use batch::{Batch, Change, Committed};
pub use fault::{Health, OpenError, StoreError};
pub use options::Options;
pub use places::Placed;
pub use read::Newest;
pub use record::{
    Anchor, DeadLetter, Exception, Failure, How, Known, Progress, Seat, Sighting, Snapshot, Tombstone, Way,
    WorkspaceRecord,
};
pub use sweep::REMEMBERED;
use tokio::sync::{Semaphore, oneshot, watch};
pub use vault::VaultKey;

use self::ballast::Ballast;
use self::open::Opened;
use self::shared::Shared;
use self::writer::{Order, Writer};
use crate::attention::Attention;
use crate::event::WorkspaceName;

/// What may wait for the writer by [`Store::commit`], in KiB; a batch counts for one at least.
const QUEUE: u32 = 64 << 10;

/// The durable state of one bridge. Cheap to clone. When the last clone goes, what was sent is committed and the file
/// closed before its drop returns.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    desk: Arc<Desk>,
    paced: bool,
}

/// Where orders are handed in.
struct Desk {
    orders: Option<mpsc::Sender<Order>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the writer was caught inside, and told by `health`.
            drop(thread.join());
        }
    }
}

impl Store {
    /// Opens or makes the store at `path`. Takes the file's lock for the life of the handle. A file that is not a
    /// store of ours, or not whole, stays byte for byte as it is.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let mut ballast = path.as_os_str().to_owned();
        ballast.push(".ballast");
        let ballast = Ballast::new(ballast.into(), options.ballast);
        let opened = open::at_path(path, &options).inspect_err(|error| {
            if error.is_no_space() {
                // The refusal is told; with the room that this gives back the next start gets further.
                drop(ballast.give_up());
            }
        })?;
        Self::start(opened, options, Some(ballast))
    }

    /// The seam for faults: opens or makes the store on a storage backend of the caller's, which may lose, tear or
    /// refuse what is written to it. There is no ballast, and `options.vault_key` must name a key file.
    pub fn open_on(backend: impl redb::StorageBackend, options: Options) -> Result<Self, OpenError> {
        let opened = open::on_backend(Box::new(backend), &options)?;
        Self::start(opened, options, None)
    }

    fn start(opened: Opened, options: Options, ballast: Option<Ballast>) -> Result<Self, OpenError> {
        let Opened { db, gate, key, key_file, tally, swept } = opened;
        let shared = Arc::new(Shared::new(db, key, tally, options.recent, options.disk_budget));
        let (orders, queue) = mpsc::channel();
        let paced = options.clock.is_paced();
        let writer = Writer {
            shared: Arc::clone(&shared),
            queue,
            tally,
            swept,
            clock: options.clock,
            gate,
            ballast,
            key_file,
            sweep: None,
            stepped: Instant::now(),
            dirty: true,
            committed: Instant::now(),
        };
        // A paced clock follows the time of the runtime that it was made in.
        let runtime = tokio::runtime::Handle::try_current().ok();
        let work = move || {
            let _time = runtime.as_ref().map(tokio::runtime::Handle::enter);
            writer.run();
        };
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(work)
            .map_err(|source| OpenError::System { what: "start the thread of", path: "the store".into(), source })?;
        let room = Arc::new(Semaphore::new(QUEUE as usize));
        Ok(Self { shared, desk: Arc::new(Desk { orders: Some(orders), room, thread: Some(thread) }), paced })
    }

    /// Commits a batch whole; returns after the commit, with what became of each event and action in it. Waits while
    /// 64 MiB of batches are before it.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let weight = u32::try_from(batch.weight() / 1024 + 1).unwrap_or(QUEUE).min(QUEUE);
        let room = Arc::clone(&self.desk.room).acquire_many_owned(weight).await;
        let permit = Some(room.map_err(|_| StoreError::Closed)?);
        self.ask(|answer| Order::Commit { batch, answer, permit }).await
    }

    /// Like [`Store::commit`] without waiting: the answer comes by the channel. Batches keep their order. The caller
    /// bounds how many answers it has outstanding.
    pub fn send(&self, batch: Batch) -> oneshot::Receiver<Result<Committed, StoreError>> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Commit { batch, answer, permit: None });
        answered
    }

    /// Seals every secret with `key` from now on. The new key is written beside the old one first and takes its place
    /// afterwards: a crash in between leaves a store that opens.
    pub async fn rotate_key(&self, key: VaultKey) -> Result<(), StoreError> {
        self.ask(|answer| Order::Rotate { key, answer }).await
    }

    /// Forgets what has been remembered long enough (ids, keys, first acks and settled actions of 30 days ago) at
    /// once, where the writer would do it in small steps once a day. Returns the number of rows.
    pub async fn forget_old(&self) -> Result<u64, StoreError> {
        self.ask(|answer| Order::Forget { answer }).await
    }

    /// Returns when the writer comes to it: it gets on. Commits nothing.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.ask(|answer| Order::Probe { answer }).await
    }

    /// Waits until everything sent so far is committed, and closes the file cleanly.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.ask(|answer| Order::Close { answer }).await
    }

    /// The writer's state, for lines (pause intake) and the daemon (stop).
    pub fn health(&self) -> watch::Receiver<Health> {
        self.shared.health.subscribe()
    }

    /// The newest sequence, as it grows.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.shared.head.subscribe()
    }

    /// Who deals with which event now, which is kept beside the store in memory.
    pub fn attention(&self) -> &Attention {
        &self.shared.attention
    }

    /// Changes whenever an action of this workspace is accepted, changes or is forgotten.
    pub fn outbox_changed(&self, workspace: &WorkspaceName) -> watch::Receiver<u64> {
        self.shared.outbox.listen(workspace)
    }

    /// Bytes stored, and the budget. Counted are the rows that grow with use (feed, ids, actions, dead letters), each
    /// with its key and a share of the pages around it: the figure falls as soon as rows leave, while the file keeps
    /// its length and fills the freed pages again.
    pub fn size(&self) -> (u64, u64) {
        (self.shared.bytes.load(Ordering::Relaxed), self.shared.budget)
    }

    async fn ask<T: Send + 'static>(&self, order: impl FnOnce(writer::Answer<T>) -> Order) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.order(order(answer));
        if self.paced {
            // Paused time must not jump ahead while the disk works: it stands still during blocking tasks.
            let answered = tokio::task::spawn_blocking(|| answered.blocking_recv()).await;
            return answered.ok().and_then(Result::ok).unwrap_or(Err(StoreError::Closed));
        }
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// A writer that is gone drops the order, and with it the answer's sender: that reads as `Closed`.
    fn order(&self, order: Order) {
        if let Some(orders) = &self.desk.orders {
            drop(orders.send(order));
        }
    }
}
