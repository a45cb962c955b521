//! How much is measured: by environment, with small numbers for a quick look.

use anyhow::Context;

/// Every size.
pub struct Sizes {
    /// `BENCH_STORED`: events that the store holds before anything is measured.
    pub stored: u64,
    /// `BENCH_EVENTS`: events of a throughput run.
    pub events: u64,
    /// `BENCH_IN_FLIGHT`: what the agent of the throughput runs lets be out at once (1 to 4,096).
    pub in_flight: u32,
    /// `BENCH_SECONDS`: how long the latency run lasts.
    pub seconds: u64,
    /// `BENCH_ACTIONS`: actions, half of them one after the other.
    pub actions: usize,
    /// `BENCH_WORKSPACES`: how many idle workspaces, a run for each number (`1000,10000`).
    pub workspaces: Vec<usize>,
    /// `BENCH_IDLE_SECONDS`: how long their processor time is watched.
    pub idle_seconds: u64,
    /// `BENCH_DOCUMENTS`: live documents that are open at once.
    pub documents: usize,
    /// `BENCH_DOCUMENT_BYTES`: letters of each, of one byte.
    pub document_bytes: usize,
    /// `BENCH_EDITS`: edits that are timed, for each length of a document.
    pub edits: usize,
}

impl Sizes {
    /// As the environment says; `BENCH_QUICK=1` makes the defaults small.
    pub fn from_env() -> anyhow::Result<Self> {
        let quick = std::env::var("BENCH_QUICK").is_ok_and(|word| word == "1");
        let size = |name: &str, full: u64, small: u64| number(name, if quick { small } else { full });
        let workspaces = match std::env::var("BENCH_WORKSPACES") {
            Ok(list) => list.split(',').map(str::parse).collect::<Result<_, _>>().context("BENCH_WORKSPACES")?,
            Err(_) if quick => vec![100],
            Err(_) => vec![1_000, 10_000],
        };
        Ok(Self {
            stored: size("BENCH_STORED", 1_000_000, 20_000)?,
            events: size("BENCH_EVENTS", 500_000, 50_000)?,
            in_flight: u32::try_from(size("BENCH_IN_FLIGHT", 1_024, 1_024)?)?,
            seconds: size("BENCH_SECONDS", 20, 3)?,
            actions: usize::try_from(size("BENCH_ACTIONS", 4_000, 400)?)?,
            workspaces,
            idle_seconds: size("BENCH_IDLE_SECONDS", 30, 3)?,
            documents: usize::try_from(size("BENCH_DOCUMENTS", 200, 20)?)?,
            document_bytes: usize::try_from(size("BENCH_DOCUMENT_BYTES", 100_000, 100_000)?)?,
            edits: usize::try_from(size("BENCH_EDITS", 500, 50)?)?,
        })
    }
}

fn number(name: &str, default: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is a whole number")),
        Err(_) => Ok(default),
    }
}
