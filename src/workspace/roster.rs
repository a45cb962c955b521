//! The running workspaces: started, stopped and asked while the daemon runs. A panic in one is noticed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Context, Desk, Ended, Status, Workspace};
use crate::event::WorkspaceName;
use crate::line::poll::feed::Inlet;
use crate::line::yjs::Drafts;
use crate::pulse::Pulse;
use crate::session::Session;
use crate::store::StoreError;

/// Orders that may wait for the roster's task.
const ORDERS: usize = 64;
/// Each workspace beyond the first few adds this to the time over which first connects are spread.
const SPREAD_EACH: Duration = Duration::from_millis(10);

/// Why the roster ended, and with it the daemon.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The store failed (P11).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A workspace's task panicked: a defect.
    #[error("the task of workspace `{workspace}` panicked: please report it")]
    Panicked {
        /// Which.
        workspace: String,
    },
}

type Desks = Arc<RwLock<BTreeMap<WorkspaceName, Arc<Desk>>>>;

enum Order {
    Start(WorkspaceName, Duration, oneshot::Sender<()>),
    Stop(WorkspaceName, oneshot::Sender<()>),
    Beat(oneshot::Sender<()>),
}

/// The way to the running workspaces. Cheap to clone.
#[derive(Clone)]
pub struct Roster {
    context: Context,
    desks: Desks,
    orders: mpsc::Sender<Order>,
    changes: watch::Sender<u64>,
}

impl Roster {
    /// The roster, and the task that owns its workspaces.
    pub fn new(context: Context, token: CancellationToken) -> (Self, RosterTask) {
        let (orders, queue) = mpsc::channel(ORDERS);
        let desks = Desks::default();
        let roster =
            Self { context: context.clone(), desks: Arc::clone(&desks), orders, changes: watch::Sender::new(0) };
        let task = RosterTask {
            context,
            desks,
            queue,
            token,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            names: HashMap::new(),
            changes: roster.changes.clone(),
        };
        (roster, task)
    }

    /// Starts every stored workspace, their first connects spread over some time.
    pub async fn start_all(&self) -> Result<(), StoreError> {
        let records = self.context.means.store.workspaces()?;
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let spread = if count > 1 { self.context.timing.spread.max(SPREAD_EACH * count) } else { Duration::ZERO };
        for record in records {
            self.order(|done| Order::Start(record.name, spread, done)).await;
        }
        Ok(())
    }

    /// Starts one, at once. Does nothing to one that runs.
    pub async fn start(&self, name: &WorkspaceName) {
        self.order(|done| Order::Start(name.clone(), Duration::ZERO, done)).await;
    }

    /// Stops one, and returns when its task has ended.
    pub async fn stop(&self, name: &WorkspaceName) {
        self.order(|done| Order::Stop(name.clone(), done)).await;
    }

    /// Stops one and starts it again: its credentials or its seat were mended.
    pub async fn restart(&self, name: &WorkspaceName) {
        self.stop(name).await;
        self.start(name).await;
    }

    /// All running workspaces as they stand, by name.
    pub fn statuses(&self) -> Vec<Status> {
        let now = self.context.means.clock.now();
        self.read(|desks| desks.values().map(|desk| desk.status(now)).collect())
    }

    /// One as it stands; `None` for one that does not run.
    pub fn status(&self, name: &WorkspaceName) -> Option<Status> {
        let now = self.context.means.clock.now();
        self.desk(name).map(|desk| desk.status(now))
    }

    /// Grows whenever a phase or a seat changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The session of one that runs: for the outbox, for `call`.
    pub fn session(&self, name: &WorkspaceName) -> Option<Session> {
        self.desk(name).and_then(|desk| desk.session())
    }

    /// The way to the line of one that runs, for push sources and hints; `None` where its line takes none.
    pub fn inlet(&self, name: &WorkspaceName) -> Option<Inlet> {
        self.desk(name).and_then(|desk| desk.feeds())
    }

    /// The way to the live documents of one that runs; `None` where its platform has none.
    pub fn drafts(&self, name: &WorkspaceName) -> Option<Drafts> {
        self.desk(name).and_then(|desk| desk.live())
    }

    /// Reads a conversation's history soon: the agent acted there, or something hints at news.
    pub fn poll_soon(&self, name: &WorkspaceName, conversation: &str) {
        if let Some(desk) = self.desk(name) {
            desk.poll_soon(conversation);
        }
    }

