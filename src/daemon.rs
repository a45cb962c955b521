//! Starts everything in order, waits, stops in the reverse order: one JoinSet, one cancellation token.
//!
//! ```text
//! store ─▶ consumers ─▶ workspaces (lines, outbox) ─▶ doors ─▶ READY=1
//! ```

pub mod accept;
pub mod approvals;
mod configured;
mod doors;
mod failure;
mod files;
mod guard;
mod ingress;
pub mod log;
pub mod readers;
pub mod seats;
mod signals;
mod watchdog;

use std::sync::Arc;

pub use failure::Failure;
use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::adapter::Manifests;
use crate::api::{Bridge, Parts};
use crate::clock::Clock;
use crate::config::places::Places;
use crate::config::{Config, Size};
use crate::deliver::{Acceptable, Consumers};
use crate::ingress::{Hooks, Tally};
use crate::session::Means;
use crate::store::{Health, Store, StoreError};
use crate::workspace::{self, Roster};

/// What runs.
struct Daemon {
    store: Store,
    consumers: Consumers,
    renewals: TaskTracker,
    tasks: JoinSet<&'static str>,
    ready: watch::Sender<bool>,
    deliveries: Tally,
    panicked: CancellationToken,
    /// Ends the doors.
    token: CancellationToken,
    /// Ends the workspaces.
    lines: CancellationToken,
    workspaces: JoinSet<Result<(), workspace::Fatal>>,
}

/// Runs the bridge until a signal or a failure ends it.
pub async fn run(config: Config, places: Places) -> Result<(), Failure> {
    files::raise_limit();
    let mut signals = signals::Signals::listen().map_err(Failure::Signals)?;
    let token = CancellationToken::new();
    let mut daemon = Daemon::start(&config, &places, token.clone()).await?;
    daemon.announce(&places);
    let ended = daemon.wait(&mut signals).await;
    if let Err(failure) = &ended {
        error!("{failure}");
    }
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    info!("stopping");
    let stopped = tokio::select! {
        () = daemon.stop() => Ok(()),
        () = signals.again() => Err(Failure::Impatient),
        () = tokio::time::sleep(config.stop_time.0) => {
            warn!(stop_time = %config.stop_time, "not everything ended in time; the rest is cut off");
            Ok(())
        }
    };
    ended.and(stopped)
}

impl Daemon {
    async fn start(config: &Config, places: &Places, token: CancellationToken) -> Result<Self, Failure> {
        places.agent_socket()?;
        places.control_socket()?;
        guard::check(config, places)?;
        let manifests = Arc::new(Manifests::load(config.adapters_dir.as_deref())?);
        tell(&[NotifyState::Status("opening the store")]);
        let store = Store::open(&places.store(), config.store_options())?;
        let started = Self::start_on(store.clone(), manifests, config, places, token).await;
        if started.is_err() {
            // What was committed is safe; a close that fails adds nothing to the failure that is reported.
            let _ = store.close().await;
        }
        started
    }

    async fn start_on(
        store: Store,
        manifests: Arc<Manifests>,
        config: &Config,
        places: &Places,
        token: CancellationToken,
    ) -> Result<Self, Failure> {
        let actions: Arc<dyn Acceptable> =
            Arc::new(accept::ByManifest::new(store.clone(), manifests.clone(), config.unmarked()));
        let consumers = configured::start(&store, actions.clone(), config).await?;
        let network = Arc::new(crate::http::Reqwest::within(config.network.limits())?);
        let means = Means {
            store: store.clone(),
            network,
            clock: Clock::system(),
            tasks: TaskTracker::new(),
            waits: config.session.waits(),
        };
        let mut daemon = Self::idle(store.clone(), consumers.clone(), means.tasks.clone(), token);
        let hooks = Hooks::new(config.ingress.waiting);
        let context = config.context(means, manifests.clone(), hooks.clone());
        let roster = daemon.start_workspaces(context.clone()).await?;
        let approvals = approvals::Approvals::new(daemon.lines.clone(), daemon.panicked.clone());
        let seats = seats::Seats::new(context, Some(roster.clone()), approvals, config);
        seats.resume().await?;
        let bridge = Bridge::new(Parts {
            store,
            clock: Clock::system(),
            readers: Arc::new(readers::Running(consumers)),
            actions,
            workspaces: Arc::new(seats),
            call: config.call.enabled,
            wait: config.http.wait.0,
            state: places.state.display().to_string(),
        });
        daemon.open_ingress(hooks, manifests, config).await?;
        daemon.open_doors(bridge, roster, config, places).await?;
        Ok(daemon)
    }

