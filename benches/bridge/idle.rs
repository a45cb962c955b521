//! Many workspaces, each with its stream open and nothing to say: memory for each, and processor time.

use std::time::Duration;

use serde_json::json;

use super::home::Home;
use super::platform::Platform;
use super::process;
use super::report::Report;
use super::sizes::Sizes;

/// After the last join: what was taken for it has been given back.
pub const SETTLE: Duration = Duration::from_secs(5);
/// Files that a process needs beside a connection for each workspace: calls under way, sockets, the store.
pub const SPARE: usize = 1_500;

/// Each number of workspaces in a daemon of its own.
pub fn run(sizes: &Sizes, report: &mut Report) -> anyhow::Result<()> {
    let files = process::files();
    for count in &sizes.workspaces {
        let figures = if files < (count + SPARE) as u64 {
            json!({ "skipped": format!("{files} open files are allowed, and each workspace holds a connection") })
        } else {
            measure(*count, Duration::from_secs(sizes.idle_seconds))?
        };
        report.add(&format!("idle_{count}"), figures);
    }
    Ok(())
}

fn measure(count: usize, watched: Duration) -> anyhow::Result<serde_json::Value> {
    let (platform, home) = (Platform::start()?, Home::new("")?);
    let daemon = home.start()?;
    let empty = process::memory(daemon.pid())?;
    daemon.join_many(&platform, count)?;
    std::thread::sleep(SETTLE);
    let joined = process::memory(daemon.pid())?;
    // A start of its own: what joining took has never been there.
    daemon.stop()?;
    let daemon = home.start()?;
    daemon.live(count)?;
    std::thread::sleep(SETTLE);
    let full = process::memory(daemon.pid())?;
    let before = process::processor(daemon.pid())?;
    std::thread::sleep(watched);
    let busy = process::processor(daemon.pid())?.saturating_sub(before);
    daemon.stop()?;
    let each = |bytes: u64| bytes.saturating_sub(empty) as f64 / count as f64;
    Ok(json!({
        "workspaces": count, "bytes_per_workspace": each(full), "bytes_per_workspace_after_joining": each(joined),
        "floor_bytes_of_an_empty_bridge": empty, "cpu_percent": 100.0 * busy.as_secs_f64() / watched.as_secs_f64(),
        "seconds": watched.as_secs(),
    }))
}
