//! A person who talks to the agent that was let in last, so that anyone can try one without an account.

use std::{convert::Infallible, time::Duration};

use super::{
    Sim,
    record::{ChatId, GrantId, TopicId},
    world::World,
};

/// What the person says, in turn.
const LINES: [&str; 4] = [
    "Hello! Are you there?",
    "Could you sum up what we said so far?",
    "What **time** is it where you are?",
    "Thanks. I will be back in a moment.",
];
/// What the person says to an agent that has said something meanwhile.
const ANSWER: &str = "Understood, thank you.";

/// Waits for an agent to be let in, opens a topic with it, then says something every so often; a new agent gets a new
/// topic. One line a turn, also as an answer: an agent that answers everything is not driven.
pub(super) async fn talk(sim: &Sim, every: Duration) -> Infallible {
    let mut met: Option<(GrantId, TopicId)> = None;
    let (mut said, mut heard) = (0, 0);
    loop {
        let newest =
            |world: &World| world.grants.values().rfind(|grant| !grant.revoked).map(|it| (it.id, it.owner.clone()));
        let (grant, owner) = sim.wait_some(newest).await;
        let topic = match met {
            Some((known, topic)) if known == grant => topic,
            _ => sim.topic("Planning", &[&owner, &sim.agent(grant)]),
        };
        met = Some((grant, topic));
        let last = last_by_agent(sim, topic);
        if last > heard {
            heard = last;
            sim.say(&owner, topic, ANSWER);
        } else {
            sim.say(&owner, topic, LINES[said % LINES.len()]);
            said += 1;
        }
        tokio::time::sleep(every.max(Duration::from_millis(100))).await;
    }
}

/// The newest chat that an agent wrote in a topic; 0 without one.
fn last_by_agent(sim: &Sim, topic: TopicId) -> ChatId {
    sim.chats_by_agents().iter().filter(|chat| chat.topic == topic).map(|chat| chat.id).max().unwrap_or(0)
}
