//! The simulated `agentunited` of the demo: joined by an invite link, met in a channel.

use agent_bridge_sim::agentunited::{Armed, Fault, Sim};
use anyhow::Context;

use crate::cli::demo::bridge::{Bridge, READY};

/// The platform, and where people and the agent meet.
pub struct Agentunited {
    sim: Sim,
    room: String,
}

impl Agentunited {
    /// With somebody on it, and a channel.
    pub fn new(sim: Sim) -> Self {
        sim.person("Pierre");
        let room = sim.channel("general");
        Self { sim, room }
    }

    pub async fn join(&self, bridge: &Bridge, name: &str) -> anyhow::Result<&'static str> {
        bridge.ask(&["join", "agentunited", &self.sim.invite(None), "--as", name]).await?;
        // A line is open once the platform says so; what is said before counts as history from before the first connect.
        let open = self.sim.wait_for(|world| world.stream_count() > 0);
        tokio::time::timeout(READY, open).await.context("the workspace did not connect in time")?;
        Ok("by its invite link")
    }

    pub fn say(&self, text: &str) {
        self.sim.say(&self.sim.person("Pierre"), &self.room, text);
    }

    pub fn has(&self, id: &str, words: &str) -> bool {
        self.sim.history(&self.room).iter().any(|message| message.id == id && message.text.contains(words))
    }

    pub fn lose(&self) {
        let route = "POST /channels/{id}/messages".to_owned();
        self.sim.arm(Armed { route, after: 0, count: u32::MAX, fault: Fault::RequestLost });
    }
}
