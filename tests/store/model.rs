//! Whatever is done in whatever order, the store says what a naive model in memory says, also after a reopen.

use std::collections::{BTreeMap, BTreeSet};

use agent_bridge::action::{Action, ActionId, Request, State};
use agent_bridge::consumer::{Consumer, From};
use agent_bridge::event::{Lines, Type};
use agent_bridge::store::{Batch, Change, Committed, DeadLetter, Exception, Known, Store};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use crate::support::{NOW, Place, acme, event, object};

const MAIN: &str = "main";

#[derive(Clone, Debug)]
enum Deed {
    Tell(Type, u8, u8, u8),
    Cursor(u8, Option<u8>),
    Secret(u8, Option<u8>),
    Consumer,
    ForgetConsumer,
    Mark(u64),
    Except(u64, bool),
    Drop(u64),
    Acked(u64),
    Dead(u64, bool),
    Accept(Option<u8>),
    Settle(usize),
    Trim(u64),
    ForgetWorkspace,
}

fn deed() -> impl Strategy<Value = Deed> {
    let kind = prop::sample::select(vec![Type::MessageCreated, Type::MessageUpdated, Type::MessageDeleted]);
    let seq = || 1_u64..30;
    prop_oneof![
        8 => (kind, 0_u8..2, 0_u8..4, 0_u8..3).prop_map(|(kind, room, id, rev)| Deed::Tell(kind, room, id, rev)),
        1 => (0_u8..2, prop::option::of(any::<u8>())).prop_map(|(line, value)| Deed::Cursor(line, value)),
        1 => (0_u8..2, prop::option::of(any::<u8>())).prop_map(|(field, value)| Deed::Secret(field, value)),
        1 => Just(Deed::Consumer),
        1 => Just(Deed::ForgetConsumer),
        2 => seq().prop_map(Deed::Mark),
        2 => (seq(), any::<bool>()).prop_map(|(seq, settled)| Deed::Except(seq, settled)),
        1 => seq().prop_map(Deed::Drop),
        1 => seq().prop_map(Deed::Acked),
        1 => (seq(), any::<bool>()).prop_map(|(seq, there)| Deed::Dead(seq, there)),
        3 => prop::option::of(0_u8..3).prop_map(Deed::Accept),
        1 => (0_usize..8).prop_map(Deed::Settle),
        1 => seq().prop_map(Deed::Trim),
        1 => Just(Deed::ForgetWorkspace),
    ]
}

#[derive(Default)]
struct Model {
    head: u64,
    feed: BTreeMap<u64, String>,
    ids: BTreeMap<String, u64>,
    known: BTreeMap<(u8, u8), Known>,
    cursors: BTreeMap<u8, u8>,
    secrets: BTreeMap<u8, u8>,
    consumer: bool,
    mark: u64,
    exceptions: BTreeMap<u64, Exception>,
    acked: BTreeMap<u64, Vec<ActionId>>,
    dead: BTreeSet<u64>,
    actions: BTreeMap<ActionId, Action>,
    keys: BTreeMap<u8, ActionId>,
}

fn exception(settled: bool) -> Exception {
    if settled {
        Exception::Settled
    } else {
        Exception::Waiting { attempts: 1, not_before: 2, reason: "r".into(), failures: Vec::new() }
    }
}

fn letter() -> DeadLetter {
    DeadLetter { at: 1, reason: "r".into(), attempts: 2, failures: Vec::new(), event: "{}".into() }
}

