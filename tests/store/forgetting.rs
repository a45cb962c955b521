//! What has been remembered long enough goes; what P2 promises stays.

use agent_bridge::action::{Action, Request, State};
use agent_bridge::event::{Identity, Type};
use agent_bridge::store::{Batch, Change};

use crate::support::{NOW, Place, acme, created, event};

fn told(conversation: &str, range: std::ops::Range<u32>) -> Batch {
    range.fold(Batch::intake(), |batch, index| batch.event(created(conversation, &format!("m{index:04}"))))
}

#[tokio::test]
async fn p2_ids_live_thirty_days_and_the_newest_200_of_a_conversation_for_ever() {
    let place = Place::new();
    let store = place.open();
    store.commit(told("busy", 0..250)).await.unwrap();
    store.commit(told("calm", 0..50)).await.unwrap();
    store.commit(Batch::new().with(Change::Trim(300))).await.unwrap();
    place.jump(30);
    assert_eq!(store.forget_old().await.unwrap(), 0);
    place.jump(2);
    assert_eq!(store.forget_old().await.unwrap(), 50);
    let again = store.commit(told("busy", 0..250)).await.unwrap().events;
    assert!(again[..50].iter().all(Option::is_some) && again[50..].iter().all(Option::is_none));
    let again = store.commit(told("calm", 0..50)).await.unwrap().events;
    assert!(again.iter().all(Option::is_none));
}

#[tokio::test]
async fn p2_native_ids_are_counted_by_their_conversation_too() {
    let place = Place::new();
    let store = place.open();
    let native = |conversation: &str, index: u32| {
        event(Type::MentionCreated, conversation, Identity::Native(format!("{index:04}")))
    };
    let batch = (0..205).fold(Batch::intake(), |batch, index| batch.event(native("busy", index)));
    store.commit(batch.event(native("calm", 9_999))).await.unwrap();
    place.jump(32);
    assert_eq!(store.forget_old().await.unwrap(), 5);
    assert_eq!(store.find("acme/mention.created/9999").unwrap(), Some(206));
    assert_eq!(store.find("acme/mention.created/0004").unwrap(), None);
}

#[tokio::test]
async fn p2_what_the_platform_still_lists_is_not_forgotten() {
    let place = Place::new();
    let store = place.open();
    store.commit(told("busy", 0..210)).await.unwrap();
    place.jump(20);
    let listed = ["m0003", "none"].map(str::to_owned).to_vec();
    let listed =
        Change::Listed { workspace: acme(), conversation: "busy".into(), kind: Type::MessageCreated, objects: listed };
    store.commit(Batch::intake().with(listed)).await.unwrap();
    place.jump(12);
    assert_eq!(store.forget_old().await.unwrap(), 9);
    assert_eq!(store.find("acme/message.created/busy/m0003").unwrap(), Some(4));
    assert_eq!(store.find("acme/message.created/busy/m0002").unwrap(), None);
    place.jump(20);
    assert_eq!(store.forget_old().await.unwrap(), 1);
}

#[tokio::test]
async fn p2_forgetting_goes_on_over_many_steps_groups_and_a_reopen() {
    let place = Place::new();
    let store = place.open();
    for conversation in ["a", "b", "c"] {
        store.commit(told(conversation, 0..1_500)).await.unwrap();
    }
    let size = store.size().0;
    place.jump(40);
    assert_eq!(store.forget_old().await.unwrap(), 3 * 1_300);
    assert!(store.size().0 < size);
    assert_eq!(store.snapshot().unwrap().ids, 600);
    assert_eq!(store.forget_old().await.unwrap(), 0);
}

#[tokio::test]
async fn the_writer_forgets_by_itself() {
    let place = Place::new();
    let store = place.open();
    store.commit(told("busy", 0..201)).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    place.jump(40);
    let store = place.open();
    while store.snapshot().unwrap().ids > 200 {
        store.commit(Batch::new()).await.unwrap();
    }
}

#[tokio::test]
async fn settled_actions_keys_and_first_acks_go_after_thirty_days_and_unsettled_actions_stay() {
    let place = Place::new();
    let store = place.open();
    let request = |key: &str| Request {
        workspace: None,
        verb: "send".into(),
        args: serde_json::Map::new(),
        key: Some(key.into()),
    };
    let waiting = Action::accept(acme(), request("waiting"), None, NOW);
    let mut settled = Action::accept(acme(), request("settled"), None, NOW);
    let ack = Change::Acked { consumer: "main".into(), seq: 7, actions: vec![settled.id.clone()] };
    let accept = |action: &Action| Change::Accept(Box::new(action.clone()));
    store.commit(Batch::new().with(accept(&waiting)).with(accept(&settled)).with(ack)).await.unwrap();
    settled.state = State::Confirmed { remote_ids: vec![] };
    settled.settled_at = Some(NOW);
    store.commit(Batch::new().with(Change::Action(Box::new(settled.clone())))).await.unwrap();

    place.jump(29);
    assert_eq!(store.forget_old().await.unwrap(), 0);
    place.jump(1);
    // The settled action (and its key with it), the other's key, the ack.
    assert_eq!(store.forget_old().await.unwrap(), 3);
    assert_eq!(store.action(&settled.id).unwrap(), None);
    assert_eq!(store.outbox(&acme()).unwrap(), std::slice::from_ref(&waiting));
    assert_eq!(store.recent_actions(&acme(), 9).unwrap(), [waiting]);
    assert_eq!(store.acked("main", 7).unwrap(), None);
}
