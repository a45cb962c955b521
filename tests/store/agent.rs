//! Consumers, actions, workspaces: acks and actions together, keys once, names kept.

use std::collections::BTreeMap;

use agent_bridge::action::{Action, Request, State};
use agent_bridge::consumer::{Consumer, From};
use agent_bridge::event::WorkspaceName;
use agent_bridge::store::{Anchor, Batch, Change, DeadLetter, Exception, Progress, Seat, Tombstone, WorkspaceRecord};

use crate::support::{NOW, Place, acme, message, name};

fn action(workspace: &WorkspaceName, key: Option<&str>) -> Action {
    let request =
        Request { workspace: None, verb: "send".into(), args: serde_json::Map::new(), key: key.map(str::to_owned) };
    Action::accept(workspace.clone(), request, None, NOW)
}

fn accept(action: &Action) -> Change {
    Change::Accept(Box::new(action.clone()))
}

fn consumer(name: &str, from: From) -> Change {
    Change::Consumer(Box::new(Consumer { name: name.into(), from, ..Consumer::default() }))
}

fn record(name: &WorkspaceName) -> WorkspaceRecord {
    WorkspaceRecord {
        name: name.clone(),
        platform: "sim".into(),
        settings: BTreeMap::from([("url".into(), "https://sim.example".into())]),
        facts: BTreeMap::from([("me".into(), "u1".into())]),
        session: "member".into(),
        seat: Seat::NeedsAction { reason: "expired".into(), command: "login".into() },
        joined_at: 5,
    }
}

#[tokio::test]
async fn p5_an_ack_and_its_actions_commit_together_and_the_first_ack_counts() {
    let place = Place::new();
    let store = place.open();
    let (first, late) = (action(&acme(), None), action(&acme(), None));
    let ack = |action: &Action| Change::Acked { consumer: "main".into(), seq: 1, actions: vec![action.id.clone()] };
    store.commit(Batch::new().event(message("m1")).with(consumer("main", From::Start))).await.unwrap();
    let mark = Change::Mark { consumer: "main".into(), seq: 1 };
    store.commit(Batch::new().with(mark).with(ack(&first)).with(accept(&first))).await.unwrap();
    store.commit(Batch::new().with(ack(&late))).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.acked("main", 1).unwrap(), Some(vec![first.id.clone()]));
    assert_eq!(store.acked("main", 2).unwrap(), None);
    assert_eq!(store.progress("main").unwrap().mark, 1);
    assert_eq!(store.outbox(&acme()).unwrap(), [first]);
}

#[tokio::test]
async fn p5_a_key_names_one_action_for_thirty_days_in_its_own_workspace() {
    let place = Place::new();
    let store = place.open();
    let (first, second, other) =
        (action(&acme(), Some("k")), action(&acme(), Some("k")), action(&name("b"), Some("k")));
    let batch = Batch::new().with(accept(&first)).with(accept(&second)).with(accept(&other));
    let ids = store.commit(batch).await.unwrap().actions;
    assert_eq!(ids, [first.id.clone(), first.id.clone(), other.id.clone()]);
    assert_eq!(store.action(&second.id).unwrap(), None, "nothing of it was written");

    place.jump(29);
    assert_eq!(store.commit(Batch::new().with(accept(&second))).await.unwrap().actions, [first.id]);
    place.jump(2);
    assert_eq!(store.commit(Batch::new().with(accept(&second))).await.unwrap().actions, [second.id]);
}

#[tokio::test]
async fn the_outbox_holds_what_is_not_settled_and_recent_holds_both() {
    let place = Place::new();
    let store = place.open();
    let mut changed = store.outbox_changed(&acme());
    let mut actions: Vec<Action> = (0..4).map(|_| action(&acme(), None)).collect();
    actions.sort_by(|a, b| a.id.cmp(&b.id));
    let batch = actions.iter().fold(Batch::new(), |batch, action| batch.with(accept(action)));
    store.commit(batch.with(accept(&action(&name("acme-2"), None)))).await.unwrap();
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    actions[1].state = State::Confirmed { remote_ids: vec!["r".into()] };
    store.commit(Batch::new().with(Change::Action(Box::new(actions[1].clone())))).await.unwrap();
    assert!(changed.has_changed().unwrap());
    let outbox = store.outbox(&acme()).unwrap();
    assert_eq!(outbox, [actions[0].clone(), actions[2].clone(), actions[3].clone()]);
    let recent = store.recent_actions(&acme(), 3).unwrap();
    assert_eq!(recent, [actions[3].clone(), actions[2].clone(), actions[1].clone()]);
}

