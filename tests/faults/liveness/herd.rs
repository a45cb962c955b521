//! Row 41: 200 platforms restart together.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use agent_bridge_sim::agentunited::{Sim, World};
use agent_bridge_sim::serve::Serving;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::bridge::{Home, PATIENCE, until};
use crate::house::{QUICK, ack, documented};
use crate::matrix;

/// Workspaces, each on a platform of its own.
const MANY: usize = 200;
/// The first wait after a drop; with its jitter the window ends at twice that.
const FIRST: u64 = 10;
/// Of the connects in a tenth of the window. Evenly spread it would be a tenth; more than three times that (twelve
/// standard deviations) is no chance.
const HERD: usize = MANY * 3 / 10;

struct Platform {
    sim: Sim,
    _serving: Serving,
    room: String,
    ann: String,
}

impl Platform {
    /// Joined as `name`, by a key from a file.
    async fn joined(home: &Home, name: String) -> Self {
        let sim = Sim::new(documented());
        let serving = sim.serve(0).await.expect("a free port");
        let (ann, room) = (sim.person("Ann"), sim.channel("general"));
        let key = home.path(&name);
        std::fs::write(&key, sim.api_key(&sim.primary())).expect("a file");
        let secret = format!("api_key=@{}", key.display());
        home.ok(&["join", "agentunited", &serving.url(), "--as", &name, "--secret", &secret]).await;
        Self { sim, _serving: serving, room, ann }
    }

    /// Waits until the bridge has opened so many streams there, and one is open.
    async fn streams(&self, count: u64) {
        let open = self.sim.wait_for(|world| world.streams_opened() >= count && world.stream_count() > 0);
        tokio::time::timeout(PATIENCE, open).await.expect("a stream");
    }

    /// Waits until the bridge has asked for a stream behind this moment, and one is open.
    async fn dialled_after(&self, begun: u64) {
        let dialled = |world: &World| world.log().any(|it| it.route == "/events/stream" && it.at > begun);
        let open = self.sim.wait_for(|world| dialled(world) && world.stream_count() > 0);
        tokio::time::timeout(PATIENCE, open).await.expect("a stream");
    }

    /// When the newest stream was asked for, in milliseconds since 1970.
    fn dialled(&self) -> u64 {
        let asked = |world: &World| world.log().filter(|it| it.route == "/events/stream").map(|it| it.at).max();
        self.sim.look(asked).expect("a stream was asked for")
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("before the year 500,000,000")
}

#[tokio::test(flavor = "multi_thread")]
async fn row_41_the_connects_of_200_workspaces_spread_over_the_backoff_window() {
    matrix::row(41, async {
        let quiet = QUICK.replace(
            "first_wait = \"50ms\"\nlongest_wait = \"300ms\"\nspread",
            "first_wait = \"10s\"\ncut = \"1d\"\nspread",
        );
        let quiet = quiet.replace("others = \"500ms\"", "others = \"1h\"").replace("slow = \"300ms\"", "slow = \"1h\"");
        let home = Home::new(&quiet);
        let _daemon = home.start().await;
        let joins = (0..MANY).map(|n| Platform::joined(&home, format!("w{n}")));
        let platforms: Vec<_> = stream::iter(joins).buffer_unordered(4).collect().await;
        for platform in &platforms {
            platform.streams(1).await;
        }
        until(|| live(&home), || home.log()).await;

        let begun = now();
        for platform in &platforms {
            platform.sim.restart();
        }
        for platform in &platforms {
            platform.dialled_after(begun).await;
        }
        let waits: Vec<u64> = platforms.iter().map(|it| it.dialled().saturating_sub(begun)).collect();
        is_spread(&waits);

        until(|| live(&home), || home.log()).await;
        let mut agent = home.agent().await;
        agent.call("subscribe", json!({ "consumer": "main" })).await.expect("it reads");
        let mut owed: BTreeSet<String> =
            platforms.iter().map(|it| it.sim.say(&it.ann, &it.room, "all is well again")).collect();
        while !owed.is_empty() {
            let delivery = agent.delivery().await;
            if let Some(id) = delivery.event["data"]["message"]["id"].as_str() {
                assert!(owed.remove(id), "told twice, or invented: {}", delivery.event);
            }
            ack(&mut agent, &delivery).await;
        }
    })
    .await;
}

/// All of them are live.
async fn live(home: &Home) -> Option<()> {
    let status: Value = serde_json::from_str(&home.ok(&["status", "--json"]).await).expect("JSON");
    let workspaces = status["workspaces"].as_array().expect("workspaces");
    (workspaces.len() == MANY && workspaces.iter().all(|it| it["live"] == true)).then_some(())
}

/// No tenth of the window, wherever it begins, has a herd; and nobody comes before the window, but for the few whose
/// dial was under way when the platforms went down.
fn is_spread(waits: &[u64]) {
    let mut waits = waits.to_vec();
    waits.sort_unstable();
    let early = waits.iter().filter(|wait| **wait < FIRST * 1_000 - 500).count();
    assert!(early <= MANY / 40, "{early} come before the window: {waits:?}");
    let tenth = FIRST * 100;
    let most = waits.iter().map(|from| waits.iter().filter(|at| (*from..from + tenth).contains(*at)).count()).max();
    assert!(most <= Some(HERD), "{most:?} of {MANY} connects within {tenth} ms: {waits:?}");
    let end = Duration::from_millis(*waits.last().expect("some"));
    assert!(end >= Duration::from_secs(FIRST * 3 / 2), "all of them in the first half of the window: {waits:?}");
}
