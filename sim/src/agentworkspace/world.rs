//! Everything that one simulated platform knows.

use std::collections::{BTreeMap, HashMap};

use super::{
    hook::{Delivery, Hooks},
    live::Live,
    log::{Entry, Facts},
    options::Options,
    record::{
        Agent, AgentId, CalendarEvent, Document, DocumentId, DocumentType, Mention, Presence, ShareToken, Suggestion,
        Thread,
    },
};
use crate::{ids::Ids, log::Ledger};

/// E-mail-enabled agents of one account.
const MAILBOXES: usize = 2;

/// The state behind one [`super::Sim`].
#[derive(Debug)]
pub struct World {
    pub(crate) options: Options,
    pub(crate) ids: Ids,
    /// Signs draft tokens.
    pub(crate) key: [u8; 32],
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    /// API key → agent; keys that were regenerated are `None`.
    pub(crate) keys: HashMap<String, Option<AgentId>>,
    /// Oldest first.
    pub(crate) documents: Vec<Document>,
    /// Share token → document; revoked ones are `None`.
    pub(crate) shares: BTreeMap<ShareToken, Option<DocumentId>>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) suggestions: Vec<Suggestion>,
    pub(crate) presences: Vec<Presence>,
    pub(crate) events: Vec<CalendarEvent>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) hooks: Hooks,
    pub(crate) live: Live,
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
            agents: BTreeMap::new(),
            keys: HashMap::new(),
            documents: Vec::new(),
            shares: BTreeMap::new(),
            mentions: Vec::new(),
            suggestions: Vec::new(),
            presences: Vec::new(),
            events: Vec::new(),
            threads: Vec::new(),
            hooks: Hooks::default(),
            live: Live::default(),
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

    /// So many characters of a nanoid.
    pub(crate) fn nanoid(&mut self, length: usize) -> String {
        let mut id = self.ids.secret("");
        id.truncate(length);
        id
    }

    /// A new agent with an empty calendar but for its birthday.
    pub(crate) fn make_agent(&mut self, name: &str, account: &str) -> AgentId {
        let id = self.ids.uuid();
        let agent = Agent {
            id: id.clone(),
            name: name.into(),
            account: account.into(),
            webhook_url: None,
            email: None,
            webhook_secret: self.ids.secret("whsec_"),
            calendar_token: self.nanoid(32),
        };
        self.agents.insert(id.clone(), agent);
        self.make_key(&id);
        let day = self.now() / 86_400_000 * 86_400_000;
        let event = CalendarEvent {
            id: self.ids.uuid(),
            agent: id.clone(),
            title: format!("{name}'s birthday"),
            start: day,
            end: day + 86_400_000,
            description: None,
            location: None,
            all_day: true,
            rrule: Some("FREQ=YEARLY".into()),
            timezone: None,
            color: super::events::COLOR.into(),
        };
        self.events.push(event);
        id
    }

    /// A new key; the old one is revoked at once.
    pub(crate) fn make_key(&mut self, agent: &str) -> String {
        for holder in self.keys.values_mut().filter(|it| it.as_deref() == Some(agent)) {
            *holder = None;
        }
        let key = format!("ak_{}", self.nanoid(40));
        self.keys.insert(key.clone(), Some(agent.into()));
        key
    }

    /// Gives an agent an address; false when its account has as many as it may.
    pub(crate) fn enable_email(&mut self, agent: &str, handle: &str) -> bool {
        let account = self.agents.get(agent).map(|it| it.account.clone());
        let others = self.agents.values().filter(|it| Some(&it.account) == account.as_ref() && it.id != agent);
        if others.filter(|it| it.email.is_some()).count() >= MAILBOXES {
            return false;
        }
        let agent = self.agents.get_mut(agent);
        agent.map(|it| it.email = Some(format!("{handle}@agentworkspace.dev"))).is_some()
    }

    pub(crate) fn make_document(&mut self, agent: &str, title: &str, kind: DocumentType, content: &str) -> Document {
        let now = self.now();
        let document = Document {
            id: self.ids.uuid(),
            agent: agent.into(),
            title: title.into(),
            kind,
            content: if kind == DocumentType::Draft { String::new() } else { content.into() },
            slug: format!("doc-{}", self.nanoid(10)),
            created: now,
            updated: now,
        };
        self.documents.push(document.clone());
        if kind == DocumentType::Draft {
            self.open_room(&document.id, self.options.shape.clone(), content);
        }
        document
    }

    /// A new credential for a document.
    pub(crate) fn share(&mut self, document: &str) -> ShareToken {
        let token = self.nanoid(12);
        self.shares.insert(token.clone(), Some(document.into()));
        token
    }

    /// A document.
    pub fn document(&self, id: &str) -> Option<&Document> {
        self.documents.iter().find(|it| it.id == id)
    }

    /// What stands in a document now.
    pub fn content(&self, id: &str) -> Option<String> {
        let live = self.live.text(id);
        live.or_else(|| self.document(id).map(|it| it.content.clone()))
    }

    /// Writes the whole anew, in a draft as one more editor.
    pub(crate) fn write(&mut self, id: &str, content: &str) {
        if let Some(room) = self.live.rooms.get_mut(id) {
            let effect = room.rewrite(content);
            self.tell(id, effect);
            return;
        }
        let now = self.now();
        if let Some(document) = self.documents.iter_mut().find(|it| it.id == id) {
            document.content = content.into();
            document.updated = now;
        }
    }

    /// The agent with this name; people write it in any case.
    pub fn agent_named(&self, name: &str) -> Option<&Agent> {
        self.agents.values().find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// Every share token there ever was.
    pub fn share_tokens(&self) -> Vec<ShareToken> {
        self.shares.keys().cloned().collect()
    }

    /// All agents.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// All documents, oldest first.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.iter()
    }

    /// All mentions, oldest first.
    pub fn mentions(&self) -> impl Iterator<Item = &Mention> {
        self.mentions.iter()
    }

    /// All suggestions, oldest first.
    pub fn suggestions(&self) -> impl Iterator<Item = &Suggestion> {
        self.suggestions.iter()
    }

    /// Every announcement of a presence, oldest first.
    pub fn presences(&self) -> impl Iterator<Item = &Presence> {
        self.presences.iter()
    }

    /// All calendars' events, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &CalendarEvent> {
        self.events.iter()
    }

    /// All threads of all inboxes.
    pub fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.threads.iter()
    }

    /// Every webhook that was sent, in the order of their ends.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.hooks.done.iter()
    }

    /// The log, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &Entry> {
        self.ledger.entries()
    }

    /// How many armed faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.ledger.faults.len() + self.hooks.turns.len() + self.live.turns.len()
    }
}
