//! A store written by any schema opens for ever: the checked-in files prove it.
//!
//! The newest file was made by `STORE_FIXTURE=write cargo test --test store generator -- --ignored`, and those before it by
//! their own code; a file is never made again for a schema that was released.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use agent_bridge::action::{Action, Request, State};
use agent_bridge::clock::Clock;
use agent_bridge::consumer::{Consumer, From, Only};
use agent_bridge::event::{Arrival, Identity, Lines, NewEvent, Type, Via};
use agent_bridge::store::{
    Anchor, Batch, Change, DeadLetter, Exception, Failure, How, Known, Options, Seat, Sighting, Store, Way,
    WorkspaceRecord,
};
use secrecy::ExposeSecret;

use crate::support::{NOW, acme, created, event, event_with, name, object};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn options(schema: u32) -> Options {
    let clock = Clock::paced(NOW);
    Options { ballast: 0, clock, vault_key: Some(fixture(&format!("store-v{schema}.key"))), ..Options::default() }
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

/// What only schema 2 remembers.
fn failures(schema: u32) -> Vec<Failure> {
    let failure = Failure { offered_at: Some(NOW), at: NOW + 1, why: "500".into() };
    if schema > 1 { vec![failure] } else { Vec::new() }
}

fn waiting(schema: u32) -> Exception {
    Exception::Waiting { attempts: 2, not_before: NOW, reason: "500".into(), failures: failures(schema) }
}

fn letter(schema: u32) -> DeadLetter {
    let failures = failures(schema);
    DeadLetter { at: NOW, reason: "rejected".into(), attempts: 10, failures, event: "{}".into() }
}

fn way() -> Way {
    Way { first: 1, offered: Some((NOW, NOW + 1)), at: 0, attempts: 1, how: How::Acked, failures: Vec::new() }
}

/// As if this kind of line had brought it.
fn by(via: Via, event: NewEvent) -> NewEvent {
    event.arrived(Some(Arrival { at: NOW - 5, via }))
}

fn anchor() -> Anchor {
    Anchor { newest: Some("m2".into()), tail: vec![("m1".into(), "r1".into()), ("m2".into(), "r1".into())] }
}

/// Long enough to be packed by the schemas that pack.
fn long() -> String {
    (0..200).map(|number: u32| number.to_string()).collect::<Vec<_>>().join(" ")
}

fn content() -> Batch {
    let mut settled = action("send", "settled");
    settled.state = State::Confirmed { remote_ids: vec!["r1".into()] };
    settled.settled_at = Some(NOW);
    let main = || "main".to_owned();
    Batch::new()
        .event(by(Via::Sse, created("c1", "m1")))
        .event(by(Via::History, created("c1", "m1")))
        .event(created("c1", "m2"))
        .event(event(Type::MessageUpdated, "c1", object("m1", "r2")))
        .event(event_with(Type::MentionCreated, "c1", Identity::Native("native-7".into()), &long()))
        .with(Change::Workspace(Box::new(record())))
        .with(Change::Cursor { workspace: acme(), line: "sse".into(), value: Some("c-7".into()) })
        .with(Change::Anchor { workspace: acme(), conversation: "c1".into(), anchor: Some(anchor()) })
        .with(Change::Secret { owner: "acme".into(), field: "token".into(), value: Some("canary".to_owned().into()) })
        .with(Change::Consumer(Box::new(consumer())))
        .with(Change::Mark { consumer: main(), seq: 3 })
        .with(Change::Except { consumer: main(), seq: 2, exception: Some(waiting(2)) })
        .with(Change::Way { consumer: main(), last: 1, way: way() })
        .with(Change::Acked { consumer: main(), seq: 1, actions: vec![settled.id.clone()] })
        .with(Change::Dead { consumer: main(), seq: 4, letter: Some(Box::new(letter(2))) })
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
    let path = fixture("store-v3.redb");
    fs::write(fixture("store-v3.key"), "5a".repeat(32)).unwrap();
    drop(fs::remove_file(&path));
    let store = Store::open(&path, options(3)).unwrap();
    store.commit(content()).await.unwrap();
    store.close().await.unwrap();
    let mut db = redb::Database::open(&path).unwrap();
    db.compact().unwrap();
    db.close().unwrap();
}

/// A copy of the file of this schema.
fn copy(schema: u32) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    fs::copy(fixture(&format!("store-v{schema}.redb")), &path).unwrap();
    (directory, path)
}

