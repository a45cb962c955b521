//! The simulated `speakeasy` of the demo: joined with the approval of a person there, who then talks to the agent.

use agent_bridge_sim::speakeasy::{Approval, Armed, CableFault, Fate, Fault, Options, Sim, Turn, World};
use anyhow::{Context, bail, ensure};

use super::{Told, is_live};
use crate::cli::demo::bridge::{Bridge, LOOK, READY};

/// Who lets the agent in, and talks to it.
const OWNER: &str = "pierre@speakeasy.example";

/// The way by which the bridge hears of events here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The cable is open, no webhook is sent.
    Cable,
    /// Neither: the bridge asks.
    Poll,
    /// The cable is refused, webhooks are sent.
    Webhook,
}

/// The platform, and the way that it leaves open.
pub struct Speakeasy {
    sim: Sim,
    way: Way,
}

impl Speakeasy {
    /// As the platform was met, but that the person approves at once.
    pub fn options() -> Options {
        Options { approval: Approval::AtOnce, ..Options::default() }
    }

    /// With somebody on it who lets agents in.
    pub fn new(sim: Sim, way: Way) -> Self {
        sim.person(OWNER, "Pierre");
        sim.enable_discovery(OWNER);
        if way != Way::Cable {
            sim.arm_cable(Turn::always(CableFault::Refuse { status: 404 }));
        }
        Self { sim, way }
    }

    pub async fn join(&self, bridge: &Bridge, name: &str, url: &str) -> anyhow::Result<&'static str> {
        bridge.ask(&["join", "speakeasy", url, "--as", name, "--handle", OWNER]).await?;
        let open = async {
            // Live: the log was read to its end, so that what is said from now on is new.
            while !is_live(&bridge.ask(&["status", name, "--json"]).await?)? {
                tokio::time::sleep(LOOK).await;
            }
            if self.way == Way::Cable {
                self.sim.wait_for(|world| world.subscribed() > 0).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(READY, open).await.context("the workspace did not connect in time")??;
        Ok("with the approval of a person there")
    }

    pub fn say(&self, text: &str) {
        if let Some(grant) = self.sim.newest_grant() {
            let topic = self.sim.direct_topic(OWNER, &self.sim.agent(grant));
            self.sim.say(OWNER, topic, text);
        }
    }

    pub fn has(&self, id: &str, words: &str) -> bool {
        self.sim.chats_by_agents().iter().any(|chat| chat.id.to_string() == id && chat.plain.contains(words))
    }

    pub fn lose(&self) {
        let route = "POST /agent/topics/{topic_id}/chats".to_owned();
        self.sim.arm(Armed { route, after: 0, count: u32::MAX, fault: Fault::RequestLost });
    }

    /// Compares what the bridge says of an event's way with the platform's own books.
    pub async fn prove(&self, told: &Told<'_>) -> anyhow::Result<()> {
        let raw = &told.event["data"]["raw"]["event_id"];
        let event = raw.as_u64().with_context(|| format!("the event names no id of the platform: {raw}"))?;
        if self.way == Way::Webhook {
            // The platform is answered once the event is committed, which may be a moment after the agent has it.
            let over = |world: &World| world.deliveries().any(|sent| sent.event == event && sent.fate != Fate::Pending);
            let answered = tokio::time::timeout(READY, self.sim.wait_for(over)).await;
            answered.context("the platform has had no answer to its webhook")?;
        }
        let books = self.sim.look(|world| Books::of(world, event));
        books.show(self.way, told.via)
    }
}

/// What the platform itself noted about its push side and one event.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each of them asked for by itself")]
struct Books {
    /// A cable was ever opened.
    cable: bool,
    /// The event went over one.
    cabled: bool,
    /// Any webhook was ever due.
    hooks: bool,
    /// The event's own webhook was answered 204.
    hooked: bool,
}

impl Books {
    fn of(world: &World, event: u64) -> Self {
        let mut sent = world.cables().flat_map(|cable| cable.subscriptions.values());
        let mut of_event = world.deliveries().filter(|delivery| delivery.event == event);
        Self {
            cable: world.cables().next().is_some(),
            cabled: sent.any(|subscription| subscription.sent.contains(&event)),
            hooks: world.deliveries().next().is_some(),
            hooked: of_event.any(|sent| sent.attempts.iter().any(|attempt| attempt.status == Some(204))),
        }
    }

    /// Whether an event took this way and could have taken no other. A webhook is a hint: what it tells of is read from the
    /// log, so the bridge says `poll` of it, and it is the log's long interval that leaves no other cause.
    fn show(self, way: Way, via: &str) -> anyhow::Result<()> {
        let (expected, proven) = match way {
            Way::Cable => ("action_cable", self.cabled && !self.hooks),
            Way::Poll => ("poll", !self.cable && !self.hooks),
            Way::Webhook => ("poll", self.hooked && !self.cable),
        };
        ensure!(via == expected, "the event came by `{via}` and not by `{expected}`");
        if !proven {
            bail!("the platform's books do not show that the event came by {way:?}: {self:?}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Books = Books { cable: false, cabled: false, hooks: false, hooked: false };
    const BY_CABLE: Books = Books { cable: true, cabled: true, ..NOTHING };
    const BY_WEBHOOK: Books = Books { hooks: true, hooked: true, ..NOTHING };

    #[test]
    fn each_way_is_shown_by_its_own_books_alone() {
        for (way, via, books) in
            [(Way::Cable, "action_cable", BY_CABLE), (Way::Poll, "poll", NOTHING), (Way::Webhook, "poll", BY_WEBHOOK)]
        {
            assert!(books.show(way, via).is_ok(), "{way:?}");
            for (other, wrong) in [(Way::Cable, BY_CABLE), (Way::Poll, NOTHING), (Way::Webhook, BY_WEBHOOK)] {
                assert!(other == way || wrong.show(way, via).is_err(), "{way:?} by the books of {other:?}");
            }
            let both = Books { cable: true, cabled: true, hooks: true, hooked: true };
            assert!(both.show(way, via).is_err(), "{way:?}, where the event could have come both ways");
        }
    }

    #[test]
    fn what_the_bridge_says_of_the_way_must_fit() {
        assert!(BY_CABLE.show(Way::Cable, "poll").is_err());
        assert!(NOTHING.show(Way::Poll, "action_cable").is_err());
        assert!(BY_WEBHOOK.show(Way::Webhook, "action_cable").is_err());
    }

    #[test]
    fn a_webhook_that_was_not_answered_shows_nothing() {
        assert!(Books { hooked: false, ..BY_WEBHOOK }.show(Way::Webhook, "poll").is_err());
    }
}
