//! Everything that one simulated platform of invites knows.

use std::time::Duration;

use super::{
    Call, Dialect, Entry, Options,
    books::Books,
    log::Facts,
    record::{Agent, Invite, JoinRequest, Key, Status, Wish},
};
use crate::{ids::Ids, log::Ledger};

/// The state behind one [`super::Sim`].
#[derive(Debug)]
pub struct World<D> {
    pub(crate) options: Options<D>,
    pub(crate) ids: Ids,
    /// The tenant, or the company, that everything here belongs to.
    pub(crate) tenant: String,
    pub(crate) invites: Vec<Invite>,
    pub(crate) requests: Vec<JoinRequest>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) keys: Vec<Key>,
    pub(crate) books: Books,
    pub(crate) ledger: Ledger<Facts>,
}

impl<D: Dialect> World<D> {
    pub(crate) fn new(options: Options<D>) -> Self {
        let mut ids = Ids::new(options.seed);
        Self {
            tenant: ids.uuid(),
            ledger: Ledger::new(options.log),
            options,
            ids,
            invites: Vec::new(),
            requests: Vec::new(),
            agents: Vec::new(),
            keys: Vec::new(),
            books: Books::default(),
        }
    }

    /// Accepts an invite: spends one of its uses, and makes a request with a secret of its own.
    pub(crate) fn join(&mut self, invite: &str, wish: Wish) -> Option<JoinRequest> {
        let now = self.now();
        let lifetime = u64::try_from(self.options.claim_lifetime.as_millis()).unwrap_or(u64::MAX);
        let invite = self.invites.iter_mut().find(|it| it.id == invite)?;
        invite.uses += 1;
        let request = JoinRequest {
            id: self.ids.uuid(),
            invite: invite.id.clone(),
            agent_name: wish.agent_name,
            adapter_type: wish.adapter_type,
            capabilities: wish.capabilities,
            config: wish.config,
            status: Status::Pending,
            created: now,
            decided: None,
            agent: None,
            claimed: None,
            secret_expires: now.saturating_add(lifetime),
            secret: self.ids.hex(D::CLAIM, 48),
        };
        self.requests.push(request.clone());
        Some(request)
    }

    /// Spends a request's secret on a key of its agent.
    pub(crate) fn claim(&mut self, request: &str) -> Option<Key> {
        let now = self.now();
        let request = self.requests.iter_mut().find(|it| it.id == request)?;
        let agent = request.agent.clone()?;
        request.claimed = Some(now);
        Some(self.key(&agent))
    }

    /// A new key of an agent.
    pub(crate) fn key(&mut self, agent: &str) -> Key {
        let key = Key {
            id: self.ids.uuid(),
            agent: agent.into(),
            created: self.now(),
            revoked: false,
            text: self.ids.hex(D::KEY, 48),
        };
        self.keys.push(key.clone());
        key
    }
}

impl<D> World<D> {
    /// Wall time in milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        (self.options.wall)()
    }

    /// The invite of a token, if it works still: neither taken back nor too old. It may be spent.
    pub(crate) fn standing(&self, token: &str) -> Option<&Invite> {
        let now = self.now();
        self.invites.iter().find(|it| it.token == token && !it.withdrawn && it.expires > now)
    }

    /// The request with this id.
    pub fn request(&self, id: &str) -> Option<&JoinRequest> {
        self.requests.iter().find(|it| it.id == id)
    }

    /// The agent whose key this is, unless the key was revoked.
    pub(crate) fn holder(&self, key: &str) -> Option<&Agent> {
        let key = self.keys.iter().find(|it| it.text == key && !it.revoked)?;
        self.agents.iter().find(|it| it.id == key.agent)
    }

    /// The requests that nobody has decided yet, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = &JoinRequest> {
        self.requests.iter().filter(|it| it.status == Status::Pending)
    }

    /// All invites, oldest first.
    pub fn invites(&self) -> impl Iterator<Item = &Invite> {
        self.invites.iter()
    }

    /// All join requests, oldest first.
    pub fn requests(&self) -> impl Iterator<Item = &JoinRequest> {
        self.requests.iter()
    }

    /// The roster.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter()
    }

    /// All keys, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The log, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &Entry> {
        self.ledger.entries()
    }

    /// How many requests of a kind arrived, whatever became of them.
    pub fn calls(&self, call: Call) -> usize {
        self.books.count(call)
    }

    /// When they did, in milliseconds since 1970 by the platform's own clock; the newest 100,800.
    pub fn call_times(&self, call: Call) -> impl Iterator<Item = u64> {
        self.books.times(call)
    }

    /// The most requests of a kind in any stretch of this length: 1 for one that came at most once in it.
    pub fn busiest(&self, call: Call, stretch: Duration) -> usize {
        self.books.busiest(call, stretch)
    }

    /// How many armed faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.ledger.faults.len()
    }
}