impl Model {
    /// The change that the deed means, after the model has taken it; what the store must answer goes to `expected`.
    fn take(&mut self, deed: &Deed, expected: &mut Committed) -> Change {
        let main = || MAIN.to_owned();
        match *deed {
            Deed::Tell(kind, room, id, revision) => {
                let told = event(kind, &format!("c{room}"), object(&format!("m{id}"), &format!("r{revision}")));
                expected.events.push(self.tell(kind, room, id, revision));
                Change::Event(Box::new(told))
            }
            Deed::Cursor(line, value) => {
                set(&mut self.cursors, line, value);
                Change::Cursor {
                    workspace: acme(),
                    line: line.to_string(),
                    value: value.map(|value| value.to_string()),
                }
            }
            Deed::Secret(field, value) => {
                set(&mut self.secrets, field, value);
                let secret = value.map(|value| value.to_string().into());
                Change::Secret { owner: "acme".into(), field: field.to_string(), value: secret }
            }
            Deed::Consumer => {
                if !std::mem::replace(&mut self.consumer, true) {
                    self.forget_consumer();
                    self.consumer = true;
                    self.mark = self.head;
                }
                Change::Consumer(Box::new(Consumer { name: main(), from: From::Now, ..Consumer::default() }))
            }
            Deed::ForgetConsumer => {
                self.forget_consumer();
                Change::ForgetConsumer(main())
            }
            Deed::Mark(seq) => {
                self.mark = seq;
                self.exceptions.retain(|at, exception| *at > seq || *exception != Exception::Settled);
                Change::Mark { consumer: main(), seq }
            }
            Deed::Except(seq, settled) => {
                if settled && seq <= self.mark {
                    self.exceptions.remove(&seq);
                } else {
                    self.exceptions.insert(seq, exception(settled));
                }
                Change::Except { consumer: main(), seq, exception: Some(exception(settled)) }
            }
            Deed::Drop(seq) => {
                self.exceptions.remove(&seq);
                Change::Except { consumer: main(), seq, exception: None }
            }
            Deed::Acked(seq) => {
                let actions = vec![ActionId::fresh(NOW)];
                self.acked.entry(seq).or_insert_with(|| actions.clone());
                Change::Acked { consumer: main(), seq, actions }
            }
            Deed::Dead(seq, there) => {
                if there {
                    self.dead.insert(seq)
                } else {
                    self.dead.remove(&seq)
                };
                Change::Dead { consumer: main(), seq, letter: there.then(|| Box::new(letter())) }
            }
            Deed::Accept(key) => self.accept(key, expected),
            Deed::Settle(index) => self.settle(index),
            Deed::Trim(seq) => {
                self.feed.retain(|at, _| *at > seq);
                Change::Trim(seq)
            }
            Deed::ForgetWorkspace => {
                self.cursors.clear();
                self.secrets.clear();
                self.actions.retain(|_, action| action.state.settled());
                self.keys.retain(|_, id| self.actions.contains_key(id));
                Change::ForgetWorkspace(acme())
            }
        }
    }

    fn tell(&mut self, kind: Type, room: u8, object: u8, revision: u8) -> Option<u64> {
        let mut id = format!("acme/{}/c{room}/m{object}", kind.as_str());
        if kind == Type::MessageUpdated {
            id = format!("{id}/r{revision}");
        }
        if self.ids.contains_key(&id) {
            return None;
        }
        self.head += 1;
        let seq = self.head;
        let revision = format!("r{revision}");
        if kind == Type::MessageCreated {
            self.known.insert((room, object), Known { seq, revision, deleted: false, lines: Lines::default() });
        } else if let Some(known) = self.known.get_mut(&(room, object)) {
            if kind == Type::MessageDeleted { known.deleted = true } else { known.revision = revision }
        }
        self.feed.insert(seq, id.clone());
        self.ids.insert(id, seq);
        Some(seq)
    }

    fn accept(&mut self, key: Option<u8>, expected: &mut Committed) -> Change {
        let key_text = key.map(|key| key.to_string());
        let request = Request { workspace: None, verb: "send".into(), args: serde_json::Map::new(), key: key_text };
        let action = Action::accept(acme(), request, None, NOW);
        let first = key.and_then(|key| self.keys.get(&key)).cloned();
        expected.actions.push(first.clone().unwrap_or_else(|| action.id.clone()));
        if first.is_none() {
            self.actions.insert(action.id.clone(), action.clone());
            if let Some(key) = key {
                self.keys.insert(key, action.id.clone());
            }
        }
        Change::Accept(Box::new(action))
    }

