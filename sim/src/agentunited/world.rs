//! Everything that one simulated workspace knows: accounts, rooms, messages, streams, its log.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use tokio::sync::watch;

use super::{
    log::{Entry, Facts},
    mangle::Mangle,
    options::Options,
    stream::Subscriber,
};
use crate::{ids::Ids, log::Ledger};

pub(crate) use super::record::Invite;
pub use super::record::{Account, AccountId, Kind, Message, MessageId, Room, RoomId};

/// The state behind one [`super::Sim`].
#[derive(Debug)]
pub struct World {
    pub(crate) options: Options,
    pub(crate) ids: Ids,
    pub(crate) key: [u8; 32],
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    pub(crate) invites: HashMap<String, Invite>,
    pub(crate) central: BTreeSet<String>,
    /// API key → the account it posts as.
    pub(crate) keys: HashMap<String, AccountId>,
    pub(crate) rooms: BTreeMap<RoomId, Room>,
    /// Message id → its room and place; deleted ones stay, as places.
    pub(crate) places: HashMap<MessageId, (RoomId, u64)>,
    pub(crate) seq: u64,
    pub(crate) primary: AccountId,
    pub(crate) streams: Vec<Subscriber>,
    pub(crate) opened: u64,
    /// Nothing at or before this place can be replayed.
    pub(crate) forgotten: u64,
    pub(crate) mangle: Mangle,
    pub(crate) offline: bool,
    pub(crate) crashes: u64,
    pub(crate) ledger: Ledger<Facts>,
    /// Counts changes, so that waiting needs no sleeps.
    pub(crate) changed: watch::Sender<u64>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let mut ids = Ids::new(options.seed);
        let key = ids.signing_key();
        let mut world = Self {
            ledger: Ledger::new(options.log),
            options,
            ids,
            key,
            accounts: BTreeMap::new(),
            invites: HashMap::new(),
            central: BTreeSet::new(),
            keys: HashMap::new(),
            rooms: BTreeMap::new(),
            places: HashMap::new(),
            seq: 0,
            primary: String::new(),
            streams: Vec::new(),
            opened: 0,
            forgotten: 0,
            mangle: Mangle::default(),
            offline: false,
            crashes: 0,
            changed: watch::Sender::new(0),
        };
        world.primary = world.account("Concierge", "primary@workspace.test", Kind::Primary);
        world
    }

    /// Wall time in milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        (self.options.wall)()
    }

    /// Notes that a line of the contract was served.
    pub(crate) fn mark(&mut self, line: &'static str) {
        self.ledger.served.insert(line);
    }

    pub(crate) fn account(&mut self, name: &str, email: &str, kind: Kind) -> AccountId {
        let id = self.ids.uuid();
        let account = Account {
            id: id.clone(),
            email: email.into(),
            name: name.into(),
            kind,
            owner: None,
            password: None,
            epoch: 0,
        };
        self.accounts.insert(id.clone(), account);
        id
    }

    pub(crate) fn room(&mut self, name: &str, dm: bool, members: BTreeSet<AccountId>) -> RoomId {
        let id = self.ids.uuid();
        let room = Room {
            id: id.clone(),
            name: name.into(),
            dm,
            members,
            messages: BTreeMap::new(),
            segments: Vec::new(),
            posts: VecDeque::new(),
        };
        self.rooms.insert(id.clone(), room);
        id
    }

    /// The DM of two accounts, made where there is none yet.
    pub(crate) fn direct(&mut self, one: &str, other: &str) -> RoomId {
        let members = BTreeSet::from([one.to_owned(), other.to_owned()]);
        if let Some(room) = self.rooms.values().find(|room| room.dm && room.members == members) {
            return room.id.clone();
        }
        let name = self.accounts.get(one).map_or(String::new(), |account| account.name.clone());
        self.room(&name, true, members)
    }

    /// Whether `account` may read and write in `room`; a made agent has its owner's rooms.
    pub(crate) fn member(&self, account: &str, room: &str) -> bool {
        let owner = self.accounts.get(account).and_then(|account| account.owner.as_deref());
        self.rooms
            .get(room)
            .is_some_and(|room| room.members.contains(account) || owner.is_some_and(|it| room.members.contains(it)))
    }

    /// Stores a message; the caller publishes it.
    pub(crate) fn store(
        &mut self,
        author: &str,
        room: &str,
        text: &str,
        attachment: Option<(String, usize)>,
    ) -> Message {
        self.seq += 1;
        let now = self.now();
        let message = Message {
            id: self.ids.uuid(),
            seq: self.seq,
            channel_id: room.into(),
            author_id: author.into(),
            text: text.into(),
            created: now,
            updated: now,
            attachment,
        };
        self.places.insert(message.id.clone(), (room.into(), message.seq));
        if let Some(room) = self.rooms.get_mut(room) {
            room.messages.insert(message.seq, message.clone());
        }
        message
    }

    /// The message with this id, unless it was deleted or never was.
    pub fn message(&self, id: &str) -> Option<Message> {
        let (room, seq) = self.place(id)?;
        self.rooms.get(&room)?.at(seq)
    }

    /// Where a message stands, or stood.
    pub(crate) fn place(&self, id: &str) -> Option<(RoomId, u64)> {
        if let Some(place) = self.places.get(id) {
            return Some(place.clone());
        }
        self.rooms.values().find_map(|room| room.segments.iter().find_map(|it| Some((room.id.clone(), it.place(id)?))))
    }

    /// A room's messages, oldest first; messages of a burst are left out.
    pub fn history(&self, room: &str) -> Vec<Message> {
        self.rooms.get(room).map_or(Vec::new(), |room| room.messages.values().cloned().collect())
    }

    /// What agents said (by JWT or by key), in order, over all rooms.
    pub fn messages_by_agent(&self) -> Vec<Message> {
        let agent = |id: &str| {
            let kind = self.accounts.get(id).map(|account| account.kind);
            matches!(kind, Some(Kind::Member | Kind::Agent))
        };
        let all = self.rooms.values().flat_map(|room| room.messages.values());
        let mut said: Vec<_> = all.filter(|it| agent(&it.author_id)).cloned().collect();
        said.sort_by_key(|message| message.seq);
        said
    }

    /// All accounts.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// All rooms.
    pub fn rooms(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
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

    /// How often posts went over [`super::Crash`].
    pub fn crashes(&self) -> u64 {
        self.crashes
    }

    /// How many armed faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.ledger.faults.len() + self.mangle.left()
    }
}
