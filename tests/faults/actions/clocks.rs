//! Rows 31 and 32: many requests meet 401 together; the wall clock jumps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::action::{Request, State};
use agent_bridge::adapter::{Manifests, Scope};
use agent_bridge::clock::Clock;
use agent_bridge::event::WorkspaceName;
use agent_bridge::join::{self, JoinRequest};
use agent_bridge::outbox::{self, Courier, Limits};
use agent_bridge::session::{LoginWaits, Means, Session};
use agent_bridge::store::{Batch, Change, Options as StoreOptions, Store};
use agent_bridge_sim::agentunited::{Armed, Fault, Options, Sim};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::memory_network::MemoryNetwork;
use super::{LOGIN, PATIENCE, POST, send};
use crate::house::{House, QUICK, documented};
use crate::matrix;

const ORIGIN: &str = "https://workspace.test";
/// 22 March 2026, 18:00 UTC.
const NOW: u64 = 1_774_202_400_000;
const DAY: i64 = 86_400_000;

#[tokio::test]
async fn row_31_fifty_requests_that_meet_401_together_log_in_once() {
    matrix::row(31, async {
        let mut house = House::with(documented(), &format!("{QUICK}parallel = 64\n")).await;
        let mut agent = house.agent().await;
        let member = house.sim.members()[0].clone();
        let rooms: Vec<_> = (0..50).map(|n| house.sim.channel(&format!("room {n}"))).collect();
        for room in &rooms {
            house.sim.add_member(&member, room);
        }
        let before = house.count(LOGIN);
        // All fifty are under way with the old token before it ends.
        let slow = Fault::DelayRequest { millis: 6_000 };
        house.sim.arm(Armed { route: POST.into(), after: 0, count: 50, fault: slow });
        let mut actions = Vec::new();
        for room in &rooms {
            actions.push(send(&mut agent, room, "together").await);
        }
        let under_way = house.sim.wait_for(|world| world.faults_left() == 0);
        tokio::time::timeout(PATIENCE, under_way).await.expect("all are under way");
        house.sim.expire_token(&member);
        for action in &actions {
            let receipt = house.receipt(&mut agent, action).await;
            assert_eq!((&receipt["state"], &receipt["tries"]), (&json!("confirmed"), &json!(1)), "{receipt:#}");
        }
        let refused = house.sim.log().iter().filter(|it| it.route.ends_with("messages") && it.status == 401).count();
        assert!(refused >= 25, "only {refused} met it together");
        assert_eq!(house.count(LOGIN), before + 1, "one login for all of them and the stream");
        assert_eq!(house.answers().len(), 50);
        house.listens().await;
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}

/// A joined workspace under paused time, whose platform keeps the right time whatever our clock does.
struct Bench {
    sim: Sim,
    clock: Clock,
    store: Store,
    session: Session,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let (clock, true_time) = (Clock::paced(NOW), Clock::paced(NOW));
        let wall = Arc::new(move || true_time.now());
        let sim = Sim::new(Options { url: ORIGIN.into(), wall, ..documented() });
        let network = MemoryNetwork::default();
        network.serve(ORIGIN, sim.router());
        let folder = tempfile::tempdir().expect("a folder");
        let options = StoreOptions { clock: clock.clone(), ballast: 0, ..StoreOptions::default() };
        let store = Store::open(&folder.path().join("store.redb"), options).expect("a store");
        let (tasks, waits) = (TaskTracker::new(), LoginWaits::default());
        let means = Means { store: store.clone(), network: Arc::new(network), clock: clock.clone(), tasks, waits };
        let manifest = Manifests::load(None).expect("manifests").get("agentunited").expect("it is embedded");
        let request = JoinRequest {
            manifest: manifest.clone(),
            name: WorkspaceName::new("acme").expect("a name"),
            target: Some(sim.invite(Some("agent@workspace.test"))),
            instance: None,
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            public_url: None,
        };
        let record = join::join(request, &means, &mut |_| {}).await.expect("it joins");
        let session = Session::open(means, manifest, record).expect("a session");
        Self { sim, clock, store, session, _folder: folder }
    }

    /// One signed-in question: its status.
    async fn ask(&self) -> u16 {
        let call = self.session.manifest().asks.get("conversations").expect("a question").call.clone();
        self.session.call(&call, Scope::new()).await.expect("an answer").status
    }

    fn logins(&self) -> usize {
        self.sim.log().iter().filter(|entry| entry.route == "/auth/login").count()
    }
}

#[tokio::test(start_paused = true)]
async fn row_32_a_clock_that_jumps_a_day_either_way_makes_no_login_early_and_no_storm() {
    matrix::row(32, async {
        let bench = Bench::new().await;
        for jump in [1_i64, -1, -1, 1, -2, 2] {
            bench.clock.jump(jump * DAY);
            let before = bench.logins();
            // A question a minute for twelve hours: the token of a day needs no renewal more often than once.
            for _ in 0..720 {
                assert_eq!(bench.ask().await, 200);
                tokio::time::advance(Duration::from_mins(1)).await;
            }
            assert!(
                bench.logins() <= before + 1,
                "{} logins in twelve hours after {jump} days",
                bench.logins() - before
            );
        }
        // Three days in all, and tokens of a day.
        assert!((2..=3).contains(&bench.logins()), "{} logins in three days", bench.logins());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn row_32_a_clock_that_jumps_a_day_ends_no_action_early_and_hammers_nothing() {
    matrix::row(32, async {
        for jump in [1_i64, -1] {
            let bench = Bench::new().await;
            let room = bench.sim.channel("general");
            bench.sim.add_member(&bench.sim.members()[0], &room);
            let patience = Fault::TooMany { retry_after: "30".into() };
            bench.sim.arm(Armed { route: POST.into(), after: 0, count: 3, fault: patience });
            let args = json!({ "conversation": room, "text": "in time" }).as_object().cloned().expect("arguments");
            let request = Request { workspace: None, verb: "send".into(), args, key: None };
            let (record, manifest) = (bench.session.record(), bench.session.manifest());
            let action = outbox::accept(manifest, &record, request, None, bench.clock.now()).expect("it is right");
            let id = action.id.clone();
            bench.store.commit(Batch::new().with(Change::Accept(Box::new(action)))).await.expect("it is kept");
            let limits = Limits::default();
            let courier = Courier::new(bench.store.clone(), bench.session.clone(), bench.clock.clone(), limits);
            let run =
                tokio::spawn(outbox::run(Arc::new(courier), agent_bridge::pulse::pulse().1, CancellationToken::new()));
            let row = || bench.store.action(&id).expect("a store").expect("it is there");
            let mut jumped = false;
            while !row().state.settled() {
                if !jumped && row().tries == 1 && row().not_before.is_some() {
                    bench.clock.jump(jump * DAY);
                    jumped = true;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            assert!(jumped && matches!(row().state, State::Confirmed { .. }), "{jump}: {:?}", row());
            assert_eq!(row().tries, 4, "{jump}: three times patience, as asked");
            assert_eq!(bench.sim.messages_by_agent().len(), 1);
            run.abort();
        }
    })
    .await;
}
