//! What the bridge adds at 1,000 events a second: from the platform's emit to the agent's hands.

use std::time::Duration;

use agent_bridge_sim::agentunited::burst_id;
use anyhow::{Context, ensure};
use serde_json::json;

use super::agent::Agent;
use super::home::Home;
use super::pipe::Pipe;
use super::platform::{Paced, Platform, now};
use super::report::{Report, quantile};
use super::sizes::Sizes;
use super::throughput::{BYTES, CONSUMER, WORKSPACE};
use super::{floor, prefill};

/// Events a second.
const RATE: u64 = 1_000;

/// The bridge, then the pipe, then the disk.
pub fn run(sizes: &Sizes, report: &mut Report) -> anyhow::Result<()> {
    let events = RATE * sizes.seconds;
    let (commit_p50, commit_p99) = floor::commit()?;
    let bridge = through_bridge(sizes, events)?;
    let pipe = through_pipe(events)?;
    let (p50, p99) = (quantile(&bridge, 0.5), quantile(&bridge, 0.99));
    report.add(
        "latency",
        json!({
            "p50_us": p50, "p99_us": p99, "events_per_s": RATE, "events": events, "stored": sizes.stored,
            "floor_p50_us": quantile(&pipe, 0.5), "floor_p99_us": quantile(&pipe, 0.99),
            "floor_commit_p50_us": commit_p50, "floor_commit_p99_us": commit_p99,
            "p50_in_commits": p50 / commit_p50, "p99_in_commits": p99 / commit_p50,
        }),
    );
    Ok(())
}

fn paced(room: &str, count: u64) -> Paced {
    Paced { channel: room.into(), count, rate: RATE, seed: 9, bytes: BYTES }
}

fn through_bridge(sizes: &Sizes, events: u64) -> anyhow::Result<Vec<f64>> {
    let (mut platform, home) = (Platform::start()?, Home::new(CONSUMER)?);
    let room = platform.room("room")?;
    prefill::into(&home, sizes.stored)?;
    let daemon = home.start()?;
    daemon.join(&platform, WORKSPACE)?;
    let mut agent = Agent::connect(&home.agent_socket(), Duration::from_secs(10))?;
    agent.subscribe("main", 64, 0)?;
    platform.pace(&paced(&room, events))?;
    let mut arrived = Vec::new();
    while (arrived.len() as u64) < events {
        agent.take(|event| {
            let at = now();
            let (_, id) = event.message(WORKSPACE).with_context(|| format!("a stranger: {}", event.id))?;
            ensure!(id == burst_id(9, arrived.len() as u64), "{id} is not message {}", arrived.len());
            arrived.push(at);
            Ok(())
        })?;
    }
    let added = added(&platform.stamps()?, &arrived);
    daemon.stop()?;
    Ok(added)
}

fn through_pipe(events: u64) -> anyhow::Result<Vec<f64>> {
    let mut platform = Platform::start()?;
    let room = platform.room("room")?;
    let mut pipe = Pipe::open(&platform)?;
    platform.pace(&paced(&room, events))?;
    let mut arrived = Vec::new();
    while (arrived.len() as u64) < events {
        pipe.take(|id| {
            let at = now();
            ensure!(id == burst_id(9, arrived.len() as u64), "{id} is not message {}", arrived.len());
            arrived.push(at);
            Ok(())
        })?;
    }
    Ok(added(&platform.stamps()?, &arrived))
}

/// Microseconds, sorted.
fn added(emitted: &[u64], arrived: &[u64]) -> Vec<f64> {
    let pairs = emitted.iter().zip(arrived);
    let mut added: Vec<f64> = pairs.map(|(from, to)| to.saturating_sub(*from) as f64 / 1e3).collect();
    added.sort_by(f64::total_cmp);
    added
}
