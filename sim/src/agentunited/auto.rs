//! A person who talks by itself, so that anyone can try an agent without an account.

use std::{convert::Infallible, time::Duration};

use tokio::time::{Instant, MissedTickBehavior};

use super::{Sim, world::RoomId};

/// What the person says, in turn.
const LINES: [&str; 4] = [
    "Hello! Are you there?",
    "Could you sum up what we said so far?",
    "What time is it where you are?",
    "Thanks. I will be back in a moment.",
];

/// Waits for an agent to join, then says something every so often and answers what it says.
pub(super) async fn talk(sim: &Sim, every: Duration) -> Infallible {
    let person = sim.person("Pierre");
    let room = sim.channel("general");
    sim.wait_for(|world| world.stream_count() > 0).await;
    // An agent that is still reading its rooms hears the first line all the same.
    let mut clock = tokio::time::interval_at(Instant::now(), every.max(Duration::from_millis(100)));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut said, mut seen) = (0, 0);
    loop {
        tokio::select! {
            _ = clock.tick() => {
                sim.say(&person, &room, LINES[said % LINES.len()]);
                said += 1;
            }
            news = after(sim, seen) => {
                let (last, rooms) = news;
                seen = last;
                for room in rooms {
                    let author = if room.1 { sim.primary() } else { person.clone() };
                    sim.say(&author, &room.0, "Understood, thank you.");
                }
            }
        }
    }
}

/// Waits for messages of an agent after a place; the rooms they are in, and whether each is a DM.
async fn after(sim: &Sim, seen: u64) -> (u64, Vec<(RoomId, bool)>) {
    sim.wait_some(|world| {
        let news: Vec<_> = world.messages_by_agent().into_iter().filter(|it| it.seq > seen).collect();
        let last = news.last()?.seq;
        let rooms = news.into_iter().map(|it| {
            let dm = world.rooms.get(&it.channel_id).is_some_and(|room| room.dm);
            (it.channel_id, dm)
        });
        Some((last, rooms.collect()))
    })
    .await
}
