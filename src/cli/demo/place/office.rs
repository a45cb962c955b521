//! The simulated `office` of the demo: joined by a code, met in the office's own group or by one person alone.

use agent_bridge_sim::office::{Armed, Books, Fault, Read, Receiver, Sim};
use anyhow::{Context, ensure};

use super::{Told, is_live};
use crate::cli::demo::bridge::{Bridge, LOOK, READY};
use crate::cli::show::text;

/// The agent's name there.
const AGENT: &str = "Atlas";
/// Who talks to it.
const PERSON: &str = "Pierre";

/// Where the person talks to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In the canonical group, before everybody.
    Group,
    /// To the agent alone.
    Direct,
}

/// The platform, and where the person talks.
pub struct Office {
    sim: Sim,
    way: Way,
}

impl Office {
    /// With somebody in it.
    pub fn new(sim: Sim, way: Way) -> Self {
        sim.person(PERSON);
        Self { sim, way }
    }

    pub async fn join(&self, bridge: &Bridge, name: &str, url: &str) -> anyhow::Result<&'static str> {
        let code = self.sim.invite();
        bridge.ask(&["join", "office", url, "--as", name, "--code", &code, "--agent-name", AGENT]).await?;
        let open = async {
            while !is_live(&bridge.ask(&["status", name, "--json"]).await?)? {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(READY, open).await.context("the workspace did not connect in time")??;
        Ok("by an invite code")
    }

    pub fn say(&self, text: &str) {
        let to = match self.way {
            Way::Group => self.sim.group(),
            Way::Direct => AGENT.to_owned(),
        };
        self.sim.say(PERSON, &to, text);
    }

    /// Whether the agent sent this, with its key, to where it was asked.
    pub fn has(&self, id: &str, words: &str) -> bool {
        let to = match self.way {
            Way::Group => Receiver::Group(self.sim.group()),
            Way::Direct => Receiver::Direct(PERSON.to_owned()),
        };
        self.sim.sent().iter().any(|it| it.id == id && it.from == AGENT && it.to == to && it.body.contains(words))
    }

    pub fn lose(&self) {
        let route = "POST /api/offices/{colonyId}/xmtp".to_owned();
        self.sim.arm(Armed { route, after: 0, count: u32::MAX, fault: Fault::RequestLost });
    }

    /// The event is of this conversation, was read out of it, and nothing was read that others wrote to each other.
    pub fn prove(&self, told: &Told<'_>) -> anyhow::Result<()> {
        ensure!(told.via == "history", "the event came by `{}` and not by `history`", told.via);
        let (kind, id) = self.conversation();
        let conversation = &told.event["data"]["conversation"];
        let is = [text(conversation, "kind"), text(conversation, "id")];
        ensure!(is == [kind, &id], "the event is of the {} conversation {} and not of {kind} {id}", is[0], is[1]);
        self.sim.look(|world| shown(world.books(), self.way, &id))
    }

    /// What the bridge calls the conversation.
    fn conversation(&self) -> (&'static str, String) {
        match self.way {
            Way::Group => ("group", self.sim.group()),
            Way::Direct => ("direct", PERSON.to_owned()),
        }
    }
}

/// Whether the platform's books show that the agent has read this conversation, and nobody else's.
fn shown(books: &Books, way: Way, conversation: &str) -> anyhow::Result<()> {
    let view = match way {
        Way::Group => "group-messages",
        Way::Direct => "messages",
    };
    let read = |it: &Read| it.by == AGENT && it.view == view && it.of.iter().any(|name| name == conversation);
    ensure!(books.reads.iter().any(read), "the platform's books do not show that the agent has read {conversation}");
    ensure!(books.reads_of_others == 0, "the agent has read what others wrote to each other");
    Ok(())
}

#[cfg(test)]
mod tests {
    use agent_bridge_sim::office::Options;

    use super::*;

    #[test]
    fn what_people_say_themselves_is_no_answer_and_what_nobody_read_is_not_shown() {
        let sim = Sim::new(Options::default());
        for way in [Way::Group, Way::Direct] {
            let office = Office::new(sim.clone(), way);
            let (_, id) = office.conversation();
            let said = sim.say(AGENT, &id, "You said: hello");
            assert!(!office.has(&said, "hello"), "no key was used: {way:?}");
            assert!(sim.look(|world| shown(world.books(), way, &id)).is_err(), "{way:?}");
        }
    }
}
