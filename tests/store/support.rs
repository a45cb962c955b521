//! A store in a directory of its own, and short words for what goes into it.

use std::path::PathBuf;

use agent_bridge::clock::Clock;
use agent_bridge::event::{
    Conversation, ConversationKind, Data, Draft, Identity, Message, NewEvent, Type, WorkspaceName,
};
use agent_bridge::store::{Options, Store};

/// 2026-01-01.
pub const NOW: u64 = 1_767_225_600_000;
pub const DAY: i64 = 24 * 60 * 60 * 1000;

/// A directory for a store; gone when dropped.
pub struct Place {
    directory: tempfile::TempDir,
    pub options: Options,
}

impl Place {
    /// An empty place, with a clock that starts at [`NOW`], and no ballast.
    pub fn new() -> Self {
        let options = Options { ballast: 0, cache: 8 << 20, clock: Clock::paced(NOW), ..Options::default() };
        Self { directory: tempfile::tempdir().unwrap(), options }
    }

    pub fn path(&self) -> PathBuf {
        self.file("store.redb")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("state").join(name)
    }

    /// Makes the store's directory before the store does.
    pub fn make(&self) {
        std::fs::create_dir_all(self.directory.path().join("state")).unwrap();
    }

    pub fn open(&self) -> Store {
        Store::open(&self.path(), self.options.clone()).unwrap()
    }

    pub fn jump(&self, days: i64) {
        self.options.clock.jump(days * DAY);
    }
}

pub fn acme() -> WorkspaceName {
    name("acme")
}

pub fn name(text: &str) -> WorkspaceName {
    WorkspaceName::new(text).unwrap()
}

pub fn event(kind: Type, conversation: &str, identity: Identity) -> NewEvent {
    event_with(kind, conversation, identity, "hello")
}

pub fn event_with(kind: Type, conversation: &str, identity: Identity, text: &str) -> NewEvent {
    let conversation =
        Conversation { id: conversation.into(), kind: Some(ConversationKind::Group), ..Conversation::default() };
    let message = Message { id: "m".into(), text: Some(text.into()), ..Message::default() };
    let data = Data { conversation: Some(conversation), message: Some(message), ..Data::default() };
    Draft { workspace: acme(), platform: Some("sim".into()), kind, identity, time: "2026-01-01T00:00:00Z".into(), data }
        .seal()
}

pub fn object(object: &str, revision: &str) -> Identity {
    Identity::Object { object: object.into(), revision: revision.into() }
}

pub fn message(id: &str) -> NewEvent {
    event(Type::MessageCreated, "c1", object(id, "r1"))
}

pub fn created(conversation: &str, id: &str) -> NewEvent {
    event(Type::MessageCreated, conversation, object(id, "r1"))
}
