//! What the system tells of a process: memory, processor time, bytes to the disk; and how many files one may have.

use std::time::Duration;

use anyhow::Context;

/// Resident memory in bytes, without what is shared with files (proc(5): RssAnon).
pub fn memory(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("RssAnon")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024)
}

/// Processor time so far, user and system.
pub fn processor(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
    // Counted from the state on, utime and stime stand at 11 and 12 (proc(5)), in hundredths.
    let hundredths = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(hundredths * 10))
}

/// Bytes that it has handed to write calls so far, what goes to sockets left out (proc(5): wchar). `write_bytes` counts
/// whole folios of the page cache, however little of one is new.
pub fn written(pid: u32) -> anyhow::Result<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
    let line = io.lines().find_map(|line| line.strip_prefix("wchar:")).context("wchar")?;
    Ok(line.trim().parse()?)
}

/// Raises the limit of open files as far as it goes, for this process and those it starts; how many that is.
pub fn files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    // What cannot be raised is found too low below.
    let _stays = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
