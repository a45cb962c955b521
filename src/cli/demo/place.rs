//! One simulated platform of the demo: what the demo does there is the same for all of them.

mod agentunited;
mod agentworkspace;
mod office;
mod speakeasy;

use agent_bridge_sim::serve::Serving;
use anyhow::{Context, ensure};
use serde_json::Value;

use super::bridge::Bridge;
use super::echo::Answer;
use super::trip::Revision;
use agentunited::Agentunited;
use agentworkspace::Agentworkspace;
use office::Office;
use speakeasy::{Speakeasy, Way};

/// What a joined workspace is called where documents are edited; elsewhere it is called as its dialect.
const DRAFTS: &str = "drafts";

/// One simulated platform and the workspace that is joined there.
pub struct Place {
    /// The platform's name.
    pub platform: &'static str,
    /// Which of its dialects it speaks.
    pub dialect: &'static str,
    /// What the workspace is called there.
    pub workspace: &'static str,
    there: There,
    serving: Serving,
}

enum There {
    Agentunited(Agentunited),
    Speakeasy(Speakeasy),
    Agentworkspace(Agentworkspace),
    Office(Office),
}

/// What a trip left behind, for the question which way it went.
pub struct Told<'a> {
    /// The event.
    pub event: &'a Value,
    /// Its id.
    pub event_id: &'a str,
    /// The kind of line that brought it first, as `agent-bridge trace` has it.
    pub via: &'a str,
    /// What the agent did, each confirmed.
    pub answers: &'a [Answer],
    /// Words that were said in this trip alone.
    pub nonce: &'a str,
}

/// What was found on the platform.
pub struct Found {
    /// The answer's id there.
    pub remote_id: String,
    /// What happened in a document.
    pub revision: Option<Revision>,
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

    /// The platform of documents where no webhook is set.
    pub async fn agentworkspace_by_polling() -> anyhow::Result<Self> {
        Self::agentworkspace("poll", agentworkspace::Way::Poll).await
    }

    /// The platform of documents that sends webhooks.
    pub async fn agentworkspace_by_webhook() -> anyhow::Result<Self> {
        Self::agentworkspace("webhook", agentworkspace::Way::Webhook).await
    }

    /// The office where somebody talks to everybody.
    pub async fn office_in_its_group() -> anyhow::Result<Self> {
        Self::office("group", office::Way::Group).await
    }

    /// The office where somebody talks to the agent alone.
    pub async fn office_in_person() -> anyhow::Result<Self> {
        Self::office("direct", office::Way::Direct).await
    }

    async fn agentunited(
        dialect: &'static str,
        options: agent_bridge_sim::agentunited::Options,
    ) -> anyhow::Result<Self> {
        let served = agent_bridge_sim::run_agentunited(options, 0).await;
        let (sim, serving) = served.context("a simulated platform cannot listen")?;
        let there = There::Agentunited(Agentunited::new(sim));
        Ok(Self { platform: "agentunited", dialect, workspace: dialect, there, serving })
    }

    async fn speakeasy(dialect: &'static str, way: Way) -> anyhow::Result<Self> {
        let served = agent_bridge_sim::run_speakeasy(Speakeasy::options(), 0).await;
        let (sim, serving) = served.context("a simulated platform cannot listen")?;
        let there = There::Speakeasy(Speakeasy::new(sim, way));
        Ok(Self { platform: "speakeasy", dialect, workspace: dialect, there, serving })
    }

    async fn agentworkspace(dialect: &'static str, way: agentworkspace::Way) -> anyhow::Result<Self> {
        let served =
            agent_bridge_sim::run_agentworkspace(agent_bridge_sim::agentworkspace::Options::default(), 0).await;
        let (sim, serving) = served.context("a simulated platform cannot listen")?;
        let there = There::Agentworkspace(Agentworkspace::new(sim, way).await?);
        Ok(Self { platform: "agentworkspace", dialect, workspace: DRAFTS, there, serving })
    }

