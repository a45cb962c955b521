//! What happens to a store in these rows: pages with cursors and anchors, acks with actions, secrets, retention,
//! forgetting, new keys. Each deed is made up from the truth so far, so that all of them mean something.

use std::collections::BTreeMap;

use agent_bridge::action::{Action, ActionId, Request, State};
use agent_bridge::consumer::{Consumer, From};
use agent_bridge::event::{Conversation, Data, Draft, Identity, Message, NewEvent, Type, WorkspaceName};
use agent_bridge::store::{Anchor, Batch, Change, DeadLetter, Exception, Seat, WorkspaceRecord};

use super::truth::Truth;
use crate::chance::Chance;

/// 2026-01-01, in milliseconds.
pub const NOW: u64 = 1_767_225_600_000;
pub const WORKSPACES: [&str; 3] = ["acme", "beta", "gamma"];
pub const CONSUMERS: [&str; 2] = ["main", "other"];
const ROOMS: [&str; 3] = ["c1", "c2", "flooded"];

/// One change, which the model understands too.
#[derive(Clone, Debug)]
pub enum Step {
    Event(NewEvent),
    Cursor(String, String),
    Anchor(String, String, Anchor),
    Secret(String, String, Option<String>),
    Consumer(String),
    ForgetConsumer(String),
    Mark(String, u64),
    Except(String, u64, Exception),
    Acked(String, u64, Vec<ActionId>),
    Dead(String, u64, DeadLetter),
    Accept(Action),
    Settle(Action),
    Trim(u64),
    Join(String),
    Leave(String),
}

/// What is asked of the store at once.
#[derive(Clone, Debug)]
pub enum Deed {
    Commit(Vec<Step>),
    Rotate([u8; 32]),
    Forget,
}

/// The batch that the steps mean.
pub fn batch(steps: &[Step]) -> Batch {
    steps.iter().fold(Batch::new(), |batch, step| batch.with(step.change()))
}

impl Step {
    fn change(&self) -> Change {
        match self.clone() {
            Self::Event(event) => Change::Event(Box::new(event)),
            Self::Cursor(name, value) => {
                Change::Cursor { workspace: workspace(&name), line: "sse".into(), value: Some(value) }
            }
            Self::Anchor(name, conversation, anchor) => {
                Change::Anchor { workspace: workspace(&name), conversation, anchor: Some(anchor) }
            }
            Self::Secret(owner, field, value) => Change::Secret { owner, field, value: value.map(Into::into) },
            Self::Consumer(name) => {
                Change::Consumer(Box::new(Consumer { name, from: From::Start, ..Consumer::default() }))
            }
            Self::ForgetConsumer(name) => Change::ForgetConsumer(name),
            Self::Mark(consumer, seq) => Change::Mark { consumer, seq },
            Self::Except(consumer, seq, exception) => Change::Except { consumer, seq, exception: Some(exception) },
            Self::Acked(consumer, seq, actions) => Change::Acked { consumer, seq, actions },
            Self::Dead(consumer, seq, letter) => Change::Dead { consumer, seq, letter: Some(Box::new(letter)) },
            Self::Accept(action) => Change::Accept(Box::new(action)),
            Self::Settle(action) => Change::Action(Box::new(action)),
            Self::Trim(seq) => Change::Trim(seq),
            Self::Join(name) => Change::Workspace(Box::new(record(&name))),
            Self::Leave(name) => Change::ForgetWorkspace(workspace(&name)),
        }
    }
}

pub fn workspace(name: &str) -> WorkspaceName {
    WorkspaceName::new(name).expect("a good name")
}

/// The record of a joined workspace.
pub fn record(name: &str) -> WorkspaceRecord {
    WorkspaceRecord {
        name: workspace(name),
        platform: "sim".into(),
        settings: BTreeMap::from([("url".into(), format!("https://{name}.example"))]),
        facts: BTreeMap::from([("me".into(), "u1".into())]),
        session: "member".into(),
        seat: Seat::SignedIn,
        joined_at: NOW,
    }
}

/// Makes up what happens next.
#[derive(Debug)]
pub struct Storyteller {
    pub chance: Chance,
    /// Objects told so far, and other things that must be new each time.
    count: u64,
    /// Agents' keys of before the last forgetting are not used again: whether they still count depends on the clock
    /// of the last commit, which no promise speaks of.
    generation: u64,
}

impl Storyteller {
    pub const fn new(chance: Chance) -> Self {
        Self { chance, count: 0, generation: 0 }
    }

    /// What happens next in a store that holds `truth`.
    pub fn next(&mut self, truth: &Truth) -> Deed {
        Deed::Commit(match self.chance.below(40) {
            0..13 => self.page(),
            13..15 => self.flood(),
            15..21 => self.ack(truth),
            21..25 => self.settle(truth),
            25..29 => self.secret(),
            29..31 => self.dead_letter(truth),
            31..33 => vec![Step::Trim(self.seq(truth))],
            33..34 => vec![Step::Consumer((*self.chance.pick(&CONSUMERS)).into())],
            34..35 => vec![Step::ForgetConsumer(CONSUMERS[1].into())],
            35..37 => vec![Step::Join(self.place())],
            37..38 => vec![Step::Leave(self.place())],
            38..39 => {
                self.generation += 1;
                return Deed::Forget;
            }
            _ => return Deed::Rotate(std::array::from_fn(|_| self.chance.byte())),
        })
    }

    /// A new event of any workspace, and one that was told before: what a store that works takes and refuses.
    pub fn fresh(&mut self) -> Deed {
        let mut page = self.page();
        page.extend(page.clone());
        Deed::Commit(page)
    }

