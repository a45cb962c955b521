//! The simulated `agentworkspace` of the demo: a draft, joined by its share link, in which somebody mentions the agent
//! while somebody else has it open in an editor.

use agent_bridge_sim::agentworkspace::{
    AgentId, Armed, DocumentId, DocumentType, Fault, LiveFault, Mention, MentionStatus, Peer, Sim, Suggestion, Turn,
    Verdict, World,
};
use anyhow::{Context, ensure};
use serde_json::Value;

use super::{Found, Told, is_live};
use crate::cli::demo::bridge::{Bridge, LOOK, READY};
use crate::cli::demo::echo::Answer;
use crate::cli::demo::trip::{Revision, traced};
use crate::cli::show::text;

/// The agent's name there.
const AGENT: &str = "Atlas";
/// Who mentions it.
const PERSON: &str = "Pierre";
/// Who has the draft open meanwhile.
const WITNESS: &str = "Anna";
/// What the platform is shown of an agent that is handed a mention, acts and is done.
const SHOWN: [&str; 3] = ["reading", "acting", "completed"];

/// The way by which the bridge hears of mentions here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// No webhook is set: the bridge asks.
    Poll,
    /// Webhooks are sent.
    Webhook,
}

/// The platform, its draft, and the editor of a second person.
pub struct Agentworkspace {
    sim: Sim,
    way: Way,
    agent: AgentId,
    draft: DocumentId,
    witness: Peer,
}

impl Agentworkspace {
    /// With an agent on it, and a draft that somebody has open. It listens already.
    pub async fn new(sim: Sim, way: Way) -> anyhow::Result<Self> {
        let agent = sim.agent(AGENT);
        let draft =
            sim.document(&agent, "Trip to Italy", DocumentType::Draft, "The majority of travellers fly to Rome.");
        let witness = sim.opens(&draft, WITNESS).await.context("the draft cannot be opened")?;
        Ok(Self { sim, way, agent, draft, witness })
    }

