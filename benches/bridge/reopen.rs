//! From the start of the process to the first event in the agent's hands, with many stored: after a clean stop, and
//! after a kill -9 in the middle of writing.

use std::time::{Duration, Instant};

use agent_bridge_sim::agentunited::burst_id;
use anyhow::{Context, ensure};
use serde_json::json;

use super::agent::Agent;
use super::home::{Daemon, Home};
use super::platform::Platform;
use super::report::Report;
use super::sizes::Sizes;
use super::throughput::{BYTES, WORKSPACE};
use super::{floor, prefill};

/// A consumer that has all of the past before it.
const CONSUMER: &str = "
[[consumer]]
name = \"main\"
from = \"start\"
[consumer.only]
types = [\"message.created\"]
";
/// Tries of each, of which the median counts.
const TRIES: usize = 5;

/// Clean starts, then starts after a kill, each with what the engine alone needs for the same file.
pub fn run(sizes: &Sizes, report: &mut Report) -> anyhow::Result<()> {
    let (platform, home) = (Platform::start()?, Home::new(CONSUMER)?);
    let room = platform.room("room")?;
    prefill::into(&home, sizes.stored)?;
    let daemon = home.start()?;
    daemon.join(&platform, WORKSPACE)?;
    daemon.stop()?;
    let mut clean = (Vec::new(), Vec::new());
    for _ in 0..TRIES {
        clean.1.push(engine(&home)?);
        let (daemon, agent, millis) = first_delivery(&home)?;
        clean.0.push(millis);
        // An agent that left before would have failed the event once.
        daemon.stop()?;
        drop(agent);
    }
    add(report, "reopen_clean", sizes, clean);
    let mut killed = (Vec::new(), Vec::new());
    for first in 0..TRIES as u64 {
        let daemon = home.start()?;
        daemon.live(1)?;
        kill_while_writing(&platform, &room, daemon, u32::try_from(100 + first)?)?;
        // The engine alone repairs a copy: the file itself is the daemon's to repair.
        killed.1.push(engine_on_copy(&home)?);
        let (daemon, agent, millis) = first_delivery(&home)?;
        killed.0.push(millis);
        // An agent that left before would have failed the event once.
        daemon.stop()?;
        drop(agent);
    }
    add(report, "reopen_killed", sizes, killed);
    Ok(())
}

fn add(report: &mut Report, name: &str, sizes: &Sizes, (mut millis, mut engine): (Vec<f64>, Vec<f64>)) {
    millis.sort_by(f64::total_cmp);
    engine.sort_by(f64::total_cmp);
    let figures = json!({
        "ms_to_first_delivery": millis[TRIES / 2], "worst_ms": millis[TRIES - 1],
        "floor_ms_engine_open": engine[TRIES / 2], "stored": sizes.stored, "tries": TRIES,
    });
    report.add(name, figures);
}

/// Starts the daemon; milliseconds until the first of the stored events is here. Nothing is acked.
fn first_delivery(home: &Home) -> anyhow::Result<(Daemon, Agent, f64)> {
    let begun = Instant::now();
    let daemon = home.spawn()?;
    let mut agent = Agent::connect(&home.agent_socket(), Duration::from_mins(1))?;
    agent.subscribe("main", 1, 0)?;
    let mut first = None;
    agent.look(|event| {
        first.get_or_insert_with(|| event.id.to_owned());
        Ok(())
    })?;
    let millis = begun.elapsed().as_secs_f64() * 1e3;
    let expected = format!("{}/message.created/{}/{}", prefill::WORKSPACE, prefill::ROOM, burst_id(prefill::SEED, 0));
    ensure!(first.as_deref() == Some(expected.as_str()), "{first:?} came first, not {expected}");
    Ok((daemon, agent, millis))
}

/// Kills the daemon once it has committed some of a burst, and is in the middle of the rest.
fn kill_while_writing(platform: &Platform, room: &str, daemon: Daemon, seed: u32) -> anyhow::Result<()> {
    const SOME: u64 = 2_000;
    std::thread::scope(|scope| {
        let burst = scope.spawn(|| platform.burst(room, seed, 10 * SOME, BYTES));
        let head = || {
            let consumers = daemon.call("consumers", &json!({}))?;
            let list = consumers.as_array().or(consumers["consumers"].as_array());
            list.and_then(|list| list[0]["status"]["head"].as_u64()).context("the feed's head")
        };
        let before = head()?;
        while head()? < before + SOME {
            std::thread::yield_now();
        }
        daemon.kill()?;
        burst.join().expect("no burst panics")
    })
}

/// Milliseconds that the engine alone takes to open the file and begin a read.
fn engine(home: &Home) -> anyhow::Result<f64> {
    floor::open(&home.store())
}

fn engine_on_copy(home: &Home) -> anyhow::Result<f64> {
    let copy = home.store().with_file_name("copy.redb");
    std::fs::copy(home.store(), &copy)?;
    let millis = floor::open(&copy)?;
    std::fs::remove_file(copy)?;
    Ok(millis)
}