    async fn office(dialect: &'static str, way: office::Way) -> anyhow::Result<Self> {
        let served = agent_bridge_sim::run_office(agent_bridge_sim::office::Options::default(), 0).await;
        let (sim, serving) = served.context("a simulated platform cannot listen")?;
        let there = There::Office(Office::new(sim, way));
        Ok(Self { platform: "office", dialect, workspace: dialect, there, serving })
    }

    /// Platform and dialect, for people.
    pub fn title(&self) -> String {
        format!("{} ({})", self.platform, self.dialect)
    }

    /// Its origin.
    pub fn url(&self) -> String {
        self.serving.url()
    }

    /// Joins it as [`Place::workspace`] and waits until what is said there is told; how it was joined, for people.
    pub async fn join(&self, bridge: &Bridge) -> anyhow::Result<&'static str> {
        match &self.there {
            There::Agentunited(there) => there.join(bridge, self.workspace).await,
            There::Speakeasy(there) => there.join(bridge, self.workspace, &self.url()).await,
            There::Agentworkspace(there) => there.join(bridge, self.workspace).await,
            There::Office(there) => there.join(bridge, self.workspace, &self.url()).await,
        }
    }

    /// Somebody there says something to the agent.
    pub fn say(&self, text: &str) {
        match &self.there {
            There::Agentunited(there) => there.say(text),
            There::Speakeasy(there) => there.say(text),
            There::Agentworkspace(there) => there.say(text),
            There::Office(there) => there.say(text),
        }
    }

    /// From now on it loses every message that the agent posts.
    pub fn lose(&self) {
        match &self.there {
            There::Agentunited(there) => there.lose(),
            There::Speakeasy(there) => there.lose(),
            There::Agentworkspace(there) => there.lose(),
            There::Office(there) => there.lose(),
        }
    }

    /// The agent has been handed this event: what the platform shows of that must be there before it answers.
    pub async fn handed(&self, event: &Value) -> anyhow::Result<()> {
        match &self.there {
            There::Agentunited(_) | There::Speakeasy(_) | There::Office(_) => Ok(()),
            There::Agentworkspace(there) => there.handed(event).await,
        }
    }

    /// What the platform has of the answers; fails where one is missing, or where the event did not take the way that this
    /// dialect stands for.
    pub async fn prove(&self, told: &Told<'_>, bridge: &Bridge) -> anyhow::Result<Found> {
        match &self.there {
            // Its dialects differ in what the stream says, not in the way of an event.
            There::Agentunited(there) => told.message(|id| there.has(id, told.nonce)),
            There::Speakeasy(there) => {
                let found = told.message(|id| there.has(id, told.nonce))?;
                there.prove(told).await?;
                Ok(found)
            }
            There::Agentworkspace(there) => there.prove(told, bridge).await,
            There::Office(there) => {
                let found = told.message(|id| there.has(id, told.nonce))?;
                there.prove(told)?;
                Ok(found)
            }
        }
    }

    /// Stops it.
    pub async fn stop(self) {
        self.serving.stop().await;
    }
}

impl Told<'_> {
    /// The message that the agent answered with, where the platform has it under the receipt's id.
    fn message(&self, has: impl FnOnce(&str) -> bool) -> anyhow::Result<Found> {
        let receipt = &self.answers.first().context("the event was not answered")?.receipt;
        let remote_id = receipt["remote_ids"][0].as_str().with_context(|| format!("the receipt is {receipt}"))?;
        ensure!(has(remote_id), "the platform has no message {remote_id} with the answer");
        Ok(Found { remote_id: remote_id.to_owned(), revision: None })
    }
}

/// Whether the one workspace of a `status --json` is live.
fn is_live(status: &str) -> anyhow::Result<bool> {
    let status: Value = serde_json::from_str(status).context("`status --json` prints JSON")?;
    Ok(status["workspaces"][0]["live"] == true)
}
