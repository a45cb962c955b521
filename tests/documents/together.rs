//! The real bridge and two real Yjs clients at one document of a real server, each over a way that is cut again and again,
//! and a server that forgets everything in between: in the end all have the same, and in it what the agent was told is there.

mod meeting;
mod runs;

use serde_json::json;

use crate::chance::Chance;
use crate::node::here;
use meeting::{AGENT, Meeting, PEOPLE};
use runs::Runs;

/// A way is cut about so often, in steps, and for so many steps at most.
const CUT_EVERY: usize = 25;
const CUT_FOR: usize = 40;
/// Before the server goes, so many steps reach nobody but the bridge, and so for the new server nobody else has them.
const ALONE: usize = 30;
/// It is away for so many steps.
const AWAY: usize = 30;

#[tokio::test]
async fn row_40_the_bridge_and_two_clients_end_equal_in_a_plain_document() {
    end_equal("text", 2_000).await;
}

#[tokio::test]
async fn row_40_the_bridge_and_two_clients_end_equal_in_a_rich_document() {
    end_equal("fragment", 1_000).await;
}

async fn end_equal(kind: &str, steps: usize) {
    if !here() {
        return;
    }
    let mut chance = Chance::told(40);
    let mut meeting = Meeting::new(kind).await;
    meeting.person(0, json!({ "block": [0, "start"] })).await;
    meeting.reaches_everybody("start").await;
    let mut runs = Runs::default();
    for step in 0..steps {
        weather(step, steps / 2, &mut meeting, &mut chance).await;
        match chance.below(3) {
            AGENT if meeting.has_room().await => {
                let words = if chance.once_in(5) { meeting.words_of_people().await } else { Vec::new() };
                meeting.agent(runs.edit(&words, &mut chance)).await;
            }
            party => meeting.person(party % PEOPLE, something(step, party, &mut chance)).await,
        }
    }
    meeting.mend();
    for person in 0..PEOPLE {
        meeting.person(person, json!({ "write": [0, format!("end{person}")] })).await;
    }
    meeting.agent(runs.last()).await;
    meeting.all_is_made().await;
    meeting.missed.iter().for_each(|run| runs.missed(run));
    let text = meeting.same_everywhere(&["end0", "end1"]).await;
    runs.stand_in(&text);
    meeting.end().await;
}

/// What one of the people does.
fn something(step: usize, party: usize, chance: &mut Chance) -> serde_json::Value {
    let (place, word) = (chance.below(1 << 30), format!("p{party}n{step}"));
    match chance.below(10) {
        0..3 => json!({ "erase": [place, 1 + chance.below(12)] }),
        3 => json!({ "block": [place, word] }),
        4 => json!({ "write": [place, format!("{word} 🙂 ")] }),
        _ => json!({ "write": [place, format!("{word} ")] }),
    }
}

/// What becomes of the ways and of the server at this step; in the middle the server forgets everything.
async fn weather(step: usize, middle: usize, meeting: &mut Meeting, chance: &mut Chance) {
    meeting.mend_what_is_due(step);
    if step == middle - ALONE {
        (1..=PEOPLE).for_each(|person| meeting.cut(person, 0, middle + AWAY));
    } else if step == middle {
        meeting.all_is_made().await;
        meeting.server.stop().await;
    } else if step == middle + AWAY {
        meeting.server.start_again().await;
    }
    let alone = middle - ALONE..=middle + AWAY;
    if !alone.contains(&step) && chance.once_in(CUT_EVERY) {
        let after = if chance.once_in(2) { 0 } else { chance.below(2_000) };
        meeting.cut(chance.below(1 + PEOPLE), after, step + 1 + chance.below(CUT_FOR));
    }
}
