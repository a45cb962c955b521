//! Everything that one simulated platform knows.

use std::collections::{BTreeMap, HashMap};

use tokio::sync::watch;

use super::{
    books::Books,
    log::{Entry, Facts},
    options::{MessageIds, Options},
    record::{Bot, BotStatus, Employee, Group, Invite, Message, Office, OfficeId, OriginSource, Receiver, USER},
    stream::{StreamFault, Subscriber},
};
use crate::{armed::Turn, ids::Ids, log::Ledger};

/// The state behind one [`super::Sim`].
#[derive(Debug)]
pub struct World {
    pub(crate) options: Options,
    pub(crate) ids: Ids,
    /// Oldest first; there is always one.
    pub(crate) offices: Vec<Office>,
    pub(crate) invites: BTreeMap<String, Invite>,
    /// API key → office and name of its agent; revoked ones are `None`.
    pub(crate) keys: HashMap<String, Option<(OfficeId, String)>>,
    /// Oldest first.
    pub(crate) messages: Vec<Message>,
    pub(crate) streams: Vec<Subscriber>,
    pub(crate) opened: u64,
    pub(crate) turns: Vec<Turn<StreamFault>>,
    /// Joins to come that fail after validation.
    pub(crate) failing_joins: u32,
    pub(crate) books: Books,
    pub(crate) ledger: Ledger<Facts>,
    /// Counts changes, so that waiting needs no sleeps.
    pub(crate) changed: watch::Sender<u64>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let mut world = Self {
            ledger: Ledger::new(options.log),
            books: Books::new(options.log),
            ids: Ids::new(options.seed),
            options,
            offices: Vec::new(),
            invites: BTreeMap::new(),
            keys: HashMap::new(),
            messages: Vec::new(),
            streams: Vec::new(),
            opened: 0,
            turns: Vec::new(),
            failing_joins: 0,
            changed: watch::Sender::new(0),
        };
        world.open("Headquarters");
        world
    }

    /// Wall time in milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        (self.options.wall)()
    }

    /// Notes that a line of the contract was served.
    pub(crate) fn served(&mut self, line: &'static str) {
        self.ledger.served.insert(line);
    }

    /// An id such as `emp_0f…`.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}_{}", self.ids.uuid().replace('-', ""))
    }

    /// A new office, its group, and `user` in both.
    pub(crate) fn open(&mut self, name: &str) -> OfficeId {
        let group = Group { id: self.id("group"), name: name.into(), members: [USER.into()].into() };
        let office = Office {
            id: self.id("office"),
            name: name.into(),
            group: group.id.clone(),
            employees: Vec::new(),
            groups: vec![group],
        };
        let id = office.id.clone();
        self.offices.push(office);
        self.hire(&id, USER, None, true);
        id
    }

    /// Somebody new, whose name is free.
    pub(crate) fn hire(&mut self, office: &str, name: &str, origin: Option<OriginSource>, chat: bool) -> Employee {
        let bot = origin.map(|origin| Bot { id: self.id("bot"), status: BotStatus::Online, origin });
        let employee = Employee { id: self.id("emp"), name: name.into(), bot, chat, capabilities: Vec::new() };
        if let Some(office) = self.office_mut(office) {
            office.employees.push(employee.clone());
        }
        self.tell_bot(office, &employee);
        employee
    }

    /// An office.
    pub fn office(&self, id: &str) -> Option<&Office> {
        self.offices.iter().find(|it| it.id == id)
    }

    pub(crate) fn office_mut(&mut self, id: &str) -> Option<&mut Office> {
        self.offices.iter_mut().find(|it| it.id == id)
    }

    /// The office in which somebody of this name works; the oldest, where there are several.
    pub(crate) fn office_of(&self, name: &str) -> Option<&Office> {
        self.offices.iter().find(|it| it.employee(name).is_some())
    }

    /// Stores a message.
    pub(crate) fn write(&mut self, office: &str, from: &str, to: Receiver, body: &str, by_key: bool) -> Message {
        let mut message = Message {
            id: String::new(),
            office: office.into(),
            from: from.into(),
            to,
            body: body.into(),
            sent: self.now(),
            by_key,
        };
        message.id = match self.options.ids {
            MessageIds::Unique => self.id("msg"),
            MessageIds::PerConversation => {
                let same =
                    |it: &&Message| it.office == office && (it.pair(), it.group()) == (message.pair(), message.group());
                (self.messages.iter().filter(same).count() + 1).to_string()
            }
        };
        self.messages.push(message.clone());
        message
    }

    /// What two wrote to each other, oldest first.
    pub fn between<'w>(&'w self, office: &'w str, one: &'w str, other: &'w str) -> impl Iterator<Item = &'w Message> {
        let pair = super::record::sorted(one, other);
        self.messages.iter().filter(move |it| it.office == office && it.pair() == Some(pair))
    }

    /// What was written into a group, oldest first.
    pub fn in_group(&self, group: &str) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |it| it.group() == Some(group))
    }

    /// Every message, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }

    /// What agents sent with their keys, oldest first.
    pub fn sent(&self) -> impl Iterator<Item = &Message> {
        self.messages().filter(|it| it.by_key)
    }

    /// All offices, oldest first.
    pub fn offices(&self) -> impl Iterator<Item = &Office> {
        self.offices.iter()
    }

    /// Who read what, rewritten memberships, requests a minute.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// The log, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &Entry> {
        self.ledger.entries()
    }

    /// How many streams are open now.
    pub fn stream_count(&self) -> usize {
        self.streams.iter().filter(|stream| stream.open()).count()
    }

    /// How many streams were ever opened.
    pub fn streams_opened(&self) -> u64 {
        self.opened
    }

    /// How many armed faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.ledger.faults.len() + self.turns.len() + usize::try_from(self.failing_joins).unwrap_or(usize::MAX)
    }
}
