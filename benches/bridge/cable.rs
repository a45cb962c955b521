//! Events a second over ActionCable, and the memory of cables that have nothing to say.
//!
//! What is measured is a line that is live: the log is read once, at the cable's welcome, and every event behind that comes
//! by a frame of the cable alone. Frames wait while the log is read, so a bridge that polls often beside a full cable is
//! slower than this.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;

use super::agent::Agent;
use super::home::{Daemon, Home};
use super::lounge::Lounge;
use super::pipe::Pipe;
use super::process;
use super::report::Report;
use super::sizes::Sizes;
use super::throughput::{BYTES, CONSUMER, WORKSPACE};
use super::{idle, prefill};

/// Longer than a cable takes to be subscribed; reached only when something is broken.
const PATIENCE: Duration = Duration::from_mins(2);
const MANIFEST: &str = include_str!("../../adapters/speakeasy.yaml");
/// What the cable asks of a grant; renamed, no grant has it.
const NEEDS: &str = "needs: event_websocket";

/// Throughput with its floor, then memory with and without cables.
pub fn run(sizes: &Sizes, report: &mut Report) -> anyhow::Result<()> {
    let events = sizes.events / 10;
    let (rate, cpu, written) = throughput(sizes, events)?;
    let floor = floor(events)?;
    report.add(
        "cable",
        json!({
            "events_per_s": rate, "floor_events_per_s": floor, "ratio_to_floor": rate / floor,
            "daemon_cpu_us_per_event": cpu, "disk_bytes_per_event": written, "events": events, "stored": sizes.stored,
            "event_bytes": BYTES, "max_in_flight": sizes.in_flight, "per_lane": 0,
        }),
    );
    // One run is enough for a figure of each; the first number that was asked for.
    let count = sizes.workspaces.first().copied().unwrap_or(1_000);
    let figures = if process::files() < (count + idle::SPARE) as u64 {
        json!({ "skipped": "too few open files are allowed: each cable holds a connection" })
    } else {
        memory(count, Duration::from_secs(sizes.idle_seconds))?
    };
    report.add(&format!("cable_idle_{count}"), figures);
    Ok(())
}

/// Events a second, microseconds of the daemon's processor time for each, and bytes that it wrote for each.
fn throughput(sizes: &Sizes, events: u64) -> anyhow::Result<(f64, f64, f64)> {
    let (mut lounge, home) = (Lounge::start()?, Home::new(CONSUMER)?);
    prefill::into(&home, sizes.stored)?;
    let daemon = home.start()?;
    daemon.join_told(&lounge.joined_as(WORKSPACE))?;
    subscribed(&lounge, 1)?;
    let topic = lounge.topic(&lounge.agent()?)?;
    let mut agent = Agent::connect(&home.agent_socket(), PATIENCE)?;
    agent.subscribe("main", sizes.in_flight, 0)?;
    let before = (process::processor(daemon.pid())?, process::written(daemon.pid())?);
    let begun = Instant::now();
    lounge.say(topic, events, BYTES)?;
    let (mut first, mut count) = (0, 0);
    while count < events {
        agent.take(|event| {
            let id = event.id.strip_prefix(&format!("{WORKSPACE}/message.created/"));
            let id: u64 = id.with_context(|| format!("a stranger: {}", event.id))?.parse()?;
            first = if count == 0 { id } else { first };
            ensure!(id == first + count, "event {id} came out, where {} went in", first + count);
            count += 1;
            Ok(())
        })?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = process::processor(daemon.pid())?.saturating_sub(before.0);
    let written = process::written(daemon.pid())?.saturating_sub(before.1);
    ensure!(lounge.said()? == (first, first + events - 1), "the cable told the same events");
    agent.call("ping", &json!({}))?;
    daemon.stop()?;
    let count = events as f64;
    Ok((count / seconds, cpu.as_secs_f64() * 1e6 / count, written as f64 / count))
}

/// The same frames through a pipe that neither parses nor keeps.
fn floor(events: u64) -> anyhow::Result<f64> {
    let mut lounge = Lounge::start()?;
    let (agent, token) = lounge.grant()?;
    let topic = lounge.topic(&agent)?;
    let mut pipe = Pipe::cable(lounge.address(), &token)?;
    subscribed(&lounge, 1)?;
    let begun = Instant::now();
    lounge.say(topic, events, BYTES)?;
    let (mut first, mut count) = (0, 0);
    while count < events {
        pipe.take(|text| {
            let digits = text.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default();
            let id: u64 = digits.parse()?;
            first = if count == 0 { id } else { first };
            ensure!(id == first + count, "event {id} came out of the pipe, where {} went in", first + count);
            count += 1;
            Ok(())
        })?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(lounge.said()? == (first, first + events - 1), "the pipe told the same events");
    Ok(events as f64 / seconds)
}

/// What a workspace takes with its cable open, over plain TCP, and what one takes that only polls.
fn memory(count: usize, watched: Duration) -> anyhow::Result<serde_json::Value> {
    let (with, cpu) = each(count, watched, true)?;
    let (without, _) = each(count, Duration::ZERO, false)?;
    Ok(json!({
        "workspaces": count, "bytes_per_workspace": with, "bytes_per_workspace_without_cable": without,
        "bytes_per_cable": with - without, "cpu_percent": cpu, "seconds": watched.as_secs(),
    }))
}

fn each(count: usize, watched: Duration, cables: bool) -> anyhow::Result<(f64, f64)> {
    let (lounge, home) = (Lounge::start()?, Home::new("")?);
    if !cables {
        ensure!(MANIFEST.contains(NEEDS), "the manifest's cable stands where it was");
        home.manifest("speakeasy", &MANIFEST.replace(NEEDS, "needs: what_no_grant_has"))?;
    }
    let daemon = home.start()?;
    let empty = process::memory(daemon.pid())?;
    daemon.join_all(count, |index| Ok(lounge.joined_as(&format!("w{index}"))))?;
    // A start of its own: what joining took has never been there.
    daemon.stop()?;
    let daemon = home.start()?;
    daemon.live(count)?;
    subscribed(&lounge, if cables { count as u64 } else { 0 })?;
    std::thread::sleep(idle::SETTLE);
    let full = process::memory(daemon.pid())?;
    let cpu = busy(&daemon, watched)?;
    daemon.stop()?;
    Ok((full.saturating_sub(empty) as f64 / count as f64, cpu))
}

/// Percent of one core.
fn busy(daemon: &Daemon, watched: Duration) -> anyhow::Result<f64> {
    let before = process::processor(daemon.pid())?;
    std::thread::sleep(watched);
    let busy = process::processor(daemon.pid())?.saturating_sub(before);
    Ok(100.0 * busy.as_secs_f64() / watched.as_secs_f64().max(f64::MIN_POSITIVE))
}

fn subscribed(lounge: &Lounge, count: u64) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let there = lounge.subscribed()?;
        if there == count {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{there} of {count} cables are subscribed");
        std::thread::sleep(Duration::from_millis(100));
    }
}
