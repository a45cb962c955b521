//! Feed and ids: commit first, once.

use agent_bridge::consumer::Consumer;
use agent_bridge::event::{Draft, Identity, Lines, Type};
use agent_bridge::store::{Batch, Change, How, Known, Way};

use crate::support::{Place, acme, created, event, message, object};

#[tokio::test]
async fn p1_an_event_and_its_cursor_are_there_together_after_the_commit_and_after_a_reopen() {
    let place = Place::new();
    let store = place.open();
    let head = store.head();
    let cursor = Change::Cursor { workspace: acme(), line: "sse".into(), value: Some("c-7".into()) };
    let committed = store.commit(Batch::intake().event(message("m1")).with(cursor)).await.unwrap();
    assert_eq!(committed.events, [Some(1)]);
    assert_eq!(*head.borrow(), 1);
    store.close().await.unwrap();
    drop(store);

    let store = place.open();
    assert_eq!(store.cursor(&acme(), "sse").unwrap().as_deref(), Some("c-7"));
    let events = store.read(0, 10, 1 << 20).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&events[0].bytes).unwrap();
    assert_eq!(json["sequence"], "00000000000000000001");
    assert_eq!(json["id"], "acme/message.created/c1/m1");
    assert_eq!((events.len(), events[0].seq, events[0].head.conversation.as_str()), (1, 1, "c1"));
}

#[tokio::test]
async fn p2_an_event_told_twice_is_one_event_also_within_a_batch_and_across_a_reopen() {
    let place = Place::new();
    let store = place.open();
    let twice = Batch::intake().event(message("m1")).event(message("m1")).event(message("m2"));
    assert_eq!(store.commit(twice).await.unwrap().events, [Some(1), None, Some(2)]);
    drop(store);
    let store = place.open();
    let again = Batch::intake().event(message("m2")).event(message("m3"));
    assert_eq!(store.commit(again).await.unwrap().events, [None, Some(3)]);
    assert_eq!(store.find("acme/message.created/c1/m2").unwrap(), Some(2));
    assert_eq!(store.read(0, 10, 1 << 20).unwrap().len(), 3);
}

#[tokio::test]
async fn what_the_bridge_observes_is_never_a_duplicate_and_is_found_by_its_sequence() {
    let place = Place::new();
    let store = place.open();
    let observed = || {
        Draft::about(&acme(), Type::WorkspaceConnected, "2026-01-01T00:00:00Z".into(), serde_json::Map::new()).seal()
    };
    store.commit(Batch::new().event(observed()).event(observed())).await.unwrap();
    assert_eq!(store.find("acme/workspace.connected/00000000000000000002").unwrap(), Some(2));
    assert_eq!(store.find("acme/workspace.revoked/00000000000000000002").unwrap(), None);
    assert_eq!(store.find("acme/workspace.connected/00000000000000000003").unwrap(), None);
}

#[tokio::test]
async fn p2_what_is_held_back_is_known_for_good_and_is_no_event() {
    let place = Place::new();
    let store = place.open();
    let held = |id: &str| Change::HeldBack(Box::new(message(id)));
    let mixed = Batch::intake().with(held("m1")).event(message("m2")).with(held("m3")).with(held("m3"));
    let committed = store.commit(mixed).await.unwrap();
    assert_eq!((committed.events, committed.held_back), (vec![Some(1)], 2));
    store.close().await.unwrap();
    drop(store);

    let store = place.open();
    let later = Batch::intake().event(message("m1")).event(message("m3")).with(held("m2"));
    let committed = store.commit(later).await.unwrap();
    assert_eq!(
        (committed.events, committed.held_back),
        (vec![None, None], 0),
        "neither told later nor held back later"
    );
    let known = store.known(&acme(), Type::MessageCreated, "c1", &["m1", "m2", "m3", "m4"]).unwrap();
    assert_eq!(known.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, true, false]);
    let found = ["m1", "m2", "m3"].map(|id| store.find(&format!("acme/message.created/c1/{id}")).unwrap());
    assert_eq!((found, store.read(0, 10, 1 << 20).unwrap().len()), ([None, Some(1), None], 1));
}

