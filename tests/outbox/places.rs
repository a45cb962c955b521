//! An answer to a message, on a platform whose answers name places: the feed knows the place, or the platform is asked.

use agent_bridge::action::State;
use agent_bridge::event::{Conversation, Data, Draft, Identity, Message, Type, WorkspaceName};
use agent_bridge::outbox::Receipt;
use agent_bridge::store::Batch;
use serde_json::{Value, json};

use crate::desk::remote_ids;
use crate::magpie::{Magpie, Says, Seen, Tree};

const CHIRP: &str = "POST /nests/n1/chirps";
const ASK: &str = "GET /nests/n1/chirps/m1";

fn answer_to_m1() -> Value {
    json!({ "conversation": "n1", "text": "yes", "reply_to": "m1" })
}

fn chirped() -> Says {
    Says::Answer(201, json!({ "chirp": { "no": 7 } }))
}

fn perches() -> Says {
    let perch = |no: u64, kind: &str, of: &str| json!({ "no": no, "kind": kind, "of": of });
    Says::Answer(
        200,
        json!({ "perches": { "1": perch(1, "egg", "m1"), "2": perch(2, "chirp", "m0"), "3": perch(3, "chirp", "m1") } }),
    )
}

fn under(chirp: &Seen) -> Value {
    chirp.json()["chirp"]["under"].clone()
}

fn failed(receipt: &Receipt) -> (&str, &str) {
    match &receipt.state {
        State::Failed { kind, message, .. } => (kind, message),
        other => panic!("not failed: {other:?}"),
    }
}

async fn is_told(nest: &Magpie, conversation: &str, message: &str, place: &str) {
    let conversation = Conversation { id: conversation.into(), ..Conversation::default() };
    let told = Message { id: message.into(), place: Some(place.into()), ..Message::default() };
    let draft = Draft {
        workspace: WorkspaceName::new("nest").unwrap(),
        platform: None,
        kind: Type::MessageCreated,
        identity: Identity::Native(format!("event {place}")),
        time: "2026-03-22T12:00:00Z".into(),
        data: Data { conversation: Some(conversation), message: Some(told), ..Data::default() },
    };
    nest.store.commit(Batch::intake().event(draft.seal())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_the_feed_knows_is_answered_at_its_place() {
    let tree = Tree::new(|_, _| chirped());
    let nest = Magpie::new(&tree).await;
    is_told(&nest, "n1", "m1", "p3").await;
    is_told(&nest, "n2", "m1", "elsewhere").await;
    is_told(&nest, "n1", "m2", "p4").await;
    let id = nest.accept("send", answer_to_m1()).await;
    assert_eq!(remote_ids(&nest.settle(&id).await), ["7"]);
    assert_eq!(tree.seen(CHIRP).iter().map(under).collect::<Vec<_>>(), ["p3"]);
    assert!(tree.seen("GET").is_empty(), "nobody was asked");
    assert_eq!(nest.row(&id).args["reply_to"], "m1", "the receipt tells what was wished");
}

#[tokio::test(start_paused = true)]
async fn p6_a_place_that_the_platform_told_is_part_of_what_outlives_a_restart() {
    let tree = Tree::new(|seen, time| match (seen.what.as_str(), time) {
        (ASK, 1) => Says::Answer(503, json!({})),
        (ASK, 2) => Says::Lost,
        (ASK, 3) => perches(),
        (ASK, _) => Says::Answer(404, json!({})),
        (_, 1) => Says::Nothing,
        _ => chirped(),
    });
    let nest = Magpie::new(&tree).await;
    let id = nest.accept("send", answer_to_m1()).await;
    nest.run_until(|| tree.seen(CHIRP).first().cloned()).await;
    let nest = nest.restart().await;
    assert_eq!(remote_ids(&nest.settle(&id).await), ["7"]);
    let chirps = tree.seen(CHIRP);
    assert_eq!(chirps.iter().map(under).collect::<Vec<_>>(), ["3", "3"]);
    assert_eq!((&chirps[0].body, chirps[0].header("chirp-key")), (&chirps[1].body, chirps[1].header("chirp-key")));
    assert_eq!(tree.seen(ASK).len(), 3, "asked until it answered, and not again");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_nowhere_is_not_answered() {
    for none in
        [Says::Answer(404, json!({})), Says::Answer(200, json!({ "perches": {} })), Says::Answer(200, json!([]))]
    {
        let none = std::sync::Mutex::new(Some(none));
        let tree = Tree::new(move |_, _| none.lock().unwrap().take().unwrap());
        let nest = Magpie::new(&tree).await;
        let id = nest.accept("send", answer_to_m1()).await;
        let receipt = nest.settle(&id).await;
        assert_eq!(failed(&receipt), ("not_found", "no message `m1` in `n1`: nothing was sent"));
        assert!(tree.seen("POST").is_empty());
    }
}
