//! Verbs whose platform takes an idempotency key: one key and one body, whatever happens (P6).

use std::time::Duration;

use agent_bridge::action::{Prepared, State};
use agent_bridge::clock::Clock;
use agent_bridge::outbox::Receipt;
use serde_json::{Value, json};

use crate::desk::remote_ids;
use crate::magpie::{Magpie, NOON, Says, Seen, Tree};

const CHIRP: &str = "POST /nests/n1/chirps";

fn hello() -> Value {
    json!({ "conversation": "n1", "text": "hello" })
}

fn chirped(number: u32) -> Says {
    Says::Answer(201, json!({ "chirp": { "no": number } }))
}

fn failed(receipt: &Receipt) -> (&str, Option<u16>, &str) {
    match &receipt.state {
        State::Failed { kind, status, message } => (kind, *status, message),
        other => panic!("not failed: {other:?}"),
    }
}

fn alike(requests: &[Seen]) -> bool {
    let first = &requests[0];
    !first.header("chirp-key").is_empty()
        && requests.iter().all(|it| it.header("chirp-key") == first.header("chirp-key") && it.body == first.body)
}

#[tokio::test(start_paused = true)]
async fn p6_a_lost_reply_is_asked_for_again_with_the_same_key_and_nothing_is_read() {
    let tree = Tree::new(|_, time| if time < 3 { Says::Lost } else { chirped(7) });
    let nest = Magpie::new(&tree).await;
    let id = nest.accept("send", hello()).await;
    let receipt = nest.settle(&id).await;
    assert_eq!(remote_ids(&receipt), ["7"]);
    let chirps = tree.seen(CHIRP);
    assert!(chirps.len() == 3 && alike(&chirps), "{chirps:?}");
    assert!(tree.seen("GET").is_empty(), "neither a fence nor a read-back: {:?}", tree.seen("GET"));
}

#[tokio::test(start_paused = true)]
async fn p6_key_and_body_outlive_a_restart_byte_for_byte() {
    let tree = Tree::new(|_, time| if time == 1 { Says::Nothing } else { chirped(7) });
    let nest = Magpie::new(&tree).await;
    let id = nest.accept("send", hello()).await;
    nest.run_until(|| tree.seen(CHIRP).first().cloned()).await;
    let row = nest.row(&id);
    assert_eq!(row.state, State::Trying);
    let nest = nest.restart().await;
    assert_eq!(nest.row(&id).prepared, row.prepared, "the store gives back what it took");
    let receipt = nest.settle(&id).await;
    let chirps = tree.seen(CHIRP);
    assert!(remote_ids(&receipt) == ["7"] && chirps.len() == 2 && alike(&chirps), "{chirps:?}");
    let Prepared { key, body } = row.prepared.unwrap();
    assert_eq!((key.as_str(), body.as_bytes()), (chirps[0].header("chirp-key"), chirps[0].body.as_slice()));
}

