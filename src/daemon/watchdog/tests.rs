//! A loop that is stuck stops the feeding. On several threads, in real time: one of them is blocked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use futures_util::future::BoxFuture;
use tokio_util::task::TaskTracker;

use super::*;
use crate::adapter::Manifests;
use crate::clock::Clock;
use crate::daemon::accept::ByManifest;
use crate::deliver::{Bounds, Ground, Times};
use crate::event::WorkspaceName;
use crate::http::{Failure, Network, Request, Response, Stream};
use crate::session::{LoginWaits, Means};
use crate::store::{Batch, Change, Options, Seat, WorkspaceRecord};
use crate::workspace::Context;

/// Longer than a round takes on a busy machine; reached only by what is stuck.
const ROUND: Duration = Duration::from_secs(2);

/// A network that blocks the task of whoever asks, in the middle of a poll, until it is let go.
#[derive(Clone, Default)]
struct Blocking(Arc<(Mutex<bool>, Condvar)>);

impl Blocking {
    /// Blocks the task, and not what else its thread was to do: the runtime's timers may be among that, and without
    /// them no round would ever end.
    fn block(&self) {
        let (free, changed) = &*self.0;
        tokio::task::block_in_place(|| drop(changed.wait_while(free.lock().unwrap(), |free| !*free)));
    }

    fn let_go(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

fn unreachable() -> Failure {
    Failure::Unreachable { host: "workspace.test".into(), why: "it is a test".into() }
}

impl Network for Blocking {
    fn call(&self, _: Request) -> BoxFuture<'_, Result<Response, Failure>> {
        Box::pin(async {
            self.block();
            Err(unreachable())
        })
    }

    fn open(&self, _: Request) -> BoxFuture<'_, Result<Stream, Failure>> {
        Box::pin(async {
            self.block();
            Err(unreachable())
        })
    }
}

struct Bench {
    network: Blocking,
    context: Context,
    loops: Loops,
    token: CancellationToken,
    roster: tokio::task::JoinHandle<Result<(), crate::workspace::Fatal>>,
    folder: tempfile::TempDir,
}

impl Bench {
    /// A bridge with a consumer, and with one workspace where `joined`.
    async fn new(joined: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), Options { ballast: 0, ..Options::default() }).unwrap();
        let manifests = Arc::new(Manifests::load(None).unwrap());
        if joined {
            let (owner, field) = ("acme".to_owned(), "api_key".to_owned());
            let key = Change::Secret { owner, field, value: Some("au_test".to_owned().into()) };
            store.commit(Batch::new().with(Change::Workspace(Box::new(acme()))).with(key)).await.unwrap();
        }
        let accept = Arc::new(ByManifest::new(store.clone(), manifests.clone(), std::collections::BTreeSet::new()));
        let ground = Ground { store: store.clone(), clock: Clock::system(), accept, bounds: Bounds::default() };
        let hour = Duration::from_hours(1);
        let consumers =
            Consumers::start(ground, Times { keep: hour, retain: hour, every: hour, ..Times::default() }).unwrap();
        let network = Blocking::default();
        let means = Means {
            store: store.clone(),
            network: Arc::new(network.clone()),
            clock: Clock::system(),
            tasks: TaskTracker::new(),
            waits: LoginWaits::default(),
        };
        let context = crate::config::Config::default().context(means, manifests, crate::ingress::Hooks::default());
        let token = CancellationToken::new();
        let (roster, task) = Roster::new(context.clone(), token.clone());
        let task = tokio::spawn(task.run());
        roster.start_all().await.unwrap();
        let loops = Loops { store, consumers, roster, sockets: Vec::new() };
        Self { network, context, loops, token, roster: task, folder }
    }

    async fn end(self) {
        self.network.let_go();
        self.token.cancel();
        self.roster.await.unwrap().unwrap();
    }
}

fn acme() -> WorkspaceRecord {
    WorkspaceRecord {
        name: WorkspaceName::new("acme").unwrap(),
        platform: "agentunited".into(),
        settings: BTreeMap::from([("url".to_owned(), "https://workspace.test".to_owned())]),
        facts: BTreeMap::new(),
        session: "key".into(),
        seat: Seat::SignedIn,
        joined_at: 0,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_gets_on_feeds_and_a_stuck_workspace_does_not() {
    let idle = Bench::new(false).await;
    assert_eq!(idle.loops.stuck(ROUND * 10).await, None);
    idle.end().await;

    let busy = Bench::new(true).await;
    // It may need a moment until its line comes to the network.
    let stuck = loop {
        if let Some(stuck) = busy.loops.stuck(ROUND).await {
            break stuck;
        }
    };
    assert!(stuck.ends_with("of workspace `acme`"), "{stuck}");
    busy.network.let_go();
    while busy.loops.stuck(ROUND).await.is_some() {}
    busy.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stuck_roster_and_a_deaf_socket_are_named() {
    let mut bench = Bench::new(false).await;
    let socket = bench.folder.path().join("nobody.sock");
    bench.loops.sockets = vec![socket.clone()];
    assert_eq!(bench.loops.stuck(ROUND).await, Some(socket.display().to_string()));
    bench.loops.sockets.clear();
    // A roster whose task nobody runs.
    let (roster, _never_run) = Roster::new(bench.context.clone(), bench.token.clone());
    let running = std::mem::replace(&mut bench.loops.roster, roster);
    assert_eq!(bench.loops.stuck(ROUND).await.as_deref(), Some("the roster"));
    bench.loops.roster = running;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_progress_feeds() {
    let bench = Bench::new(true).await;
    while bench.loops.stuck(ROUND).await.is_none() {}
    let fed = AtomicUsize::new(0);
    let feeding = feed(&bench.loops, ROUND * 3, &bench.token, || {
        fed.fetch_add(1, Ordering::SeqCst);
    });
    let mut feeding = Box::pin(feeding);
    assert!(tokio::time::timeout(ROUND * 5, &mut feeding).await.is_err());
    assert_eq!(fed.load(Ordering::SeqCst), 0, "stuck");
    bench.network.let_go();
    let fed_again = async {
        while fed.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = &mut feeding => panic!("it was not told to stop"),
        () = fed_again => {}
    }
    drop(feeding);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_round_commits_nothing() {
    let bench = Bench::new(false).await;
    let file = bench.folder.path().join("store");
    // The quiet moment behind the last commit writes once more, and the day's forgetting may; then nothing does.
    let mut before = Vec::new();
    for _ in 0..20 {
        let now = std::fs::read(&file).unwrap();
        if now == before {
            return bench.end().await;
        }
        before = now;
        for _ in 0..20 {
            assert_eq!(bench.loops.stuck(ROUND * 10).await, None);
        }
    }
    panic!("the rounds go on writing");
}
