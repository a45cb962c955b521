//! A store written by schema 1 opens for ever: the checked-in file proves it.
//!
//! The file was made by `STORE_FIXTURE=write cargo test --test store generator -- --ignored`; it is never made again for a schema
//! that was released.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use agent_bridge::action::{Action, Request, State};
use agent_bridge::clock::Clock;
use agent_bridge::consumer::{Consumer, From, Only};
use agent_bridge::event::{Identity, Type};
use agent_bridge::store::{Anchor, Batch, Change, DeadLetter, Exception, Known, Options, Seat, Store, WorkspaceRecord};
use secrecy::ExposeSecret;

use crate::support::{NOW, acme, created, event, name, object};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn options() -> Options {
    let clock = Clock::paced(NOW);
    Options { ballast: 0, clock, vault_key: Some(fixture("store-v1.key")), ..Options::default() }
}

fn record() -> WorkspaceRecord {
    WorkspaceRecord {
        name: acme(),
        platform: "sim".into(),
        settings: BTreeMap::from([("url".into(), "https://sim.example".into())]),
        facts: BTreeMap::from([("me".into(), "u1".into())]),
        session: "member".into(),
        seat: Seat::SignedIn,
        joined_at: NOW,
    }
}

fn consumer() -> Consumer {
    let only = Only { types: vec!["message.*".into()], ..Only::default() };
    Consumer { name: "main".into(), from: From::Start, only, ..Consumer::default() }
}

fn action(verb: &str, key: &str) -> Action {
    let request = Request { workspace: None, verb: verb.into(), args: serde_json::Map::new(), key: Some(key.into()) };
    Action::accept(acme(), request, Some(1), NOW)
}

fn waiting() -> Exception {
    Exception::Waiting { attempts: 2, not_before: NOW, reason: "500".into() }
}

fn letter() -> DeadLetter {
    DeadLetter { at: NOW, reason: "rejected".into(), attempts: 10, event: "{}".into() }
}

fn anchor() -> Anchor {
    Anchor { newest: Some("m2".into()), tail: vec![("m1".into(), "r1".into()), ("m2".into(), "r1".into())] }
}

fn content() -> Batch {
    let mut settled = action("send", "settled");
    settled.state = State::Confirmed { remote_ids: vec!["r1".into()] };
    settled.settled_at = Some(NOW);
    let main = || "main".to_owned();
    Batch::new()
        .event(created("c1", "m1"))
        .event(created("c1", "m2"))
        .event(event(Type::MessageUpdated, "c1", object("m1", "r2")))
        .event(event(Type::MentionCreated, "c1", Identity::Native("native-7".into())))
        .with(Change::Workspace(Box::new(record())))
        .with(Change::Cursor { workspace: acme(), line: "sse".into(), value: Some("c-7".into()) })
        .with(Change::Anchor { workspace: acme(), conversation: "c1".into(), anchor: Some(anchor()) })
        .with(Change::Secret { owner: "acme".into(), field: "token".into(), value: Some("canary".to_owned().into()) })
        .with(Change::Consumer(Box::new(consumer())))
        .with(Change::Mark { consumer: main(), seq: 3 })
        .with(Change::Except { consumer: main(), seq: 2, exception: Some(waiting()) })
        .with(Change::Acked { consumer: main(), seq: 1, actions: vec![settled.id.clone()] })
        .with(Change::Dead { consumer: main(), seq: 4, letter: Some(Box::new(letter())) })
        .with(Change::Accept(Box::new(action("send", "waiting"))))
        .with(Change::Accept(Box::new(settled)))
        .with(Change::Workspace(Box::new(WorkspaceRecord { name: name("gone"), ..record() })))
        .with(Change::ForgetWorkspace(name("gone")))
}

#[tokio::test]
#[ignore = "makes the fixture: STORE_FIXTURE=write cargo test --test store -- --ignored fixture"]
async fn the_generator_writes_the_fixture_when_it_is_told_to() {
    if std::env::var("STORE_FIXTURE").as_deref() != Ok("write") {
        return;
    }
    let path = fixture("store-v1.redb");
    fs::write(fixture("store-v1.key"), "5a".repeat(32)).unwrap();
    drop(fs::remove_file(&path));
    let store = Store::open(&path, options()).unwrap();
    store.commit(content()).await.unwrap();
    store.close().await.unwrap();
    let mut db = redb::Database::open(&path).unwrap();
    db.compact().unwrap();
    db.close().unwrap();
}

#[tokio::test]
async fn a_store_of_schema_1_opens_and_everything_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    fs::copy(fixture("store-v1.redb"), &path).unwrap();
    let store = Store::open(&path, options()).unwrap();

    let events = store.read(0, 10, 1 << 20).unwrap();
    let ids: Vec<_> = events.iter().map(|event| (event.seq, event.id())).collect();
    let expected = [
        (1, "acme/message.created/c1/m1"),
        (2, "acme/message.created/c1/m2"),
        (3, "acme/message.updated/c1/m1/r2"),
        (4, "acme/mention.created/native-7"),
    ];
    assert_eq!(ids, expected.map(|(seq, id)| (seq, id.to_owned())));
    assert!(events.iter().all(|event| store.find(&event.id()).unwrap() == Some(event.seq)));
    assert!(events.iter().all(|event| (NOW..NOW + 60_000).contains(&event.at)));
    let known = store.known(&acme(), Type::MessageCreated, "c1", &["m1"]).unwrap();
    assert_eq!(known, [Some(Known { seq: 1, revision: "r2".into(), deleted: false })]);

    assert_eq!(store.workspaces().unwrap(), [record()]);
    assert!(store.tombstone(&name("gone")).unwrap().is_some());
    assert_eq!(store.cursor(&acme(), "sse").unwrap().as_deref(), Some("c-7"));
    assert_eq!(store.anchors(&acme()).unwrap(), [("c1".to_owned(), anchor())]);
    assert_eq!(store.secret("acme", "token").unwrap().unwrap().expose_secret(), "canary");

    assert_eq!(store.consumers().unwrap(), [consumer()]);
    let progress = store.progress("main").unwrap();
    assert_eq!((progress.mark, progress.exceptions), (3, BTreeMap::from([(2, waiting())])));
    assert_eq!(store.dead("main", 9).unwrap(), [(4, letter())]);

    let settled = store.acked("main", 1).unwrap().unwrap();
    let state = store.action(&settled[0]).unwrap().unwrap().state;
    assert_eq!(state, State::Confirmed { remote_ids: vec!["r1".into()] });
    let outbox = store.outbox(&acme()).unwrap();
    assert_eq!((outbox.len(), outbox[0].key.as_deref()), (1, Some("waiting")));
    let again = store.commit(Batch::new().with(Change::Accept(Box::new(action("send", "settled"))))).await.unwrap();
    assert_eq!(again.actions, settled);
    assert_eq!(store.commit(Batch::intake().event(created("c1", "m1"))).await.unwrap().events, [None]);
}
