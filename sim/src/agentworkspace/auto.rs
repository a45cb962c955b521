//! A person who asks the agent for things in a draft and edits there, so that anyone can try one without an account.

use std::{convert::Infallible, time::Duration};

use super::{
    Sim,
    record::{DocumentId, DocumentType, MentionStatus, Verdict},
    world::World,
};

/// Who it is.
const PERSON: &str = "Pierre";
/// What the person asks for, in turn.
const ASKS: [&str; 3] = ["can you add a budget?", "is anything missing here?", "please sum it up in a sentence."];
/// What the person writes into the plan, and changes its mind about.
const DAYS: [&str; 2] = ["Two days in Rome.", "Three days in Rome."];
/// Where an agent reads what waits for it.
const LIST: &str = "/api/share/{token}/mentions";

/// Waits until an agent reads what waits for it, then does one thing every so often: takes what the agent suggests, asks
/// once nothing waits for an answer any more, else edits. Nothing piles up for an agent that does not answer.
pub(super) async fn talk(sim: &Sim, every: Duration) -> Infallible {
    sim.wait_for(|world| world.log().any(|it| it.method == "GET" && it.route == LIST && it.status == 200)).await;
    let mut asked = 0;
    let mut asks = true;
    loop {
        let (draft, agent) = sim.wait_some(newest).await;
        sim.arrives(&draft, PERSON);
        if let Some(suggestion) = sim.look(|world| suggested(world, &draft)) {
            sim.decide(&suggestion, true);
        } else if asks && !sim.look(|world| waits(world, &draft)) {
            sim.mention(PERSON, &draft, &agent, &format!("@{agent} {}", ASKS[asked % ASKS.len()]));
            asked += 1;
            asks = false;
        } else {
            sim.with(|world| world.change_mind(&draft));
            asks = true;
        }
        tokio::time::sleep(every.max(Duration::from_millis(100))).await;
    }
}

/// The newest draft, and the name of its agent.
fn newest(world: &World) -> Option<(DocumentId, String)> {
    let draft = world.documents.iter().rfind(|it| it.kind == DocumentType::Draft)?;
    Some((draft.id.clone(), world.agents.get(&draft.agent)?.name.clone()))
}

/// The oldest suggestion that nobody has decided, where its words still stand.
fn suggested(world: &World, draft: &str) -> Option<String> {
    let content = world.content(draft)?;
    let mut open = world.suggestions().filter(|it| it.document == draft && it.verdict == Verdict::Pending);
    open.find(|it| content.contains(&it.search)).map(|it| it.id.clone())
}

/// Whether the agent has yet to handle something there.
fn waits(world: &World, draft: &str) -> bool {
    world.mentions().any(|it| it.document == draft && it.status == MentionStatus::Sent)
}

impl World {
    fn change_mind(&mut self, draft: &str) {
        if !self.replace(draft, DAYS[0], DAYS[1]) && !self.replace(draft, DAYS[1], DAYS[0]) {
            self.write_paragraph(draft, DAYS[0]);
        }
    }
}
