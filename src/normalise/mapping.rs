//! What normalising must know beside the frame: the manifest, who the agent is, the rooms, the secrets.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use secrecy::SecretString;

use super::mention;
use super::object::Object;
use super::scrub::Scrubber;
use crate::adapter::{Action, Manifest, Root, text};
use crate::event::{Conversation, ConversationKind, Draft, Type, WorkspaceName};
use crate::store::WorkspaceRecord;

/// A room as its platform lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// How it is held.
    pub kind: Option<ConversationKind>,
    /// Its title.
    pub title: Option<String>,
}

/// What normalising must know beside the frame. Made once per workspace, and again when its rooms, facts or secrets
/// change.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) workspace: WorkspaceName,
    pub(super) platform: Arc<str>,
    pub(super) manifest: Arc<Manifest>,
    pub(super) scrubber: Scrubber,
    ids: BTreeSet<String>,
    logins: Vec<String>,
    names: Vec<String>,
    rooms: HashMap<String, Room>,
    verbs: Vec<Verb>,
}

/// What a verb needs of an event to work on it.
#[derive(Clone, Debug)]
struct Verb {
    name: String,
    conversation: bool,
    message: bool,
    own: bool,
}

impl Verb {
    /// `None` for a verb that needs what no event has (a person to open a conversation with), or needs nothing of it.
    fn of(name: &str, action: &Action) -> Option<Self> {
        let needed: Vec<&str> =
            action.call.path.references().filter(|it| it.root == Root::Action).map(|it| it.name.as_str()).collect();
        let conversation = action.call.arguments(Root::Action).get("conversation") == Some(&false);
        let message = needed.contains(&"message");
        let others = action.call.arguments(Root::Action).into_iter();
        let strange = others.filter(|(_, optional)| !optional).any(|(name, _)| name == "person");
        let fits = !strange && (conversation || message);
        fits.then(|| Self { name: name.to_owned(), conversation, message, own: action.own })
    }
}

impl Mapping {
    /// The mapping of a joined workspace. `secrets` are all that are sealed for it, and its tokens.
    pub fn new(
        manifest: Arc<Manifest>,
        record: &WorkspaceRecord,
        secrets: impl IntoIterator<Item = SecretString>,
    ) -> Self {
        let value = |name: &String| {
            let fact = record.facts.get(name).and_then(text);
            fact.or_else(|| record.settings.get(name).cloned()).filter(|value| !value.is_empty())
        };
        let me = &manifest.me;
        let direct = record.facts.get("direct").and_then(text);
        let room = Room { kind: Some(ConversationKind::Direct), title: None };
        let granted = manifest.actions.iter().filter(|(_, action)| {
            manifest.grants(&record.facts, action.needs.as_deref()) && action.call.reaches(&manifest, &record.session)
        });
        Self {
            workspace: record.name.clone(),
            platform: manifest.platform.as_str().into(),
            scrubber: Scrubber::new(secrets).with_sensitive(manifest.sensitive.clone()),
            ids: me.ids.iter().filter_map(value).collect(),
            logins: me.logins.iter().filter_map(value).collect(),
            names: me.names.iter().chain(&me.logins).filter_map(value).map(|name| name.to_lowercase()).collect(),
            rooms: direct.map(|id| (id, room)).into_iter().collect(),
            verbs: granted.filter_map(|(name, action)| Verb::of(name, action)).collect(),
            manifest,
        }
    }

    /// With what the platform's list of rooms tells; a room that is not listed keeps what was known of it.
    #[must_use]
    pub fn with_rooms(mut self, rooms: impl IntoIterator<Item = (String, Room)>) -> Self {
        for (id, mut room) in rooms {
            room.title = room.title.map(|title| self.scrubber.scrub(&title).into_owned());
            self.rooms.insert(id, room);
        }
        self
    }

    /// The manifest it was made from.
    pub const fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// The scrubber it was made with.
    pub const fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// What is known of a room.
    pub fn room(&self, id: &str) -> Option<&Room> {
        self.rooms.get(id)
    }

    /// What is known of a conversation; what its event tells of it counts before what the platform's list told.
    pub(super) fn conversation(&self, id: &str, told: Conversation) -> Conversation {
        let room = self.rooms.get(id).cloned().unwrap_or_default();
        Conversation { id: id.to_owned(), kind: room.kind, title: told.title.or(room.title), ..told }
    }

    /// An id of its own, or a login name of its own (whose case no platform means to tell people apart by).
    pub fn is_me(&self, id: Option<&str>, login: Option<&str>) -> bool {
        let known = |login: &str| self.logins.iter().any(|own| own.eq_ignore_ascii_case(login));
        id.is_some_and(|id| self.ids.contains(id)) || login.is_some_and(known)
    }

    /// What the platform says; else in a direct conversation, or where the text has one of its names.
    pub(super) fn is_meant(&self, object: &Object) -> bool {
        if object.author.me {
            return false;
        }
        let direct =
            || self.rooms.get(&object.conversation).is_some_and(|room| room.kind == Some(ConversationKind::Direct));
        let named = || object.text.as_deref().is_some_and(|text| mention::names_one(text, &self.names));
        object.mentions_me.unwrap_or_else(|| direct() || named())
    }

    /// How a conversation is held became known after its event was read: the event says so, and whether it is meant for
    /// the agent, but where the platform itself says that.
    pub fn held_as(&self, draft: &mut Draft, kind: ConversationKind) {
        let Some(conversation) = &mut draft.data.conversation else { return };
        conversation.kind = Some(kind);
        let own = draft.data.author.as_ref().is_some_and(|author| author.me);
        let told =
            draft.kind == Type::MentionCreated || self.manifest.events.iter().any(|(_, it)| !it.mentions_me.is_empty());
        let Some(meant) = draft.data.mentions_me.as_mut().filter(|_| !own && !told) else { return };
        let text = draft.data.message.as_ref().and_then(|message| message.text.as_deref());
        *meant = kind == ConversationKind::Direct || text.is_some_and(|text| mention::names_one(text, &self.names));
    }

    /// The verbs that work on this.
    pub(super) fn can(&self, object: &Object) -> Vec<String> {
        let has_room = !object.conversation.is_empty();
        let fits = |verb: &&Verb| (has_room || !verb.conversation) && (object.author.me || !verb.own);
        self.verbs.iter().filter(fits).map(|verb| verb.name.clone()).collect()
    }

    /// The verbs that work where this was.
    pub(super) fn can_in_room(&self, object: &Object) -> Vec<String> {
        let mut verbs = self.can(object);
        verbs.retain(|name| self.verbs.iter().any(|verb| verb.name == *name && !verb.message));
        verbs
    }
}