    /// Nothing runs yet but the consumers.
    fn idle(store: Store, consumers: Consumers, renewals: TaskTracker, token: CancellationToken) -> Self {
        Self {
            store,
            consumers,
            renewals,
            tasks: JoinSet::new(),
            workspaces: JoinSet::new(),
            ready: watch::Sender::new(false),
            deliveries: Tally::default(),
            panicked: CancellationToken::new(),
            token,
            lines: CancellationToken::new(),
        }
    }

    /// Every joined workspace begins to run; each connects in its own time.
    async fn start_workspaces(&mut self, context: workspace::Context) -> Result<Roster, Failure> {
        let (roster, task) = Roster::new(context, self.lines.clone());
        self.workspaces.spawn(task.run());
        roster.start_all().await?;
        Ok(roster)
    }

    /// Says that store, sockets and workspaces stand.
    fn announce(&self, places: &Places) {
        self.ready.send_replace(true);
        let (bytes, budget) = self.store.size();
        let workspaces = self.store.workspaces().map_or(0, |workspaces| workspaces.len());
        let status = format!("{workspaces} workspaces; {} of {} stored", Size(bytes), Size(budget));
        info!(state = %places.state.display(), runtime = %places.runtime.display(), workspaces, "ready");
        tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }

    /// Waits for whatever ends the bridge.
    async fn wait(&mut self, signals: &mut signals::Signals) -> Result<(), Failure> {
        let mut health = self.store.health();
        tokio::select! {
            signal = signals.stop() => {
                info!(signal, "told to stop");
                Ok(())
            }
            why = store_failed(&mut health) => Err(Failure::Store(StoreError::Failed(why))),
            why = self.consumers.failed() => Err(failed(&self.store, &why)),
            () = self.panicked.cancelled() => Err(Failure::Bug("a request handler or a join that waits panicked".to_owned())),
            Some(ended) = self.tasks.join_next() => Err(Failure::Bug(word(ended))),
            Some(ended) = self.workspaces.join_next() => Err(workspaces_ended(ended)),
        }
    }

    /// Ends everything in order; the store is closed last.
    async fn stop(&mut self) {
        self.ready.send_replace(false);
        // Before the doors: a connection that closes with the bridge must not look like an agent that gave up.
        self.consumers.end_readers().await;
        self.token.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                warn!(%error, "a task did not end well");
            }
        }
        self.lines.cancel();
        while let Some(ended) = self.workspaces.join_next().await {
            if !matches!(ended, Ok(Ok(()))) {
                warn!("{}", workspaces_ended(ended));
            }
        }
        self.renewals.close();
        self.renewals.wait().await;
        self.consumers.stop().await;
        if let Err(error) = self.store.close().await {
            warn!(%error, "the store did not close cleanly; the next start checks it");
        }
    }
}

async fn store_failed(health: &mut watch::Receiver<Health>) -> Arc<str> {
    loop {
        if let Health::Failed(why) = &*health.borrow_and_update() {
            return why.clone();
        }
        if health.changed().await.is_err() {
            return "its writer is gone".into();
        }
    }
}

/// A consumer that fails because the store did is the store's failure.
fn failed(store: &Store, why: &Arc<str>) -> Failure {
    match &*store.health().borrow() {
        Health::Failed(why) => Failure::Store(StoreError::Failed(why.clone())),
        _ => Failure::Bug(why.to_string()),
    }
}

fn word(ended: Result<&'static str, JoinError>) -> String {
    match ended {
        Ok(what) => format!("{what} ended by itself"),
        Err(error) => format!("a task failed ({error})"),
    }
}

fn workspaces_ended(ended: Result<Result<(), workspace::Fatal>, JoinError>) -> Failure {
    match ended {
        Ok(Ok(())) => Failure::Bug("the workspaces ended by themselves".to_owned()),
        Ok(Err(workspace::Fatal::Store(error))) => Failure::Store(error),
        Ok(Err(fatal)) => Failure::Bug(fatal.to_string()),
        Err(error) => Failure::Bug(format!("the roster failed ({error})")),
    }
}

/// Outside systemd nobody listens, which is no error.
fn tell(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}
