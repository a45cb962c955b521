//! Everything that one simulated platform knows: people, grants, topics, chats, the event log, its own log.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::sync::broadcast;

use super::{
    events::StoredEvent,
    idempotency::{Kept, Slot},
    log::{Entry, Facts},
    options::Options,
    poll::PollFault,
    push::Push,
    record::{Account, Blob, Chat, ChatId, Grant, GrantId, Request, Topic, TopicId},
};
use crate::{ids::Ids, log::Ledger};

/// Events that a slow listener may be behind before it is told to read the log instead.
const BEHIND: usize = 4096;

/// The state behind one [`super::Sim`].
#[derive(Debug)]
pub struct World {
    pub(crate) options: Options,
    pub(crate) ids: Ids,
    pub(crate) key: [u8; 32],
    /// Handle → account.
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) requests: BTreeMap<u64, Request>,
    pub(crate) grants: BTreeMap<GrantId, Grant>,
    pub(crate) topics: BTreeMap<TopicId, Topic>,
    pub(crate) chats: BTreeMap<ChatId, Chat>,
    /// Timeline id → chat.
    pub(crate) timelines: BTreeMap<u64, ChatId>,
    pub(crate) blobs: BTreeMap<u64, Blob>,
    /// Who types where.
    pub(crate) typing: BTreeSet<(TopicId, String)>,
    pub(crate) events: BTreeMap<u64, StoredEvent>,
    pub(crate) last_event: u64,
    /// Events that are stored and not yet visible.
    pub(crate) unseen: BTreeSet<u64>,
    /// How many of the next events stay unseen.
    pub(crate) hold_events: u32,
    pub(crate) told: broadcast::Sender<StoredEvent>,
    /// Cursors below this id are too old for the cable.
    pub(crate) replay_floor: u64,
    /// Events up to this id are no longer replayed over the cable.
    pub(crate) replay_gone: u64,
    /// Cursors of an earlier epoch are malformed.
    pub(crate) cursor_epoch: u64,
    pub(crate) last_id: u64,
    /// What keyed writes were answered.
    pub(crate) kept: HashMap<Slot, Kept>,
    /// The cable and the webhooks.
    pub(crate) push: Push,
    pub(crate) poll_faults: Vec<PollFault>,
    /// How often an access token reached the storage.
    pub(crate) leaks: u64,
    pub(crate) ledger: Ledger<Facts>,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let mut ids = Ids::new(options.seed);
        let key = ids.signing_key();
        Self {
            ledger: Ledger::new(options.log),
            options,
            ids,
            key,
            accounts: BTreeMap::new(),
            requests: BTreeMap::new(),
            grants: BTreeMap::new(),
            topics: BTreeMap::new(),
            chats: BTreeMap::new(),
            timelines: BTreeMap::new(),
            blobs: BTreeMap::new(),
            typing: BTreeSet::new(),
            events: BTreeMap::new(),
            last_event: 0,
            unseen: BTreeSet::new(),
            hold_events: 0,
            told: broadcast::Sender::new(BEHIND),
            replay_floor: 0,
            replay_gone: 0,
            cursor_epoch: 1,
            last_id: 100,
            kept: HashMap::new(),
            push: Push::default(),
            poll_faults: Vec::new(),
            leaks: 0,
        }
    }

    /// Wall time in milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        (self.options.wall)()
    }

    /// Notes that a line of the contract was served.
    pub(crate) fn served(&mut self, line: &'static str) {
        self.ledger.served.insert(line);
    }

    /// The next id; one sequence for all tables, so that a mixed-up id is found out.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Whether a grant stands and this access token of it is good.
    pub(crate) fn holds(&self, grant: GrantId, token: &str) -> bool {
        let (now, grant) = (self.now(), self.grants.get(&grant).filter(|it| !it.revoked));
        grant.is_some_and(|it| it.access.iter().any(|it| it.token == token && it.expires > now))
    }

    /// The live grant behind an access token; `None` when it is expired, revoked or unknown.
    pub fn grant_by_access_token(&self, token: &str) -> Option<GrantId> {
        let now = self.now();
        let live = self.grants.values().filter(|grant| !grant.revoked);
        let mut holds = live.filter(|grant| grant.access.iter().any(|it| it.token == token && it.expires > now));
        holds.next().map(|grant| grant.id)
    }

    /// Where a grant wants its webhooks, also after its revocation.
    pub fn callback_url(&self, grant: GrantId) -> Option<String> {
        self.grants.get(&grant).and_then(|it| it.callback_url.clone())
    }

    /// What signs a grant's webhooks.
    pub fn webhook_secret(&self, grant: GrantId) -> Option<String> {
        self.grants.get(&grant).map(|it| it.webhook_secret.clone())
    }

    /// Whether a grant has a capability of [`super::CAPABILITIES`].
    pub fn may(&self, grant: GrantId, capability: &str) -> bool {
        self.grants.get(&grant).and_then(|it| it.capabilities.get(capability)).copied().unwrap_or(false)
    }

    /// How often an access token reached the storage, which is none of its business.
    pub fn leaks(&self) -> u64 {
        self.leaks
    }

    /// How many armed faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.ledger.faults.len() + self.poll_faults.len()
    }

    /// The log, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &Entry> {
        self.ledger.entries()
    }

    /// A grant.
    pub fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.grants.get(&id)
    }

    /// All grants.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.values()
    }

    /// A topic.
    pub fn topic(&self, id: TopicId) -> Option<&Topic> {
        self.topics.get(&id)
    }

    /// All topics, oldest first.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.values()
    }

    /// How an account appears; `None` where nobody has this handle.
    pub fn appears(&self, handle: &str) -> Option<&str> {
        self.accounts.get(handle).map(|it| it.name.as_str())
    }

    /// A chat, also a deleted one.
    pub fn chat(&self, id: ChatId) -> Option<&Chat> {
        self.chats.get(&id)
    }

    /// A file, by one of [`super::Chat::attachments`].
    pub fn blob(&self, id: u64) -> Option<&Blob> {
        self.blobs.get(&id)
    }

    /// All chats, oldest first.
    pub fn chats(&self) -> impl Iterator<Item = &Chat> {
        self.chats.values()
    }
}