#[tokio::test(start_paused = true)]
async fn p6_a_crash_between_the_commit_and_the_request_sends_what_was_committed() {
    let tree = Tree::new(|_, _| chirped(7));
    let nest = Magpie::new(&tree).await;
    let id = nest.accept("send", hello()).await;
    // What the store holds when the process is killed there: a try under way, and a body that no manifest would make.
    let mut row = nest.row(&id);
    row.state = State::Trying;
    row.tries = 1;
    row.prepared = Some(Prepared { key: "as-committed".into(), body: r#"{"chirp": {"noise":"hello" } }"#.into() });
    let kept = agent_bridge::store::Change::Action(Box::new(row));
    nest.store.commit(agent_bridge::store::Batch::new().with(kept)).await.unwrap();
    let nest = nest.restart().await;
    nest.settle(&id).await;
    let chirps = tree.seen(CHIRP);
    assert_eq!((chirps.len(), chirps[0].header("chirp-key")), (1, "as-committed"));
    assert_eq!(chirps[0].body, br#"{"chirp": {"noise":"hello" } }"#);
}

#[tokio::test(start_paused = true)]
async fn each_action_has_a_key_of_its_own_and_bodiless_verbs_have_one_too() {
    let tree = Tree::new(|seen, _| match seen.what.as_str() {
        CHIRP => chirped(7),
        _ => Says::Answer(200, json!({})),
    });
    let nest = Magpie::new(&tree).await;
    for (verb, args) in [("send", hello()), ("send", hello()), ("delete", json!({ "message": "7" }))] {
        let id = nest.accept(verb, args).await;
        nest.settle(&id).await;
    }
    let mut keys: Vec<_> = tree.seen("").iter().map(|seen| seen.header("chirp-key").to_owned()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert!(tree.seen("DELETE /chirps/7")[0].body.is_empty());
}

#[tokio::test(start_paused = true)]
async fn row_34_a_conflict_is_surfaced_and_never_tried_again() {
    let tree = Tree::new(|_, _| Says::Answer(409, json!({ "error": "another body under this key" })));
    let nest = Magpie::new(&tree).await;
    let id = nest.accept("send", hello()).await;
    let receipt = nest.settle(&id).await;
    let (kind, status, message) = failed(&receipt);
    assert_eq!((kind, status), ("conflict", Some(409)));
    assert!(message.contains("is not sent again") && message.contains("(another body under this key)"), "{message}");
    assert_eq!(tree.seen(CHIRP).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_the_platform_replays_is_final() {
    let tree = Tree::new(|_, time| match time {
        1 => Says::Lost,
        _ => Says::Answer(422, json!({ "error": "too shrill" })),
    });
    let nest = Magpie::new(&tree).await;
    let id = nest.accept("send", hello()).await;
    assert_eq!(failed(&nest.settle(&id).await), ("refused", Some(422), "Magpie Nests says: too shrill (422)"));
    assert_eq!(tree.seen(CHIRP).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_500_that_the_platform_repeats_for_ever_ends_unknown_and_holds_nothing_up_for_a_day() {
    let tree = Tree::new(|_, _| Says::Answer(500, json!({})));
    let nest = Magpie::new(&tree).await;
    let begun = tokio::time::Instant::now();
    let id = nest.accept("send", hello()).await;
    let receipt = nest.settle(&id).await;
    assert!(matches!(receipt.state, State::Unknown { .. }), "{receipt:?}");
    assert!(begun.elapsed() < Duration::from_hours(1) && alike(&tree.seen(CHIRP)));
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_is_away_for_longer_than_a_few_tries_gets_it_once_it_is_back() {
    let back = tokio::time::Instant::now() + Duration::from_mins(30);
    let tree = Tree::new(move |_, _| if tokio::time::Instant::now() < back { Says::Lost } else { chirped(7) });
    let nest = Magpie::new(&tree).await;
    let id = nest.accept("send", hello()).await;
    assert_eq!(remote_ids(&nest.settle(&id).await), ["7"]);
    assert!(tree.seen(CHIRP).len() > 12 && alike(&tree.seen(CHIRP)), "without a key ten resends are the most");
}

#[tokio::test(start_paused = true)]
async fn p6_without_the_capability_it_is_read_back() {
    let page =
        json!({ "chirps": [{ "no": 9, "nest": "n1", "noise": "hello", "from": "me" }, { "no": 8, "from": "x" }] });
    let tree = Tree::new(move |seen, time| match seen.what.as_str() {
        CHIRP => Says::Lost,
        // The first page is the fence.
        _ if time == 1 => Says::Answer(200, json!({ "chirps": [{ "no": 8, "from": "x" }] })),
        _ => Says::Answer(200, page.clone()),
    });
    let nest = Magpie::at("https://tree.example", &tree, &json!({ "keys": false }), Clock::paced(NOON)).await;
    let id = nest.accept("send", hello()).await;
    assert_eq!(remote_ids(&nest.settle(&id).await), ["9"]);
    let chirps = tree.seen(CHIRP);
    assert_eq!((chirps.len(), chirps[0].header("chirp-key")), (1, ""));
    assert_eq!(nest.row(&id).prepared, None);
}

#[tokio::test(start_paused = true)]
async fn p6_without_key_and_without_a_text_to_look_for_a_lost_reply_stays_unknown() {
    let tree = Tree::new(|_, _| Says::Lost);
    let nest = Magpie::at("https://tree.example", &tree, &json!({}), Clock::paced(NOON)).await;
    let id = nest.accept("send", json!({ "conversation": "n1", "html": "<b>hi</b>" })).await;
    let receipt = nest.settle(&id).await;
    assert!(matches!(receipt.state, State::Unknown { .. }) && tree.seen(CHIRP).len() == 1, "{receipt:?}");
}