    pub async fn join(&self, bridge: &Bridge, name: &str) -> anyhow::Result<&'static str> {
        let link = self.sim.share_link(&self.sim.share(&self.draft));
        let display_name = format!("display_name={AGENT}");
        let mut join = vec!["join", "agentworkspace", &link, "--as", name, "--set", &display_name];
        if self.way == Way::Webhook {
            join.extend(["--secret", "webhook_secret=-"]);
        }
        bridge.ask_given(&join, &self.sim.webhook_secret(&self.agent)).await?;
        let open = async {
            loop {
                let status = bridge.ask(&["status", name, "--json"]).await?;
                if is_live(&status)? {
                    return anyhow::Ok(status);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let status = tokio::time::timeout(READY, open).await.context("the workspace did not connect in time")??;
        if self.way == Way::Webhook {
            let status: Value = serde_json::from_str(&status).context("`status --json` prints JSON")?;
            let url = status["workspaces"][0]["webhook_url"].as_str().context("there is no URL for webhooks")?;
            self.sim.set_webhook(&self.agent, Some(url));
        }
        Ok("by a draft's share link")
    }

    /// Takes what the agent has suggested until now, then mentions it.
    pub fn say(&self, text: &str) {
        let open = |it: &&Suggestion| it.document == self.draft && it.verdict == Verdict::Pending;
        let open = self.sim.look(|world| world.suggestions().filter(open).map(|it| it.id.clone()).collect::<Vec<_>>());
        for suggestion in open {
            self.sim.decide(&suggestion, true);
        }
        self.sim.mention(PERSON, &self.draft, AGENT, &format!("@{AGENT} {text}"));
    }

    pub fn lose(&self) {
        let route = "POST /api/share/{token}/suggest".to_owned();
        self.sim.arm(Armed { route, after: 0, count: u32::MAX, fault: Fault::RequestLost });
        self.sim.arm_live(Turn::always(LiveFault::LoseUpdate));
    }

    /// The agent has appeared: it is shown as reading.
    pub async fn handed(&self, event: &Value) -> anyhow::Result<()> {
        let mention = mention_of(event)?;
        self.comes("the agent's presence", |world| presence(world, mention).iter().any(|it| it == SHOWN[0])).await
    }

    /// Whether all of it happened, by the books of the platform and the bridge's trace; each step that is missing has its words.
    pub async fn prove(&self, told: &Told<'_>, bridge: &Bridge) -> anyhow::Result<Found> {
        let mention = mention_of(told.event)?;
        let [edit, suggest] = told.answers else {
            anyhow::bail!("the agent has not answered with an edit and a suggestion")
        };
        self.seen(edit).await?;
        let suggestion = self.sim.look(|world| {
            let own = |it: &&Suggestion| it.document == self.draft && it.author == AGENT;
            let mut own = world.suggestions().filter(own);
            own.find(|it| it.search.contains(told.nonce) && it.replacement == suggest.text).map(|it| it.id.clone())
        });
        let remote_id = suggestion.context("the platform has no such suggestion of the agent")?;
        let is_done = |it: &Mention| it.id == mention && it.status == MentionStatus::Done;
        self.comes("`done` for the mention", |world| world.mentions().any(is_done)).await?;
        let shown = |world: &World| presence(world, mention) == SHOWN;
        let came = self.comes("the whole of the agent's presence", shown).await;
        let presence = self.sim.look(|world| presence(world, mention));
        came.with_context(|| format!("it was shown as {}", presence.join(", ")))?;
        self.came_by_its_way(mention, told.via)?;
        let done = marked(bridge, told.event_id).await?;
        let (mention, suggest) = (mention.to_owned(), suggest.action.clone());
        Ok(Found { remote_id, revision: Some(Revision { mention, seen_by: WITNESS, suggest, done, presence }) })
    }

    /// The agent was met in the document, and what it wrote over a line of its own was seen in an editor that is not its own.
    async fn seen(&self, edit: &Answer) -> anyhow::Result<()> {
        let went = text(&edit.receipt, "went");
        ensure!(went == "edited", "the edit went out as `{went}` and not live");
        let met = tokio::time::timeout(READY, self.witness.sees(|view| view.met.contains(AGENT))).await;
        ensure!(met.unwrap_or(false), "{WITNESS} has not met the agent in the document: {:?}", self.witness.view());
        let seen = tokio::time::timeout(READY, self.witness.sees(|view| view.text.contains(&edit.text))).await;
        ensure!(seen.unwrap_or(false), "{WITNESS} has not seen the edit in an editor: {:?}", self.witness.view());
        let wrote = self.sim.look(|world| world.lines().any(|line| line.name == AGENT && line.updates > 0));
        ensure!(wrote, "the platform's books have no live edit of the agent");
        Ok(())
    }

    /// A mention that is read by itself, or because a webhook told of it: then the interval is too long for any other cause.
    fn came_by_its_way(&self, mention: &str, via: &str) -> anyhow::Result<()> {
        ensure!(via == "poll", "the mention came by `{via}` and not by `poll`");
        let sent = self.sim.deliveries();
        let shown = match self.way {
            Way::Poll => sent.is_empty(),
            Way::Webhook => sent.iter().any(|it| it.mention == mention && it.status == Some(204)),
        };
        ensure!(shown, "the platform's books do not show that the mention came by {:?}: {sent:?}", self.way);
        Ok(())
    }

    /// Waits until the platform's books have this.
    async fn comes(&self, what: &str, condition: impl FnMut(&World) -> bool) -> anyhow::Result<()> {
        let came = tokio::time::timeout(READY, self.sim.wait_for(condition)).await;
        came.with_context(|| format!("the platform has not come to {what} in time"))
    }
}

fn mention_of(event: &Value) -> anyhow::Result<&str> {
    event["data"]["message"]["id"].as_str().context("the event names no mention")
}

/// What was shown of the agent since it was mentioned, each change once.
fn presence(world: &World, mention: &str) -> Vec<String> {
    let Some(mention) = world.mentions().find(|it| it.id == mention) else { return Vec::new() };
    let own = world.presences().filter(|it| it.document == mention.document && it.name == AGENT);
    let mut states: Vec<_> = own.filter(|it| it.at >= mention.created).map(|it| it.status.clone()).collect();
    states.dedup();
    states
}

/// The action that marked the mention as done, which the bridge does by itself: its trace names it behind the agent's own,
/// and each of them confirmed.
async fn marked(bridge: &Bridge, event_id: &str) -> anyhow::Result<String> {
    let settled = async {
        loop {
            let steps = traced(bridge, event_id).await?;
            if let Some(done) = confirmed(&steps) {
                return anyhow::Ok(done);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let done = tokio::time::timeout(READY, settled).await;
    done.context("the bridge's trace does not show edit, suggestion and mark, each confirmed")?
}

/// The last of three actions, where all of them are confirmed.
fn confirmed(steps: &[Value]) -> Option<String> {
    let ids = ["document.edit", "suggest", "mention.done"].map(|verb| {
        let accepted = steps.iter().find(|step| step["what"] == "accepted" && step["verb"] == verb)?;
        let its = |step: &&Value| step["what"] == "settled" && step["who"] == accepted["who"];
        let settled = steps.iter().find(its).filter(|step| step["state"] == "confirmed")?;
        settled["who"].as_str().map(str::to_owned)
    });
    let [Some(_), Some(_), done] = ids else { return None };
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mark_counts_behind_an_edit_and_a_suggestion_that_are_confirmed() {
        let steps = |states: [&str; 3]| {
            let verbs = ["document.edit", "suggest", "mention.done"].into_iter().zip(states);
            let of = |(verb, state): (&str, &str)| {
                [
                    json!({ "what": "accepted", "who": format!("act_{verb}"), "verb": verb }),
                    json!({ "what": "settled", "who": format!("act_{verb}"), "state": state }),
                ]
            };
            verbs.flat_map(of).collect::<Vec<_>>()
        };
        let all = steps(["confirmed"; 3]);
        assert_eq!(confirmed(&all).as_deref(), Some("act_mention.done"));
        for missing in 0..all.len() {
            let rest: Vec<_> =
                all.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, it)| it.clone()).collect();
            assert_eq!(confirmed(&rest), None, "without {}", all[missing]);
        }
        for failed in 0..3 {
            let mut states = ["confirmed"; 3];
            states[failed] = "failed";
            assert_eq!(confirmed(&steps(states)), None, "{states:?}");
        }
    }
}