#[tokio::test]
async fn a_consumer_begins_where_its_from_says_and_only_once() {
    let place = Place::new();
    let store = place.open();
    for index in 0..4 {
        store.commit(Batch::new().event(message(&format!("m{index}")))).await.unwrap();
        place.jump(1);
    }
    store.commit(Batch::new().with(Change::Trim(1))).await.unwrap();
    let day = 24 * 60 * 60 * 1000;
    let cases = [
        ("now", From::Now, 4),
        ("start", From::Start, 1),
        ("seq", From::Seq(3), 3),
        ("far", From::Seq(99), 4),
        ("time", From::Time(NOW + 2 * day - 1), 2),
        ("later", From::Time(NOW + 9 * day), 4),
    ];
    for (name, from, mark) in cases {
        store.commit(Batch::new().with(consumer(name, from))).await.unwrap();
        assert_eq!(store.progress(name).unwrap().mark, mark, "{name}");
    }
    assert_eq!(store.since(NOW + 2 * day - 1).unwrap(), 3);
    store.commit(Batch::new().with(consumer("start", From::Now))).await.unwrap();
    assert_eq!(store.progress("start").unwrap().mark, 1, "a change of its settings does not move it");
}

#[tokio::test]
async fn a_mark_drops_what_is_settled_and_keeps_what_waits() {
    let place = Place::new();
    let store = place.open();
    let waiting = Exception::Waiting { attempts: 2, not_before: 9, reason: "500".into(), failures: Vec::new() };
    let except = |seq, exception| Change::Except { consumer: "main".into(), seq, exception };
    let batch = Batch::new()
        .with(consumer("main", From::Start))
        .with(except(1, Some(waiting.clone())))
        .with(except(2, Some(Exception::Settled)))
        .with(except(5, Some(Exception::Settled)))
        .with(except(6, Some(waiting.clone())))
        .with(except(6, None))
        .with(Change::Mark { consumer: "main".into(), seq: 3 });
    store.commit(batch).await.unwrap();
    let exceptions = BTreeMap::from([(1, waiting), (5, Exception::Settled)]);
    assert_eq!(store.progress("main").unwrap(), Progress { mark: 3, exceptions });
}

