//! Rows about processes: 1, 4, 8, 37, 39.

mod load;

use std::time::Duration;

use agent_bridge_sim::agentunited::{Fault, StreamFault};
use futures_util::FutureExt;
use serde_json::json;

use self::load::Load;
use crate::chance::Chance;
use crate::house::{House, QUICK, accepted, documented, observed};
use crate::matrix::{cycles, row};

const POST: &str = "POST /channels/{id}/messages";

/// Cycles in parts, each of which has a store of its own: many stores of a few crashes find more than one of many, and
/// the oracle compares everything with everything.
fn stores(cycles: usize, of_a_store: usize) -> impl Iterator<Item = usize> {
    (0..cycles).step_by(of_a_store).map(move |done| of_a_store.min(cycles - done))
}

#[tokio::test]
async fn row_01_kill_9_at_random_moments_under_load_loses_doubles_and_swaps_nothing() {
    row(1, async {
        let mut chance = Chance::told(1);
        for (store, crashes) in stores(cycles(10), 5).enumerate() {
            let dialect = if store % 2 == 0 { documented() } else { observed() };
            let mut load = Load::new(dialect).await;
            for _ in 0..crashes {
                load.works(chance.millis(700)).await;
                load.house.kill().await;
                // It may be killed before it is ready, too.
                load.says(2);
                load.house.spawn(&[]);
                tokio::time::sleep(chance.millis(150)).await;
                load.house.kill().await;
                load.house.start().await;
            }
            load.is_sound().await;
        }
    })
    .await;
}

/// Where a start after a crash may be cut off, and how often each of them is reached by then.
const OPENING: &[&str] = &[
    "store.opened.before@1",
    "store.opened.after@1",
    "store.commit.before@1",
    "store.commit.after@1",
    "http.request.before@1",
    "http.request.after@1",
    "store.commit.before@2",
    "store.commit.after@3",
];

#[tokio::test]
async fn row_04_a_recovery_that_is_cut_off_again_and_again_loses_nothing() {
    row(4, async {
        let mut chance = Chance::told(4);
        for starts in stores(cycles(12), 12) {
            let mut house = House::new(documented()).await;
            for n in 0..20 {
                house.say(&format!("before the crash {n}"));
            }
            house.kill().await;
            for start in 0..starts {
                house.say(&format!("while it is down {start}"));
                is_cut_off(&mut house, start, &mut chance).await;
            }
            house.start().await;
            let mut agent = house.agent().await;
            house.is_sound(&mut agent, 0).await;
        }
    })
    .await;
}

/// A start that does not come to its end: at a failpoint, or at any moment.
async fn is_cut_off(house: &mut House, start: usize, chance: &mut Chance) {
    if start % 3 == 2 {
        house.spawn(&[]);
        tokio::time::sleep(chance.millis(120)).await;
        house.kill().await;
    } else {
        house.spawn(&[("AGENT_BRIDGE_KILL_AT", OPENING[start * 2 / 3 % OPENING.len()])]);
        house.dies().await;
    }
}

/// The daemon dies between a commit and the platform's hearing of it, again and again; the platform, which takes all of
/// it for unheard, sends it once more.
async fn resent(crashes: usize, env: &[(&str, &str)]) {
    let mut house = House::new(documented()).await;
    house.kill().await;
    for cycle in 0..crashes {
        house.spawn(&[("AGENT_BRIDGE_KILL_AT", &format!("store.commit.after@{}", 4 + cycle % 5))]);
        for n in 0.. {
            if house.has_ended() {
                break;
            }
            house.say(&format!("{cycle}: {n}"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        house.dies().await;
        house.sim.stream_fault(&StreamFault::ReplayOld { events: 500 });
        house.start_under(env).await;
        house.listens().await;
        let mut agent = house.agent().await;
        // The resent ones come before this.
        house.say("and now?");
        house.hears_all(&mut agent).await;
        house.kill().await;
    }
    house.start_under(env).await;
    let mut agent = house.agent().await;
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn row_08_what_a_platform_sends_again_after_a_crash_behind_the_commit_is_told_once() {
    row(8, async {
        for crashes in stores(cycles(3), 3) {
            resent(crashes, &[]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn row_08_control_without_the_memory_of_ids_it_is_told_twice() {
    let fell = std::panic::AssertUnwindSafe(resent(1, &[("AGENT_BRIDGE_WITHOUT", "once")])).catch_unwind().await;
    let why = *fell.expect_err("the row must turn red").downcast::<String>().expect("an assertion's words");
    assert!(why.contains("doubled"), "{why}");
}

#[tokio::test]
async fn row_37_sigterm_with_work_in_flight_ends_in_time_and_loses_nothing() {
    row(37, async {
        let mut load = Load::new(observed()).await;
        let mut agent = load.house.agent().await;
        load.says(20);
        // One reply is about to be answered, one never is.
        let mut asked = Vec::new();
        for fault in [Fault::DelayReply { millis: 400 }, Fault::NeverAnswers { applied: true }] {
            let delivery = load.house.next(&mut agent, "message.created").await;
            load.house.sim.fault(POST, fault);
            let posts = load.house.count(POST);
            let reply = json!({ "seq": delivery.seq, "text": format!("to {}", delivery.text()) });
            let reply = agent.call("reply", reply).await.expect("it is accepted");
            load.house.seen(POST, posts + 1).await;
            asked.push(accepted(&reply).remove(0));
        }
        // One is held, and more come in.
        let held = load.house.next(&mut agent, "message.created").await;
        load.says(20);
        load.house.stop().await;
        assert!(!load.house.home.log().contains("not everything ended in time"), "{}", load.house.home.log());
        while agent.read().await.is_some() {}

        load.says(5);
        load.house.sim.clear_faults();
        load.house.start().await;
        let mut agent = load.house.agent().await;
        for action in &asked {
            let receipt = load.house.receipt(&mut agent, action).await;
            assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
        }
        assert_eq!(load.house.answers().len(), asked.len(), "each reply is there once");
        load.house.is_sound(&mut agent, 0).await;
        let came: Vec<_> = load.house.ledger.firsts("message.created").iter().map(|it| it.seq).collect();
        assert!(came.contains(&held.seq), "what was held comes again");
    })
    .await;
}

#[tokio::test]
async fn row_39_whoever_comes_second_to_a_store_is_refused_by_name() {
    row(39, async {
        let mut house = House::with(documented(), QUICK).await;
        let (elsewhere, store) = (house.home.path("elsewhere"), house.home.path("state").join("bridge.redb"));
        let elsewhere = elsewhere.to_string_lossy().into_owned();
        for second in [&["run"][..], &["run", "--runtime", &elsewhere], &["status", "--runtime", &elsewhere]] {
            let refused = house.home.cli(second).await;
            let word = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(!refused.status.success(), "{second:?}: {word}");
            assert!(word.contains("in use by another agent-bridge"), "{second:?}: {word}");
            assert!(word.contains(&*store.to_string_lossy()), "{second:?} names the store: {word}");
        }
        let mut agent = house.agent().await;
        house.is_sound(&mut agent, 0).await;
        drop(agent);

        // What a killed daemon leaves behind refuses nobody.
        house.kill().await;
        assert!(house.home.path("run/agent.sock").exists(), "its sockets are still there");
        house.home.ok(&["status"]).await;
        house.start().await;
        let mut agent = house.agent().await;
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}
