//! A person who talks to the agent that is newest in the chat, so that anyone can try one without an account.

use std::{convert::Infallible, time::Duration};

use super::{
    Sim,
    record::{OriginSource, Receiver, USER},
    world::World,
};

/// What the person says, in turn.
const LINES: [&str; 4] = [
    "Hello! Are you there?",
    "Could you sum up what we said so far?",
    "What time is it where you are?",
    "Thanks. I will be back in a moment.",
];
/// What the person says to an agent that has said something meanwhile.
const ANSWER: &str = "Understood, thank you.";

/// Waits for an agent to be in the chat, then says something to it every so often. One line a turn, also as an answer:
/// an agent that answers everything is not driven.
pub(super) async fn talk(sim: &Sim, every: Duration) -> Infallible {
    let office = sim.office();
    let (mut said, mut heard) = (0, 0);
    loop {
        let agent = sim.wait_some(|world| newest(world, &office)).await;
        let by_agents = sim.look(|world| world.sent().filter(|it| it.to == Receiver::Direct(USER.into())).count());
        if by_agents > heard {
            heard = by_agents;
            sim.say(USER, &agent, ANSWER);
        } else {
            sim.say(USER, &agent, LINES[said % LINES.len()]);
            said += 1;
        }
        tokio::time::sleep(every.max(Duration::from_millis(100))).await;
    }
}

fn newest(world: &World, office: &str) -> Option<String> {
    let joined = world.office(office)?.agents(OriginSource::External);
    joined.filter(|it| it.chat).last().map(|it| it.name.clone())
}
