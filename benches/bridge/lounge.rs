//! The simulated platform with event logs and cables in a process of its own: this program again, told over its standard
//! input.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use agent_bridge_sim::agentunited::burst_text;
use agent_bridge_sim::speakeasy::{Approval, Options, Sim, World};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plain_http;

/// Who lets the agents in, and talks to them.
const OWNER: &str = "owner@example.com";
/// Events that were said and are not written to the cable yet: well below where the simulator drops a line.
const AHEAD: u64 = 1_000;
/// Events that are said before their frames are looked at.
const AT_ONCE: u64 = 50;

/// Events as fast as the one cable takes them.
#[derive(Serialize, Deserialize)]
struct Burst {
    topic: u64,
    count: u64,
    /// The length of each text.
    bytes: usize,
}

/// The child: serves until its standard input ends; each line there is a [`Burst`], answered with the ids of its first
/// and last event when all are written.
pub fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let day = Duration::from_hours(24);
        let options = Options {
            approval: Approval::AtOnce,
            discovery_window: day,
            access_lifetime: day,
            log: 0,
            ..Options::default()
        };
        let (sim, serving) = agent_bridge_sim::run_speakeasy(options, 0).await?;
        sim.person(OWNER, "Olivia");
        sim.enable_discovery(OWNER);
        println!("{}", serving.addr());
        let (to, mut lines) = tokio::sync::mpsc::channel(1);
        std::thread::spawn(move || {
            std::io::stdin().lines().map_while(Result::ok).try_for_each(|it| to.blocking_send(it))
        });
        while let Some(line) = lines.recv().await {
            println!("{}", json!(emit(&sim, &serde_json::from_str(&line)?).await));
        }
        anyhow::Ok(())
    })
}

async fn emit(sim: &Sim, burst: &Burst) -> Option<(u64, u64)> {
    let before = sim.look(written);
    for n in 0..burst.count {
        if n % AT_ONCE == 0 {
            sim.wait_for(|world| before + n < written(world) + AHEAD).await;
        }
        sim.say(OWNER, burst.topic, &burst_text(7, n, burst.bytes));
    }
    sim.wait_for(|world| before + burst.count <= written(world)).await;
    sim.look(|world| {
        let ids: Vec<u64> = frames(world).skip(usize::try_from(before).ok()?).copied().collect();
        Some((*ids.first()?, *ids.last()?))
    })
}

/// The events of all frames so far.
fn frames(world: &World) -> impl Iterator<Item = &u64> {
    world.cables().flat_map(|line| line.subscriptions.values()).flat_map(|it| &it.sent)
}

fn written(world: &World) -> u64 {
    world.cables().flat_map(|line| line.subscriptions.values()).map(|it| it.sent.len() as u64).sum()
}

/// The parent's end.
pub struct Lounge {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    address: String,
}

impl Lounge {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("--lounge").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take().context("its standard output")?);
        let mut lounge = Self { child, to, from: BufReader::new(from), address: String::new() };
        lounge.line()?.trim().clone_into(&mut lounge.address);
        Ok(lounge)
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What `join` is told, as this workspace.
    pub fn joined_as(&self, name: &str) -> Value {
        let settings = json!({ "url": format!("http://{}", self.address), "handle": OWNER });
        json!({ "platform": "speakeasy", "name": name, "settings": settings })
    }

    /// A grant without a bridge behind it: its agent's handle and its access token.
    pub fn grant(&self) -> anyhow::Result<(String, String)> {
        let asked = json!({ "owner": OWNER, "name": "Floor" });
        let grant = plain_http::post(&self.address, "/_sim/grant", &asked)?;
        let word = |key: &str| Some(grant[key].as_str()?.to_owned());
        word("agent_handle").zip(word("access_token")).context("a grant")
    }

    /// The handle of the newest grant's agent.
    pub fn agent(&self) -> anyhow::Result<String> {
        let state = plain_http::get(&self.address, "/_sim/state")?;
        let newest = state["grants"].as_array().and_then(|grants| grants.last()).context("a grant")?;
        Ok(newest["agent_handle"].as_str().context("a handle")?.to_owned())
    }

    /// A new topic of the owner and this agent.
    pub fn topic(&self, agent: &str) -> anyhow::Result<u64> {
        let asked = json!({ "subject": "Bench", "handles": [OWNER, agent] });
        plain_http::post(&self.address, "/_sim/topic", &asked)?["topic"].as_u64().context("a topic")
    }

    /// How many cables are subscribed.
    pub fn subscribed(&self) -> anyhow::Result<u64> {
        plain_http::get(&self.address, "/_sim/push")?["subscribed"].as_u64().context("a number")
    }

    /// Starts saying things as fast as the one cable takes them; [`Lounge::said`] waits for the end.
    pub fn say(&mut self, topic: u64, count: u64, bytes: usize) -> anyhow::Result<()> {
        let to = self.to.as_mut().context("its standard input")?;
        writeln!(to, "{}", serde_json::to_string(&Burst { topic, count, bytes })?)?;
        Ok(to.flush()?)
    }

    /// The ids of the first and the last event, once all are written.
    pub fn said(&mut self) -> anyhow::Result<(u64, u64)> {
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Lounge {
    fn drop(&mut self) {
        drop(self.to.take());
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
