//! A simulated workspace, a store, and everything a join or session needs between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent_bridge::adapter::{Manifest, Manifests, Scope};
use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::http::{Network, Response};
use agent_bridge::join::{self, JoinRequest};
use agent_bridge::session::{self, Means, Session};
use agent_bridge::store::{Options as StoreOptions, Store, WorkspaceRecord};
use agent_bridge_sim::agentunited::{Fault, Options, Sim};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use crate::memory_network::MemoryNetwork;

pub const ORIGIN: &str = "https://workspace.test";
/// 22 March 2026, 18:00 UTC.
pub const NOW: u64 = 1_774_202_400_000;

/// In memory, under paused time.
pub struct Bench {
    pub sim: Sim,
    pub network: MemoryNetwork,
    pub clock: Clock,
    pub manifest: Arc<Manifest>,
    pub means: Means,
    dir: TempDir,
}

impl Bench {
    #[expect(clippy::needless_pass_by_value, reason = "stories read better with options in place")]
    pub fn new(options: Options) -> Self {
        let (clock, platform_clock) = (Clock::paced(NOW), Clock::paced(NOW));
        let wall = Arc::new(move || platform_clock.now());
        let sim = Sim::new(Options { url: ORIGIN.into(), wall, ..options });
        let network = MemoryNetwork::default();
        network.serve(ORIGIN, sim.router());
        Self::over(sim, network.clone(), Arc::new(network), &clock)
    }

    /// Over any network: real sockets, for one.
    pub fn over(sim: Sim, network: MemoryNetwork, wire: Arc<dyn Network>, clock: &Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir, clock);
        let manifest = Manifests::load(None).unwrap().get("agentunited").unwrap();
        let (tasks, waits) = (TaskTracker::new(), agent_bridge::session::LoginWaits::default());
        let means = Means { store, network: wire, clock: clock.clone(), tasks, waits };
        Self { sim, network, clock: clock.clone(), manifest, means, dir }
    }

    /// The process ends and starts again: only the store remains.
    pub async fn restart(&mut self) {
        self.means.store.close().await.unwrap();
        self.means.store = open(&self.dir, &self.clock);
        self.means.tasks = TaskTracker::new();
    }

    pub fn wants(&self, target: &str) -> JoinRequest {
        JoinRequest {
            manifest: self.manifest.clone(),
            name: name(),
            target: Some(target.into()),
            instance: None,
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            public_url: None,
        }
    }

    pub async fn join(&self, request: JoinRequest) -> Result<WorkspaceRecord, join::Error> {
        join::join(request, &self.means, &mut |_| {}).await
    }

    pub async fn join_by_invite(&self) -> Result<WorkspaceRecord, join::Error> {
        let invite = self.sim.invite(Some("agent@workspace.test"));
        self.join(self.wants(&invite)).await
    }

    /// Joined by invite, and its session.
    pub async fn joined(&self) -> Session {
        let record = self.join_by_invite().await.unwrap();
        Session::open(self.means.clone(), self.manifest.clone(), record).unwrap()
    }

    pub fn record(&self) -> Option<WorkspaceRecord> {
        self.means.store.workspace(&name()).unwrap()
    }

    pub fn secret(&self, field: &str) -> Option<String> {
        use secrecy::ExposeSecret;
        let secret = self.means.store.secret("acme", field).unwrap();
        secret.map(|secret| secret.expose_secret().to_owned())
    }

    /// Arms a fault for every request of a route.
    pub fn always(&self, route: &str, fault: Fault) {
        let armed = agent_bridge_sim::agentunited::Armed { route: route.into(), after: 0, count: u32::MAX, fault };
        self.sim.arm(armed);
    }

    /// How many requests of a route the platform has seen.
    pub fn seen(&self, route: &str) -> usize {
        self.sim.log().iter().filter(|entry| format!("{} {}", entry.method, entry.route) == route).count()
    }
}

pub fn name() -> WorkspaceName {
    WorkspaceName::new("acme").unwrap()
}

pub fn with_secret(mut request: JoinRequest, field: &str, value: &str) -> JoinRequest {
    request.secrets.insert(field.into(), value.to_owned().into());
    request
}

pub fn with_setting(mut request: JoinRequest, field: &str, value: &str) -> JoinRequest {
    request.settings.insert(field.into(), value.into());
    request
}

fn open(dir: &TempDir, clock: &Clock) -> Store {
    let options = StoreOptions { clock: clock.clone(), ballast: 0, ..StoreOptions::default() };
    Store::open(&dir.path().join("store.redb"), options).unwrap()
}

/// One signed-in question.
pub async fn ask(session: &Session) -> Result<Response, session::Error> {
    let call = session.manifest().asks.get("conversations").unwrap().call.clone();
    session.call(&call, Scope::new()).await
}