    fn settle(&mut self, index: usize) -> Change {
        let Some(action) = self.actions.values_mut().nth(index) else { return Change::Trim(0) };
        action.state = State::Unknown { message: "?".into() };
        Change::Action(Box::new(action.clone()))
    }

    fn forget_consumer(&mut self) {
        self.consumer = false;
        self.mark = 0;
        self.exceptions.clear();
        self.acked.clear();
        self.dead.clear();
    }

    fn compare(&self, store: &Store) {
        assert_eq!(*store.head().borrow(), self.head);
        let all: Vec<_> = store.read(0, 1_000, 1 << 30).unwrap().iter().map(|event| (event.seq, event.id())).collect();
        assert_eq!(all, self.feed.clone().into_iter().collect::<Vec<_>>());
        assert_eq!(store.oldest().unwrap(), self.feed.keys().next().copied().unwrap_or(self.head + 1));
        for (id, seq) in &self.ids {
            assert_eq!(store.find(id).unwrap(), Some(*seq), "{id}");
            assert_eq!(store.event(*seq).unwrap().is_some(), self.feed.contains_key(seq), "{seq}");
        }
        for room in 0..2 {
            let known = store.known(&acme(), Type::MessageCreated, &format!("c{room}"), &["m0", "m1", "m2", "m3"]);
            let expected: Vec<_> = (0..4).map(|object| self.known.get(&(room, object)).cloned()).collect();
            assert_eq!(known.unwrap(), expected);
        }
        for key in 0..2 {
            let cursor = self.cursors.get(&key).map(u8::to_string);
            assert_eq!(store.cursor(&acme(), &key.to_string()).unwrap(), cursor);
            let secret = store.secret("acme", &key.to_string()).unwrap();
            let secret = secret.map(|secret| secret.expose_secret().to_owned());
            assert_eq!(secret, self.secrets.get(&key).map(u8::to_string));
        }
        let progress = store.progress(MAIN).unwrap();
        assert_eq!((progress.mark, &progress.exceptions), (self.mark, &self.exceptions));
        for seq in 1..30 {
            assert_eq!(store.acked(MAIN, seq).unwrap().as_ref(), self.acked.get(&seq));
        }
        let dead: Vec<_> = store.dead(MAIN, 99).unwrap().into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(dead, self.dead.iter().copied().collect::<Vec<_>>());
        let open: Vec<_> = self.actions.values().filter(|action| !action.state.settled()).cloned().collect();
        assert_eq!(store.outbox(&acme()).unwrap(), open);
        let recent: Vec<_> = self.actions.values().rev().cloned().collect();
        assert_eq!(store.recent_actions(&acme(), 99).unwrap(), recent);
    }
}

fn set(map: &mut BTreeMap<u8, u8>, key: u8, value: Option<u8>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

async fn play(batches: Vec<(Vec<Deed>, bool)>, recent: usize) {
    let mut place = Place::new();
    place.options.recent = recent;
    let (mut model, mut store) = (Model::default(), place.open());
    for (deeds, reopen) in batches {
        let mut expected = Committed::default();
        let batch = deeds.iter().fold(Batch::new(), |batch, deed| batch.with(model.take(deed, &mut expected)));
        assert_eq!(store.commit(batch).await.unwrap(), expected);
        if reopen {
            drop(store);
            store = place.open();
        }
        model.compare(&store);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_says_what_the_model_says(
        batches in prop::collection::vec((prop::collection::vec(deed(), 1..6), prop::bool::weighted(0.15)), 1..25),
        recent in prop::sample::select(vec![0_usize, 2_000, 1 << 20]),
    ) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(play(batches, recent));
    }
}
