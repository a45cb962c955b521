//! A success whose body is no answer: the page of something in between, or half of one. It counts as a lost reply (P6).

use agent_bridge_sim::speakeasy::{Fault, Options, World};
use serde_json::{Value, json};

use crate::parlour::{OWNER, Parlour, confirmed};

const CHATS: &str = "/agent/topics/{topic_id}/chats";
const PERSON: &str = "bob@example.com";

#[tokio::test(start_paused = true)]
async fn p6_a_page_in_place_of_an_answer_confirms_nothing_and_half_an_answer_is_asked_for_again() {
    for keys in [true, false] {
        for fault in [Fault::Html, Fault::TruncatedJson] {
            let parlour = Parlour::with(Options::default(), keys).await;
            every_verb_has_one_effect(&parlour, &fault).await;
        }
    }
}

async fn every_verb_has_one_effect(parlour: &Parlour, fault: &Fault) {
    let (sim, here) = (&parlour.sim, parlour.topic.to_string());
    sim.person(PERSON, "Bob");
    let done = async |route: &str, verb: &str, args: Value| {
        parlour.fault(route, fault.clone());
        let receipt = parlour.act(verb, args).await;
        assert_eq!(sim.look(World::faults_left), 0, "{verb}");
        confirmed(&receipt).to_vec()
    };
    let said = done(&format!("POST {CHATS}"), "send", json!({ "conversation": here, "text": "a draft of it" })).await;
    assert_eq!((said.len(), parlour.said()), (1, vec!["a draft of it".to_owned()]), "{fault:?}");
    let files = json!([{ "name": "a.txt", "content": "aGVsbG8=" }]);
    let with_file = json!({ "conversation": here, "text": "with a file", "files": files });
    let with_file = done("POST /files", "send", with_file).await;
    assert_eq!(
        (sim.chats_by_agents()[1].id.to_string(), sim.chats_by_agents()[1].attachments.len()),
        (with_file[0].clone(), 1)
    );
    done(&format!("DELETE {CHATS}/{{id}}"), "delete", json!({ "conversation": here, "message": with_file[0] })).await;
    let edit = json!({ "conversation": here, "message": said[0], "text": "final" });
    done(&format!("PATCH {CHATS}/{{id}}"), "edit", edit).await;
    assert_eq!(parlour.said()[0], "final", "{fault:?}");
    done(&format!("DELETE {CHATS}/{{id}}"), "delete", json!({ "conversation": here, "message": said[0] })).await;
    assert!(sim.look(|world: &World| world.chats().all(|chat| chat.deleted)), "{fault:?}");
    done("POST /agent/topics", "topic.create", json!({ "title": "Launch", "people": [OWNER] })).await;
    assert_eq!(parlour.topics("Launch").len(), 1, "{fault:?}");
    let people = "POST /agent/topics/{topic_id}/participants";
    done(people, "participant.add", json!({ "conversation": here, "person": PERSON })).await;
    let there = |world: &World| world.topic(parlour.topic).unwrap().participants.iter().any(|it| it.handle == PERSON);
    assert!(sim.look(there), "{fault:?}");
    let named =
        done("POST /agent/direct_chats", "direct.open", json!({ "person": PERSON, "text": "A first word" })).await;
    assert_eq!(
        (named.len(), parlour.said().iter().filter(|text| *text == "A first word").count()),
        (2, 1),
        "{fault:?}"
    );
    done("PATCH /agent/me", "rename", json!({ "name": "Scout" })).await;
    assert_eq!(
        sim.look(|world| world.appears(&parlour.agent).map(str::to_owned)).as_deref(),
        Some("Scout"),
        "{fault:?}"
    );
}
