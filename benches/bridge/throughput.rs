//! Events a second through everything: stream in, commit, socket out, `up_to` acks; `per_lane` 0 and 1.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use agent_bridge_sim::agentunited::burst_id;
use anyhow::{Context, ensure};
use serde_json::json;

use super::agent::Agent;
use super::home::Home;
use super::pipe::Pipe;
use super::platform::Platform;
use super::prefill;
use super::process;
use super::report::Report;
use super::sizes::Sizes;

/// The workspace.
pub const WORKSPACE: &str = "bench";
/// The length of each text.
pub const BYTES: usize = 1024;
/// Rooms with `per_lane` 1, where each has one event out at a time.
const ROOMS: usize = 64;
/// About what one commit writes under full load, in bytes.
const COMMIT: usize = 4 << 20;
/// How long a daemon's socket may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);
/// The consumer: from now on, new messages alone.
pub const CONSUMER: &str = "
[[consumer]]
name = \"main\"
[consumer.only]
workspaces = [\"bench\"]
types = [\"message.created\"]
";

/// One room with `per_lane` 0, then many with `per_lane` 1; the floor beside them.
pub fn run(sizes: &Sizes, report: &mut Report) -> anyhow::Result<()> {
    let one = measure(sizes, sizes.events, 1, 0)?;
    let floor = floor(sizes.events)?;
    let disk = super::floor::disk(COMMIT)?;
    let note = |run: &Run, events: u64, rooms: usize, per_lane: u32| {
        json!({
            "events_per_s": run.rate, "floor_events_per_s": floor, "ratio_to_floor": run.rate / floor,
            "disk_bytes_per_event": run.written, "floor_disk_bytes_per_s": disk,
            "floor_disk_events_per_s": disk / run.written, "ratio_to_disk": run.rate * run.written / disk,
            "daemon_cpu_us_per_event": run.cpu, "events": events, "stored": sizes.stored, "rooms": rooms,
            "per_lane": per_lane, "max_in_flight": sizes.in_flight, "event_bytes": BYTES,
        })
    };
    report.add("throughput", note(&one, sizes.events, 1, 0));
    let events = sizes.events / 5;
    let many = measure(sizes, events, ROOMS, 1)?;
    report.add("throughput_per_lane_1", note(&many, events, ROOMS, 1));
    Ok(())
}

struct Run {
    rate: f64,
    /// Processor time of the daemon for each event, in microseconds.
    cpu: f64,
    /// Bytes that the daemon had written to the disk for each event.
    written: f64,
}

fn measure(sizes: &Sizes, events: u64, rooms: usize, per_lane: u32) -> anyhow::Result<Run> {
    let (platform, home) = (Platform::start()?, Home::new(CONSUMER)?);
    let rooms: Vec<_> = (0..rooms).map(|at| platform.room(&format!("room {at}"))).collect::<Result<_, _>>()?;
    prefill::into(&home, sizes.stored)?;
    let daemon = home.start()?;
    daemon.join(&platform, WORKSPACE)?;
    let mut agent = Agent::connect(&home.agent_socket(), PATIENCE)?;
    agent.subscribe("main", sizes.in_flight, per_lane)?;
    let each = events / rooms.len() as u64;
    let before = (process::processor(daemon.pid())?, process::written(daemon.pid())?);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let bursts: Vec<_> = rooms.iter().map(|room| scope.spawn(|| platform.burst(room, 7, each, BYTES))).collect();
        receive(&mut agent, &rooms, each)?;
        bursts.into_iter().try_for_each(|burst| burst.join().expect("no burst panics"))
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = process::processor(daemon.pid())?.saturating_sub(before.0);
    let written = process::written(daemon.pid())?.saturating_sub(before.1);
    // A request behind the acks: answered when they are committed.
    agent.call("ping", &json!({}))?;
    settled(&daemon)?;
    daemon.stop()?;
    let count = (each * rooms.len() as u64) as f64;
    Ok(Run { rate: count / seconds, cpu: cpu.as_secs_f64() * 1e6 / count, written: written as f64 / count })
}

/// Every room's messages, each once, in order.
fn receive(agent: &mut Agent, rooms: &[String], each: u64) -> anyhow::Result<()> {
    let mut next: HashMap<&str, u64> = rooms.iter().map(|room| (room.as_str(), 0)).collect();
    let mut left = each * rooms.len() as u64;
    while left > 0 {
        agent.take(|event| {
            let (room, id) = event.message(WORKSPACE).with_context(|| format!("a stranger: {}", event.id))?;
            let n = next.get_mut(room).context("a room of ours")?;
            ensure!(id == burst_id(7, *n), "{id} came out, where message {n} of {room} went in");
            *n += 1;
            left -= 1;
            Ok(())
        })?;
    }
    Ok(())
}

/// Waits until the consumer has nothing left: the last ack is durable, and nothing came twice or too much.
fn settled(daemon: &super::home::Daemon) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let consumers = daemon.call("consumers", &json!({}))?;
        let main = consumers.as_array().or(consumers["consumers"].as_array()).and_then(|list| list.first().cloned());
        let status = main.context("a consumer")?["status"].take();
        if status["lag"] == 0 && status["in_flight"] == 0 {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "the acks left {status}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The same messages through a pipe that neither parses nor keeps.
fn floor(events: u64) -> anyhow::Result<f64> {
    let platform = Platform::start()?;
    let room = platform.room("room")?;
    let mut pipe = Pipe::open(&platform)?;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let burst = scope.spawn(|| platform.burst(&room, 7, events, BYTES));
        let mut next = 0;
        while next < events {
            pipe.take(|id| {
                ensure!(id == burst_id(7, next), "{id} came out of the pipe, where message {next} went in");
                next += 1;
                Ok(())
            })?;
        }
        burst.join().expect("no burst panics")
    })?;
    Ok(events as f64 / begun.elapsed().as_secs_f64())
}