#[tokio::test]
async fn edits_and_deletions_are_noted_at_the_creation() {
    let place = Place::new();
    let store = place.open();
    let edit = event(Type::MessageUpdated, "c/1", object("m%1", "r2"));
    store.commit(Batch::intake().event(created("c/1", "m%1")).event(created("c/1", "m2")).event(edit)).await.unwrap();
    let known = store.known(&acme(), Type::MessageCreated, "c/1", &["m2", "none", "m%1"]).unwrap();
    let row =
        |seq, revision: &str, deleted| Some(Known { seq, revision: revision.into(), deleted, lines: Lines::default() });
    assert_eq!(known, [row(2, "r1", false), None, row(1, "r2", false)]);

    let deletion = event(Type::MessageDeleted, "c/1", object("m%1", "x"));
    store.commit(Batch::intake().event(deletion)).await.unwrap();
    let known = store.known(&acme(), Type::MessageCreated, "c/1", &["m%1"]).unwrap();
    assert_eq!(known, [row(1, "r2", true)]);
}

#[tokio::test]
async fn an_id_that_json_escapes_is_known_again() {
    let place = Place::new();
    let store = place.open();
    let odd = || event(Type::MessageCreated, "c1", Identity::Native("a\"b\\c\u{1}ü".into()));
    assert_eq!(store.commit(Batch::intake().event(odd()).event(odd())).await.unwrap().events, [Some(1), None]);
    assert_eq!(store.find("acme/message.created/a\"b\\c\u{1}ü").unwrap(), Some(1));
}

#[tokio::test]
async fn how_events_left_is_forgotten_with_them_and_with_their_consumer() {
    let place = Place::new();
    let store = place.open();
    let main = || Consumer { name: "main".into(), ..Consumer::default() };
    let empty = store.commit(Batch::new().with(Change::Consumer(Box::new(main())))).await.map(|_| store.size().0);
    let events = (1..=6).fold(Batch::intake(), |batch, id| batch.event(message(&format!("m{id}"))));
    store.commit(events).await.unwrap();
    let way = |first| Way { first, offered: None, at: 0, attempts: 1, how: How::Acked, failures: Vec::new() };
    let left = |first, last| Change::Way { consumer: "main".into(), last, way: way(first) };
    let before = store.size().0;
    store.commit(Batch::new().with(left(1, 2)).with(left(3, 4))).await.unwrap();
    assert!(store.size().0 > before, "such rows count");
    store.commit(Batch::new().with(Change::Trim(3))).await.unwrap();
    let told = |seq| store.way("main", seq).unwrap().is_some();
    assert_eq!([1, 2, 3, 4, 5].map(told), [false, false, true, true, false]);
    let dead = Way { attempts: 3, offered: Some((1, 2)), how: How::Dead, ..way(5) };
    let late = Way { attempts: 0, ..way(5) };
    for way in [dead.clone(), late] {
        store.commit(Batch::new().with(Change::Way { consumer: "main".into(), last: 5, way })).await.unwrap();
    }
    let kept = store.way("main", 5).unwrap().map(|(_, way)| Way { at: 0, ..way });
    assert_eq!(kept, Some(Way { how: How::Acked, ..dead }), "a late ack leaves the attempts as they were");
    store.commit(Batch::new().with(Change::ForgetConsumer("main".into()))).await.unwrap();
    store.commit(Batch::new().with(Change::Consumer(Box::new(main())))).await.unwrap();
    assert!(!told(4), "another consumer of that name has no past");
    store.commit(Batch::new().with(Change::Trim(6))).await.unwrap();
    let ids = store.size().0 - empty.unwrap();
    assert!(ids > 0 && ids < before, "only the ids are left: {ids}");
}

#[tokio::test]
async fn trimmed_events_are_gone_everywhere_and_their_sequence_is_not_given_again() {
    let place = Place::new();
    let store = place.open();
    for index in 0..10 {
        store.commit(Batch::intake().event(message(&format!("m{index}")))).await.unwrap();
    }
    let before = store.size().0;
    store.commit(Batch::new().with(Change::Trim(10))).await.unwrap();
    assert!(store.size().0 < before);
    assert_eq!((store.oldest().unwrap(), store.event(10).unwrap().is_none()), (11, true));
    assert!(store.read(0, 10, 1 << 20).unwrap().is_empty());
    drop(store);
    let store = place.open();
    let again = Batch::intake().event(message("m3")).event(message("new"));
    assert_eq!(store.commit(again).await.unwrap().events, [None, Some(11)]);
}
