//! Typing and the like: sent at once, never stored, never tried again.

use std::time::Duration;

use agent_bridge::action::{Request, State};
use agent_bridge::clock::Clock;
use agent_bridge::outbox::{Fleeting, Refusal, Told};
use agent_bridge::store::{Batch, Change, Options, Seat, Store};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::magpie::{Magpie, NOON, Says, TWIG, Tree};

const FLUTTER: &str = "PATCH /nests/n1/flutter";

fn typing() -> Request {
    let args = json!({ "conversation": "n1", "state": true }).as_object().cloned().unwrap();
    Request { workspace: None, verb: "typing".into(), args, key: None }
}

async fn sent(nest: &Magpie, fleeting: &Fleeting, wish: Request) -> Result<Told, Refusal> {
    fleeting.send(&nest.session, wish, Duration::from_secs(10)).await
}

fn fleeting(nest: &Magpie) -> Fleeting {
    Fleeting::new(nest.store.clone(), Clock::paced(NOON), 10)
}

fn kind(told: &Told) -> &str {
    match &told.state {
        State::Failed { kind, .. } => kind,
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn it_reaches_the_platform_signed_in_and_leaves_nothing_in_the_store() {
    let tree = Tree::new(|_, _| Says::Answer(204, Value::Null));
    let nest = Magpie::new(&tree).await;
    let before = nest.store.size();
    let told = sent(&nest, &fleeting(&nest), typing()).await.unwrap();
    let shown = serde_json::to_value(&told).unwrap();
    assert_eq!(shown, json!({ "workspace": "nest", "verb": "typing", "state": "confirmed", "remote_ids": [] }));
    let seen = tree.seen(FLUTTER);
    assert_eq!((seen.len(), seen[0].json(), seen[0].header("x-magpie-twig")), (1, json!({ "flutter": true }), TWIG));
    assert_eq!(nest.store.size(), before);
    assert!(nest.store.recent_actions(&told.workspace, 10).unwrap().is_empty());
    assert!(nest.store.read(0, 10, 1 << 20).unwrap().is_empty(), "no action.settled either");
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_it_is_sent_once() {
    for (status, wanted) in [(0, "lost"), (500, "lost"), (429, "unreachable"), (403, "refused"), (404, "not_found")] {
        let tree = Tree::new(move |_, _| if status == 0 { Says::Lost } else { Says::Answer(status, json!({})) });
        let nest = Magpie::new(&tree).await;
        let told = sent(&nest, &fleeting(&nest), typing()).await.unwrap();
        assert_eq!((kind(&told), tree.seen(FLUTTER).len()), (wanted, 1), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_fast_is_dropped_until_the_next_second() {
    let tree = Tree::new(|_, _| Says::Answer(204, Value::Null));
    let nest = Magpie::new(&tree).await;
    let fleeting = fleeting(&nest);
    for _ in 0..10 {
        assert!(matches!(sent(&nest, &fleeting, typing()).await.unwrap().state, State::Confirmed { .. }));
    }
    assert_eq!(kind(&sent(&nest, &fleeting, typing()).await.unwrap()), "too_many_requests");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(matches!(sent(&nest, &fleeting, typing()).await.unwrap().state, State::Confirmed { .. }));
    assert_eq!(tree.seen(FLUTTER).len(), 11);
}

#[tokio::test(start_paused = true)]
async fn at_the_disk_budget_it_is_dropped() {
    let tree = Tree::new(|_, _| Says::Answer(204, Value::Null));
    let nest = Magpie::new(&tree).await;
    let folder = tempfile::tempdir().unwrap();
    let options = Options { clock: Clock::paced(NOON), disk_budget: 1, ..Options::default() };
    let full = Store::open(&folder.path().join("full.redb"), options).unwrap();
    let row = Change::Secret { owner: "o".into(), field: "f".into(), value: Some(SecretString::from("v")) };
    full.commit(Batch::new().with(row)).await.unwrap();
    let mut health = full.health();
    let workspace = crate::magpie::record("https://tree.example", &Value::Null);
    full.commit(Batch::new().with(Change::Workspace(Box::new(workspace)))).await.unwrap();
    let action = nest.wish("send", &json!({ "conversation": "n1", "text": "fills it" })).unwrap();
    full.commit(Batch::new().with(Change::Accept(Box::new(action)))).await.unwrap();
    health.wait_for(|health| *health == agent_bridge::store::Health::Full).await.unwrap();
    let told = sent(&nest, &Fleeting::new(full, Clock::paced(NOON), 10), typing()).await.unwrap();
    assert_eq!((kind(&told), tree.seen("").len()), ("store_full", 0));
}

#[tokio::test(start_paused = true)]
async fn a_seat_that_cannot_act_a_grant_that_lacks_it_and_a_key_send_nothing() {
    let tree = Tree::new(|_, _| Says::Answer(204, Value::Null));
    let nest = Magpie::at("https://tree.example", &tree, &json!({ "flutter": false }), Clock::paced(NOON)).await;
    assert_eq!(sent(&nest, &fleeting(&nest), typing()).await.unwrap_err().kind, "no_capability");
    let nest = Magpie::new(&tree).await;
    let keyed = Request { key: Some("k".into()), ..typing() };
    assert_eq!(sent(&nest, &fleeting(&nest), keyed).await.unwrap_err().kind, "bad_args");
    nest.session.sit(Seat::Revoked { reason: "gone".into() }).await.unwrap();
    assert_eq!(kind(&sent(&nest, &fleeting(&nest), typing()).await.unwrap()), "no_seat");
    assert!(tree.seen("").is_empty());
}