#[tokio::test]
async fn a_mark_costs_the_same_however_many_wait_beneath_it() {
    const WAITING: u64 = 20_000;
    let place = Place::new();
    let store = place.open();
    let marks = |name: &str| {
        let mark = |seq| Change::Mark { consumer: name.into(), seq };
        (WAITING + 1..WAITING + 500).fold(Batch::new(), |batch, seq| batch.with(mark(seq)))
    };
    let waiting = Exception::Waiting { attempts: 2, not_before: 9, reason: "500".into(), failures: Vec::new() };
    let stuck = |seq| Change::Except { consumer: "stuck".into(), seq, exception: Some(waiting.clone()) };
    let start = Batch::new().with(consumer("stuck", From::Start)).with(consumer("free", From::Start));
    let batch = (1..=WAITING).fold(start, |batch, seq| batch.with(stuck(seq)));
    let past = |name: &str| Change::Mark { consumer: name.into(), seq: WAITING };
    store.commit(batch.with(past("stuck")).with(past("free"))).await.unwrap();

    let mut took = [std::time::Duration::ZERO; 2];
    for (took, name) in took.iter_mut().zip(["free", "stuck"]) {
        let begun = std::time::Instant::now();
        store.commit(marks(name)).await.unwrap();
        *took = begun.elapsed();
    }
    // Were each one looked at, this would be ten million rows.
    assert!(took[1] < took[0] * 10 + std::time::Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_removed_consumer_leaves_nothing_to_the_next_of_its_name() {
    let place = Place::new();
    let store = place.open();
    let letter = DeadLetter { at: 1, reason: "no".into(), attempts: 3, failures: Vec::new(), event: "{}".into() };
    let dead = Change::Dead { consumer: "main".into(), seq: 4, letter: Some(Box::new(letter.clone())) };
    let secret =
        Change::Secret { owner: "consumer:main".into(), field: "sign".into(), value: Some("s".to_owned().into()) };
    let acked = Change::Acked { consumer: "main".into(), seq: 1, actions: vec![] };
    let before = store.size().0;
    store.commit(Batch::new().with(consumer("main", From::Now)).with(dead).with(secret).with(acked)).await.unwrap();
    assert_eq!(store.dead("main", 9).unwrap(), [(4, letter)]);
    assert_eq!(store.secrets("consumer:main").unwrap().len(), 1);
    store.commit(Batch::new().with(Change::ForgetConsumer("main".into()))).await.unwrap();
    assert_eq!(store.size().0, before);
    store.commit(Batch::new().with(consumer("main", From::Now))).await.unwrap();
    assert!(store.dead("main", 9).unwrap().is_empty() && store.secrets("consumer:main").unwrap().is_empty());
    assert_eq!((store.acked("main", 1).unwrap(), store.consumers().unwrap().len()), (None, 1));
}

#[tokio::test]
async fn p8_a_removed_workspace_keeps_its_events_and_ids_and_what_its_name_stood_for() {
    let place = Place::new();
    let store = place.open();
    let (kept, unsettled) = (name("acme2"), action(&acme(), Some("k")));
    let mut settled = action(&acme(), None);
    settled.state = State::Unknown { message: "?".into() };
    let anchor = Anchor { newest: Some("m1".into()), tail: vec![("m1".into(), "r1".into())] };
    let mut batch = Batch::new().event(message("m1")).with(accept(&unsettled)).with(accept(&settled));
    for workspace in [acme(), kept.clone()] {
        let secret =
            Change::Secret { owner: workspace.to_string(), field: "t".into(), value: Some("canary".to_owned().into()) };
        batch = batch
            .with(Change::Workspace(Box::new(record(&workspace))))
            .with(secret)
            .with(Change::Cursor { workspace: workspace.clone(), line: "sse".into(), value: Some("1".into()) })
            .with(Change::Anchor { workspace, conversation: "c1".into(), anchor: Some(anchor.clone()) });
    }
    store.commit(batch).await.unwrap();
    assert_eq!(store.workspace(&acme()).unwrap(), Some(record(&acme())));
    store.commit(Batch::new().with(Change::ForgetWorkspace(acme()))).await.unwrap();

    assert_eq!(store.workspaces().unwrap(), [record(&kept)]);
    assert!(store.secrets("acme").unwrap().is_empty() && store.anchors(&acme()).unwrap().is_empty());
    assert_eq!(store.cursor(&acme(), "sse").unwrap(), None);
    assert!(store.outbox(&acme()).unwrap().is_empty());
    assert_eq!(store.recent_actions(&acme(), 9).unwrap(), [settled]);
    assert_eq!(store.commit(Batch::intake().event(message("m1"))).await.unwrap().events, [None]);
    store.commit(Batch::new().with(Change::Action(Box::new(unsettled.clone())))).await.unwrap();
    assert_eq!(store.action(&unsettled.id).unwrap(), None, "a late word does not bring it back");
    let tombstone = Tombstone {
        platform: "sim".into(),
        origin: Some("https://sim.example".into()),
        facts: BTreeMap::from([("me".into(), "u1".into())]),
    };
    assert_eq!(store.tombstone(&acme()).unwrap(), Some(tombstone));
    assert_eq!(store.tombstone(&kept).unwrap(), None);
    assert_eq!(store.anchors(&kept).unwrap(), [("c1".to_owned(), anchor)]);
    assert_eq!(store.secrets("acme2").unwrap().len(), 1);
}

#[tokio::test]
async fn an_action_of_a_workspace_that_is_gone_is_refused_by_the_writer_and_leaves_nothing() {
    let place = Place::new();
    let store = place.open();
    let with_seat = |seat: Seat| Change::Workspace(Box::new(WorkspaceRecord { seat, ..record(&acme()) }));
    store.commit(Batch::new().with(with_seat(Seat::SignedIn))).await.unwrap();
    let first = action(&acme(), Some("first"));
    store.commit(Batch::new().with(accept(&first))).await.unwrap();

    // What was checked before the workspace went reaches the writer behind it.
    let (left, revoked) = (Change::ForgetWorkspace(acme()), with_seat(Seat::Revoked { reason: "removed".into() }));
    for gone in [revoked, left] {
        let late = action(&acme(), Some("late"));
        let done = store.commit(Batch::new().with(gone).with(accept(&late))).await.unwrap();
        assert_eq!(done.refused, std::slice::from_ref(&late.id));
        assert_eq!((store.action(&late.id).unwrap(), store.keyed(&acme(), "late", NOW).unwrap()), (None, None));
    }
    assert!(store.outbox(&acme()).unwrap().is_empty() && store.recent_actions(&acme(), 9).unwrap().is_empty());

    store.commit(Batch::new().with(with_seat(Seat::SignedIn))).await.unwrap();
    let back = action(&acme(), Some("late"));
    let done = store.commit(Batch::new().with(accept(&back))).await.unwrap();
    assert_eq!((done.actions, done.refused), (vec![back.id], vec![]), "a workspace joined again acts again");
}
