//! One simulated platform of the demo: what the demo does there is the same for all of them.

mod agentunited;
mod speakeasy;

use agent_bridge_sim::serve::Serving;
use anyhow::Context;
use serde_json::Value;

use super::bridge::Bridge;
use agentunited::Agentunited;
use speakeasy::{Speakeasy, Way};

/// One simulated platform and the workspace that is joined there.
pub struct Place {
    /// The platform's name.
    pub platform: &'static str,
    /// Which of its dialects it speaks; the workspace's name, too.
    pub dialect: &'static str,
    there: There,
    serving: Serving,
}

enum There {
    Agentunited(Agentunited),
    Speakeasy(Speakeasy),
}

/// What a trip left behind, for the question which way it went.
pub struct Told<'a> {
    /// The event.
    pub event: &'a Value,
    /// The kind of line that brought it first, as `agent-bridge trace` has it.
    pub via: &'a str,
}

impl Place {
    /// The platform with event ids and a replay.
    pub async fn agentunited_documented() -> anyhow::Result<Self> {
        Self::agentunited("documented", agent_bridge_sim::agentunited::Options::documented()).await
    }

    /// The platform as it was met.
    pub async fn agentunited_observed() -> anyhow::Result<Self> {
        Self::agentunited("observed", agent_bridge_sim::agentunited::Options::default()).await
    }

    /// The platform whose cable tells of everything.
    pub async fn speakeasy_by_cable() -> anyhow::Result<Self> {
        Self::speakeasy("cable", Way::Cable).await
    }

    /// The platform that refuses the cable and is told of no webhook.
    pub async fn speakeasy_by_polling() -> anyhow::Result<Self> {
        Self::speakeasy("poll", Way::Poll).await
    }

    /// The platform that refuses the cable and sends webhooks.
    pub async fn speakeasy_by_webhook() -> anyhow::Result<Self> {
        Self::speakeasy("webhook", Way::Webhook).await
    }

    async fn agentunited(
        dialect: &'static str,
        options: agent_bridge_sim::agentunited::Options,
    ) -> anyhow::Result<Self> {
        let served = agent_bridge_sim::run_agentunited(options, 0).await;
        let (sim, serving) = served.context("a simulated platform cannot listen")?;
        Ok(Self { platform: "agentunited", dialect, there: There::Agentunited(Agentunited::new(sim)), serving })
    }

    async fn speakeasy(dialect: &'static str, way: Way) -> anyhow::Result<Self> {
        let served = agent_bridge_sim::run_speakeasy(Speakeasy::options(), 0).await;
        let (sim, serving) = served.context("a simulated platform cannot listen")?;
        Ok(Self { platform: "speakeasy", dialect, there: There::Speakeasy(Speakeasy::new(sim, way)), serving })
    }

    /// Platform and dialect, for people.
    pub fn title(&self) -> String {
        format!("{} ({})", self.platform, self.dialect)
    }

    /// Its origin.
    pub fn url(&self) -> String {
        self.serving.url()
    }

    /// Joins it as [`Place::dialect`] and waits until what is said there is told; how it was joined, for people.
    pub async fn join(&self, bridge: &Bridge) -> anyhow::Result<&'static str> {
        match &self.there {
            There::Agentunited(there) => there.join(bridge, self.dialect).await,
            There::Speakeasy(there) => there.join(bridge, self.dialect, &self.url()).await,
        }
    }

    /// Somebody there says something to the agent.
    pub fn say(&self, text: &str) {
        match &self.there {
            There::Agentunited(there) => there.say(text),
            There::Speakeasy(there) => there.say(text),
        }
    }

    /// Whether a message with this id and these words stands there.
    pub fn has(&self, id: &str, words: &str) -> bool {
        match &self.there {
            There::Agentunited(there) => there.has(id, words),
            There::Speakeasy(there) => there.has(id, words),
        }
    }

    /// From now on it loses every message that the agent posts.
    pub fn lose(&self) {
        match &self.there {
            There::Agentunited(there) => there.lose(),
            There::Speakeasy(there) => there.lose(),
        }
    }

    /// Fails where an event did not take the way that this dialect stands for.
    pub async fn prove(&self, told: &Told<'_>) -> anyhow::Result<()> {
        match &self.there {
            // Its dialects differ in what the stream says, not in the way of an event.
            There::Agentunited(_) => Ok(()),
            There::Speakeasy(there) => there.prove(told).await,
        }
    }

    /// Stops it.
    pub async fn stop(self) {
        self.serving.stop().await;
    }
}