    /// Returns when the roster's own loop has come to it.
    pub async fn beats(&self) {
        self.order(Order::Beat).await;
    }

    /// Every loop of every running workspace, with words for it.
    pub fn pulses(&self) -> Vec<(String, Pulse)> {
        let of = |(name, desk): (&WorkspaceName, &Arc<Desk>)| {
            let name = name.clone();
            desk.pulses().into_iter().map(move |(which, pulse)| (format!("the {which} of workspace `{name}`"), pulse))
        };
        self.read(|desks| desks.iter().flat_map(of).collect())
    }

    fn desk(&self, name: &WorkspaceName) -> Option<Arc<Desk>> {
        self.read(|desks| desks.get(name).cloned())
    }

    fn read<T>(&self, look: impl FnOnce(&BTreeMap<WorkspaceName, Arc<Desk>>) -> T) -> T {
        look(&self.desks.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives an order and waits until it is done; a roster whose task has ended has nothing left to do.
    async fn order(&self, order: impl FnOnce(oneshot::Sender<()>) -> Order) {
        let (done, is_done) = oneshot::channel();
        if self.orders.send(order(done)).await.is_ok() {
            drop(is_done.await);
        }
    }
}

struct Running {
    token: CancellationToken,
    stopped: Vec<oneshot::Sender<()>>,
}

/// Owns the tasks of all workspaces.
pub struct RosterTask {
    context: Context,
    desks: Desks,
    queue: mpsc::Receiver<Order>,
    token: CancellationToken,
    tasks: JoinSet<Result<(), Ended>>,
    running: HashMap<WorkspaceName, Running>,
    names: HashMap<Id, WorkspaceName>,
    changes: watch::Sender<u64>,
}

impl RosterTask {
    /// Runs until the token is cancelled and every workspace has stopped, or until one fails in a way that ends the
    /// daemon.
    pub async fn run(mut self) -> Result<(), Fatal> {
        loop {
            tokio::select! {
                () = self.token.cancelled() => break,
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended)?,
                Some(order) = self.queue.recv() => self.obey(order),
            }
        }
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended)?;
        }
        Ok(())
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(name, spread, done) => {
                self.start(name, spread);
                answer(done);
            }
            Order::Stop(name, done) => match self.running.get_mut(&name) {
                Some(running) => {
                    running.token.cancel();
                    running.stopped.push(done);
                }
                None => answer(done),
            },
            Order::Beat(done) => answer(done),
        }
    }

    fn start(&mut self, name: WorkspaceName, spread: Duration) {
        if self.running.contains_key(&name) {
            return;
        }
        let token = self.token.child_token();
        let desk = Arc::new(Desk::new(name.clone(), self.changes.clone()));
        self.write(|desks| drop(desks.insert(name.clone(), Arc::clone(&desk))));
        let task = Workspace::run(self.context.clone(), name.clone(), desk, spread, token.clone());
        self.names.insert(self.tasks.spawn(task).id(), name.clone());
        self.running.insert(name, Running { token, stopped: Vec::new() });
    }

    fn ended(&mut self, ended: Result<(Id, Result<(), Ended>), JoinError>) -> Result<(), Fatal> {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result.map_err(|Ended::Store(error)| Fatal::Store(error))),
            Err(error) => (error.id(), self.panicked(&error)),
        };
        if let Some(name) = self.names.remove(&id) {
            self.write(|desks| drop(desks.remove(&name)));
            for done in self.running.remove(&name).into_iter().flat_map(|running| running.stopped) {
                answer(done);
            }
        }
        self.changes.send_modify(|count| *count += 1);
        result
    }

    fn panicked(&self, error: &JoinError) -> Result<(), Fatal> {
        let workspace = self.names.get(&error.id()).map(ToString::to_string).unwrap_or_default();
        if error.is_panic() { Err(Fatal::Panicked { workspace }) } else { Ok(()) }
    }

    fn write(&self, change: impl FnOnce(&mut BTreeMap<WorkspaceName, Arc<Desk>>)) {
        change(&mut self.desks.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Says that an order is done; whoever gave it may have gone.
fn answer(done: oneshot::Sender<()>) {
    let _gone = done.send(());
}