#[tokio::test]
async fn a_store_of_schema_1_opens_and_everything_is_in_it() {
    let (_directory, path) = copy(1);
    let store = Store::open(&path, options(1)).unwrap();
    let seen = Sighting { at: store.event(1).unwrap().unwrap().at, arrival: None, lines: Lines::default() };
    assert_eq!((store.sighting(1).unwrap(), store.way("main", 1).unwrap()), (Some(seen), None));
    all_is_in(&store, 1).await;
}

#[tokio::test]
async fn a_store_of_schema_2_opens_and_everything_is_in_it() {
    all_since_2_is_in(2).await;
}

#[tokio::test]
async fn a_store_of_schema_3_opens_and_everything_is_in_it() {
    let store = all_since_2_is_in(3).await;
    let bytes = store.event(4).unwrap().unwrap().bytes.clone();
    let mention: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(mention["data"]["message"]["text"], long());
}

async fn all_since_2_is_in(schema: u32) -> Store {
    let (_directory, path) = copy(schema);
    let store = Store::open(&path, options(schema)).unwrap();
    let at = store.event(1).unwrap().unwrap().at;
    let arrival = Arrival { at: NOW - 5, via: Via::Sse };
    let lines = Lines::default().with(Via::Sse).with(Via::History);
    assert_eq!(store.sighting(1).unwrap(), Some(Sighting { at, arrival: Some(arrival), lines }));
    assert_eq!(store.sighting(2).unwrap(), Some(Sighting { at, arrival: None, lines: Lines::default() }));
    assert_eq!(store.way("main", 1).unwrap(), Some((1, Way { at, ..way() })));
    all_is_in(&store, schema).await;
    store
}

/// The upgrade is made once and for all, and what later schemas remember can be kept from then on.
#[tokio::test]
async fn a_store_of_schema_1_is_of_the_newest_from_its_first_opening_on() {
    let (_directory, path) = copy(1);
    drop(Store::open(&path, options(1)).unwrap());
    let meta = redb::TableDefinition::<&str, &[u8]>::new("meta");
    let db = redb::Database::open(&path).unwrap();
    let schema = redb::ReadableDatabase::begin_read(&db).unwrap().open_table(meta).unwrap().get("schema").unwrap();
    assert_eq!(schema.unwrap().value(), 3_u32.to_le_bytes());
    drop(db);
    let store = Store::open(&path, options(1)).unwrap();
    let way = Change::Way { consumer: "main".into(), last: 4, way: Way { first: 2, ..way() } };
    let again = by(Via::History, created("c1", "m1"));
    assert_eq!(store.commit(Batch::intake().event(again).with(way)).await.unwrap().events, [None]);
    let left = |seq| store.way("main", seq).unwrap().map(|(last, way)| (way.first, last));
    assert_eq!([1, 2, 3, 4, 5].map(left), [None, Some((2, 4)), Some((2, 4)), Some((2, 4)), None]);
    assert!(store.sighting(1).unwrap().unwrap().lines.has(Via::History));
    all_is_in(&store, 1).await;
}

/// Everything that all schemas keep.
async fn all_is_in(store: &Store, schema: u32) {
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
    let lines = known[0].as_ref().unwrap().lines;
    assert_eq!(known, [Some(Known { seq: 1, revision: "r2".into(), deleted: false, lines })]);

    assert_eq!(store.workspaces().unwrap(), [record()]);
    assert!(store.tombstone(&name("gone")).unwrap().is_some());
    assert_eq!(store.cursor(&acme(), "sse").unwrap().as_deref(), Some("c-7"));
    assert_eq!(store.anchors(&acme()).unwrap(), [("c1".to_owned(), anchor())]);
    assert_eq!(store.secret("acme", "token").unwrap().unwrap().expose_secret(), "canary");

    assert_eq!(store.consumers().unwrap(), [consumer()]);
    let progress = store.progress("main").unwrap();
    assert_eq!((progress.mark, progress.exceptions), (3, BTreeMap::from([(2, waiting(schema))])));
    assert_eq!(store.dead("main", 9).unwrap(), [(4, letter(schema))]);

    let settled = store.acked("main", 1).unwrap().unwrap();
    let state = store.action(&settled[0]).unwrap().unwrap().state;
    assert_eq!(state, State::Confirmed { remote_ids: vec!["r1".into()] });
    let outbox = store.outbox(&acme()).unwrap();
    assert_eq!((outbox.len(), outbox[0].key.as_deref()), (1, Some("waiting")));
    let again = store.commit(Batch::new().with(Change::Accept(Box::new(action("send", "settled"))))).await.unwrap();
    assert_eq!(again.actions, settled);
    assert_eq!(store.commit(Batch::intake().event(created("c1", "m1"))).await.unwrap().events, [None]);
}
