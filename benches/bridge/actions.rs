//! Round trips of `send`: asked, committed, posted, receipt committed, told. One after the other, and many at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::agent::Agent;
use super::floor;
use super::home::Home;
use super::platform::Platform;
use super::report::{Report, quantile};
use super::sizes::Sizes;
use super::throughput::{CONSUMER, WORKSPACE};

/// Rooms that are sent to at once; as many as the outbox serves at once by default.
const ROOMS: usize = 8;
/// Actions that wait for their receipt; the socket allows 64.
const OPEN: usize = 32;
/// The platform's own pace is no cost of the bridge.
const MANIFEST: &str = include_str!("../../adapters/agentunited.yaml");
const PACE: &str = "    pace: { per: conversation, every: 250ms }\n";

/// Both ways, then what the platform has.
pub fn run(sizes: &Sizes, report: &mut Report) -> anyhow::Result<()> {
    let (platform, home) = (Platform::start()?, Home::new(CONSUMER)?);
    ensure!(MANIFEST.contains(PACE), "the manifest's pace stands where it was");
    home.manifest("agentunited", &MANIFEST.replace(PACE, ""))?;
    let rooms: Vec<_> = (0..ROOMS).map(|at| platform.room(&format!("room {at}"))).collect::<Result<_, _>>()?;
    let daemon = home.start()?;
    daemon.join(&platform, WORKSPACE)?;
    let mut agent = Agent::connect(&home.agent_socket(), Duration::from_secs(10))?;
    let (commit_p50, commit_p99) = floor::commit()?;
    let mut sent = HashMap::new();
    let half = sizes.actions / 2;
    let one = one_by_one(&mut agent, &rooms[0], half, &mut sent)?;
    let rate = at_once(&mut agent, &rooms, half, &mut sent)?;
    same(&platform, &sent)?;
    let p50 = quantile(&one, 0.5);
    report.add(
        "actions",
        json!({
            "events_per_s": rate, "conversations": ROOMS, "floor_events_per_s": 1e6 / commit_p50,
            "one_by_one_per_s": 1e6 * one.len() as f64 / one.iter().sum::<f64>(), "p50_us": p50,
            "p99_us": quantile(&one, 0.99), "floor_commit_p50_us": commit_p50, "floor_commit_p99_us": commit_p99,
            "p50_in_commits": p50 / commit_p50, "actions": sent.len(),
        }),
    );
    daemon.stop()
}

fn act(room: &str, number: usize) -> Value {
    json!({
        "workspace": WORKSPACE, "verb": "send", "wait": "60s",
        "args": { "conversation": room, "text": format!("action {number}") },
    })
}

/// Where it was confirmed, the platform's id.
fn remote(receipt: &Value) -> anyhow::Result<String> {
    ensure!(receipt["state"] == "confirmed", "an action ended as {receipt}");
    Ok(receipt["remote_ids"][0].as_str().context("a remote id")?.to_owned())
}

fn one_by_one(
    agent: &mut Agent,
    room: &str,
    count: usize,
    sent: &mut HashMap<String, String>,
) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for number in 0..count {
        let begun = Instant::now();
        let receipt = agent.call("act", &act(room, number))?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        sent.insert(format!("action {number}"), remote(&receipt)?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn at_once(
    agent: &mut Agent,
    rooms: &[String],
    count: usize,
    sent: &mut HashMap<String, String>,
) -> anyhow::Result<f64> {
    let (mut open, mut next, begun) = (HashMap::new(), count, Instant::now());
    while next < 2 * count || !open.is_empty() {
        while next < 2 * count && open.len() < OPEN {
            open.insert(agent.ask("act", &act(&rooms[next % rooms.len()], next))?, next);
            next += 1;
        }
        let (call, receipt) = agent.answer()?;
        let number = open.remove(&call).context("an answer to an open call")?;
        sent.insert(format!("action {number}"), remote(&receipt)?);
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// The platform has each text once, under the id of its receipt.
fn same(platform: &Platform, sent: &HashMap<String, String>) -> anyhow::Result<()> {
    let state = platform.state()?;
    let rooms = state["rooms"].as_array().context("rooms")?;
    let messages = rooms.iter().filter_map(|room| room["messages"].as_array()).flatten();
    let mut seen = 0;
    for message in messages.filter(|message| message["text"].as_str().is_some_and(|text| text.starts_with("action "))) {
        let text = message["text"].as_str().unwrap_or_default();
        ensure!(
            sent.get(text).map(String::as_str) == message["id"].as_str(),
            "`{text}` stands there twice, or by chance"
        );
        seen += 1;
    }
    ensure!(seen == sent.len(), "{} actions were confirmed, the platform has {seen}", sent.len());
    Ok(())
}