    fn count(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn place(&mut self) -> String {
        (*self.chance.pick(&WORKSPACES)).into()
    }

    fn seq(&mut self, truth: &Truth) -> u64 {
        self.chance.number() % (truth.head + 1)
    }

    /// A page of a line: events, some of them known, with the cursor and the anchor that move past them (P1).
    fn page(&mut self) -> Vec<Step> {
        let (place, room) = (self.place(), *self.chance.pick(&ROOMS[..2]));
        let mut steps: Vec<Step> = (0..self.chance.below(5)).map(|_| self.event(&place, room)).collect();
        if self.count > 0 && self.chance.once_in(3) {
            let known = self.chance.number() % self.count + 1;
            steps.push(Step::Event(told(&place, room, known, Type::MessageUpdated)));
        }
        let newest = self.count();
        steps.push(Step::Cursor(place.clone(), format!("after-{newest}")));
        let tail = vec![(format!("m{newest}"), "r1".into())];
        steps.push(Step::Anchor(place, room.into(), Anchor { newest: Some(format!("m{newest}")), tail }));
        steps
    }

    /// More events of one conversation than forgetting leaves ids of.
    fn flood(&mut self) -> Vec<Step> {
        let flooded = |teller: &mut Self| teller.event(WORKSPACES[0], ROOMS[2]);
        let many = self.chance.below(250) + 1;
        let mut steps: Vec<Step> = (0..many).map(|_| flooded(self)).collect();
        steps.push(Step::Cursor(WORKSPACES[0].into(), format!("after-{}", self.count)));
        steps
    }

    fn event(&mut self, place: &str, room: &str) -> Step {
        let object = self.count();
        Step::Event(told(place, room, object, Type::MessageCreated))
    }

    /// An ack with the actions that ride on it (P5), and the exception of a lane that lags.
    fn ack(&mut self, truth: &Truth) -> Vec<Step> {
        let consumers: Vec<_> = truth.consumers.iter().collect();
        if consumers.is_empty() {
            return vec![Step::Consumer(CONSUMERS[0].into())];
        }
        let (name, progress) = *self.chance.pick(&consumers);
        let seq = (progress.mark + 1 + self.chance.number() % 3).min(truth.head);
        let actions: Vec<Action> = (0..self.chance.below(3)).map(|_| self.action(seq)).collect();
        let ids = actions.iter().map(|action| action.id.clone()).collect();
        let mut steps: Vec<Step> = actions.into_iter().map(Step::Accept).collect();
        steps.insert(0, Step::Mark(name.clone(), seq));
        if self.chance.once_in(3) {
            let waiting =
                Exception::Waiting { attempts: 2, not_before: NOW, reason: "500".into(), failures: Vec::new() };
            steps.push(Step::Except(name.clone(), self.seq(truth), waiting));
        }
        steps.push(Step::Acked(name.clone(), seq, ids));
        // An action that the agent named itself, so that it may be an old one.
        let mut named = self.action(seq);
        named.key = Some(format!("key-{}-{}", self.generation, self.chance.below(4)));
        steps.push(Step::Accept(named));
        steps
    }

    fn action(&mut self, seq: u64) -> Action {
        let args = serde_json::Map::from_iter([("text".to_owned(), prose(self.count()).into())]);
        let request = Request { workspace: None, verb: "send".into(), args, key: None };
        Action::accept(workspace(&self.place()), request, Some(seq), NOW)
    }

    fn settle(&mut self, truth: &Truth) -> Vec<Step> {
        let open: Vec<_> = truth.actions.values().filter(|action| !action.state.settled()).collect();
        if open.is_empty() {
            return vec![Step::Join(self.place())];
        }
        let mut action: Action = (*self.chance.pick(&open)).clone();
        let trying = action.state == State::Accepted && self.chance.once_in(2);
        action.state = if trying { State::Trying } else { State::Confirmed { remote_ids: vec!["r1".into()] } };
        action.settled_at = (!trying).then_some(NOW);
        vec![Step::Settle(action)]
    }

    fn secret(&mut self) -> Vec<Step> {
        let owner = if self.chance.once_in(4) { format!("consumer:{}", CONSUMERS[0]) } else { self.place() };
        let field = (*self.chance.pick(&["access", "refresh"])).into();
        let value = (!self.chance.once_in(6)).then(|| prose(self.count()));
        vec![Step::Secret(owner, field, value)]
    }

    fn dead_letter(&mut self, truth: &Truth) -> Vec<Step> {
        let (seq, reason) = (self.seq(truth), format!("rejected {}", self.count()));
        let event = prose(self.count);
        vec![Step::Dead(
            CONSUMERS[0].into(),
            seq,
            DeadLetter { at: NOW, reason, attempts: 10, event, failures: Vec::new() },
        )]
    }
}

/// The event by which an object is told: always the same for the same object.
fn told(place: &str, room: &str, object: u64, kind: Type) -> NewEvent {
    let conversation = Conversation { id: room.into(), ..Conversation::default() };
    let message = Message { id: format!("m{object}"), text: Some(prose(object)), ..Message::default() };
    let data = Data { conversation: Some(conversation), message: Some(message), ..Data::default() };
    let identity = Identity::Object { object: format!("m{object}"), revision: "r1".into() };
    let (workspace, platform) = (workspace(place), Some("sim".into()));
    Draft { workspace, platform, kind, identity, time: "2026-01-01T00:00:00Z".into(), data }.seal()
}

/// Text of its own for each number; now and then longer than a page.
fn prose(number: u64) -> String {
    let mut chance = Chance::new(number);
    let length = if chance.once_in(12) { chance.below(9_000) } else { chance.below(200) };
    let mut text = format!("text {number}: ");
    text.extend((0..length).map(|_| char::from(b'a' + chance.byte() % 26)));
    text
}
