//! The simulated platform in a process of its own: this program again, told over its standard input.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use agent_bridge_sim::agentunited::{Burst, Options, Sim};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plain_http;

/// Messages one by one, each stamped right before it is emitted.
#[derive(Serialize, Deserialize)]
pub struct Paced {
    /// The room.
    pub channel: String,
    /// How many.
    pub count: u64,
    /// How many a second.
    pub rate: u64,
    /// What they are made from.
    pub seed: u32,
    /// The length of each text.
    pub bytes: usize,
}

/// The child: serves until its standard input ends; each line there is a [`Paced`], answered with its stamps.
pub fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let options = Options { log: 0, ..Options::documented() };
        let (sim, serving) = agent_bridge_sim::run_agentunited(options, 0).await?;
        println!("{}", serving.addr());
        let (to, mut lines) = tokio::sync::mpsc::channel(1);
        std::thread::spawn(move || {
            std::io::stdin().lines().map_while(Result::ok).try_for_each(|it| to.blocking_send(it))
        });
        while let Some(line) = lines.recv().await {
            let stamps = emit(&sim, &serde_json::from_str(&line)?).await;
            println!("{}", serde_json::to_string(&stamps)?);
        }
        anyhow::Ok(())
    })
}

/// Emits at the right times; what is late by the timer is stamped late, too, so that only the bridge is measured.
async fn emit(sim: &Sim, paced: &Paced) -> Vec<u64> {
    let begun = Instant::now();
    let mut stamps = Vec::new();
    for n in 0..paced.count {
        let due = begun + Duration::from_nanos(1_000_000_000 / paced.rate * n);
        // The runtime's timer counts whole milliseconds; a thread's sleep is finer, and nothing else runs meanwhile
        // but the streams, which have a thread of their own.
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let burst = Burst {
            channel: paced.channel.clone(),
            count: 1,
            bytes: paced.bytes,
            rate_per_s: None,
            seed: paced.seed,
            first: n,
        };
        stamps.push(now());
        sim.burst(&burst).await;
    }
    stamps
}

/// Wall time in nanoseconds: the one clock that two processes share through the standard library.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The parent's end.
pub struct Platform {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    address: String,
}

impl Platform {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("--platform").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take().context("its standard output")?);
        let mut platform = Self { child, to, from: BufReader::new(from), address: String::new() };
        platform.line()?.trim().clone_into(&mut platform.address);
        Ok(platform)
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A new room that all who join later hear.
    pub fn room(&self, name: &str) -> anyhow::Result<String> {
        let answer = plain_http::post(&self.address, "/_sim/channel", &json!({ "name": name }))?;
        Ok(answer["channel"].as_str().context("a channel")?.to_owned())
    }

    /// Emits `count` messages of `bytes` into a room as fast as the streams take them; returns when they did.
    pub fn burst(&self, room: &str, seed: u32, count: u64, bytes: usize) -> anyhow::Result<()> {
        let burst = json!({ "channel": room, "count": count, "bytes": bytes, "seed": seed });
        plain_http::post(&self.address, "/_sim/burst", &burst).map(drop)
    }

    /// Everything the platform has.
    pub fn state(&self) -> anyhow::Result<Value> {
        plain_http::get(&self.address, "/_sim/state")
    }

    /// Starts emitting at a rate; [`Platform::stamps`] waits for the end.
    pub fn pace(&mut self, paced: &Paced) -> anyhow::Result<()> {
        let to = self.to.as_mut().context("its standard input")?;
        writeln!(to, "{}", serde_json::to_string(paced)?)?;
        Ok(to.flush()?)
    }

    /// When each was emitted.
    pub fn stamps(&mut self) -> anyhow::Result<Vec<u64>> {
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        drop(self.to.take());
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
