//! Reads one thing of a platform (a message, a person) by the pointers of its event.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::mapping::Mapping;
use super::scrub::SEALED;
use super::time;
use crate::adapter::{AttachmentSpec, EventSpec, Pointers, TopicSpec};
use crate::event::{Attachment, Author, Conversation, Identity, Message};

/// A longer id, or one with control characters, is replaced by its beginning and its hash.
const ID_CAP: usize = 256;

/// One thing as its platform tells it, in the form the bridge keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// The platform's id of the event, where it documents one.
    pub event: Option<String>,
    /// The platform's id.
    pub id: String,
    /// The conversation's id; empty for the workspace as a whole.
    pub conversation: String,
    /// The version or edit time as an opaque string, else [`Object::hash`].
    pub revision: String,
    /// A hash of the content (16 hex digits).
    pub hash: String,
    /// When it happened, RFC 3339; `None` where the platform does not tell.
    pub time: Option<String>,
    /// Who did it.
    pub author: Author,
    /// Plain text.
    pub text: Option<String>,
    /// The same as HTML.
    pub html: Option<String>,
    /// The message it answers.
    pub reply_to: Option<String>,
    /// The place of the message it answers, where the platform names places.
    pub reply_to_place: Option<String>,
    /// The id by which replies name it.
    pub place: Option<String>,
    /// The conversation that hangs from it.
    pub thread: Option<String>,
    /// What it tells of its conversation, beside the id.
    pub topic: Conversation,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Whether the agent is meant, as the platform says.
    pub mentions_me: Option<bool>,
}

/// Why a thing cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmapped {
    /// `events` has no such name.
    #[error("the manifest has no event `{0}`")]
    Event(String),
    /// The pointers find nothing.
    #[error("no {field} stands where the manifest's pointers look ({tried}): mend them in adapters_dir")]
    Field {
        /// `object` or `conversation`.
        field: &'static str,
        /// The pointers.
        tried: String,
    },
}

impl Object {
    /// Whether this is the revision the store knows. One that was told without a version was known by its content.
    pub fn is_revision(&self, known: &str) -> bool {
        known == self.revision || known == self.hash
    }

    pub(super) fn identity(&self) -> Identity {
        match &self.event {
            Some(id) => Identity::Native(id.clone()),
            None => Identity::Object { object: self.id.clone(), revision: self.revision.clone() },
        }
    }

    pub(super) fn into_parts(self) -> (Author, Message) {
        let Self { id, text, html, reply_to, reply_to_place, place, thread, attachments, author, .. } = self;
        (author, Message { id, text, html, reply_to, reply_to_place, place, thread, attachments })
    }
}

/// Reads a thing as this event of the manifest maps it. `room` is its conversation where it does not say itself.
pub fn object(item: &Value, mapping: &Mapping, event: &str, room: Option<&str>) -> Result<Object, Unmapped> {
    let spec = mapping.manifest.events.get(event).ok_or_else(|| Unmapped::Event(event.to_owned()))?;
    read(item, mapping, spec, room)
}

pub(super) fn read(item: &Value, mapping: &Mapping, spec: &EventSpec, room: Option<&str>) -> Result<Object, Unmapped> {
    let room = || room.map(str::to_owned);
    let conversation = match id(&spec.conversation, item).or_else(room) {
        Some(conversation) => conversation,
        None if spec.conversation.is_empty() => String::new(),
        None => return Err(nothing("conversation", &spec.conversation)),
    };
    let (text, html) = (spec.text.text(item), spec.html.text(item));
    let answered = id(&spec.reply_to, item);
    let (reply_to, reply_to_place) = if spec.place.is_empty() { (answered, None) } else { (None, answered) };
    let attachments = spec.attachment.as_ref().map(|files| attachments(files, item)).unwrap_or_default();
    let hash = content_hash(text.as_deref(), html.as_deref(), &attachments);
    Ok(Object {
        event: id(&spec.event, item),
        id: id(&spec.object, item).ok_or_else(|| nothing("object", &spec.object))?,
        conversation,
        revision: id(&spec.revision, item).unwrap_or_else(|| hash.clone()),
        hash,
        time: spec.time.find(item).and_then(time::rfc3339),
        author: author(spec, item, mapping),
        text,
        html,
        reply_to,
        reply_to_place,
        place: id(&spec.place, item),
        thread: id(&spec.thread, item),
        topic: topic(&spec.topic, item),
        attachments,
        mentions_me: spec.mentions_me.find(item).and_then(Value::as_bool),
    })
}

fn topic(spec: &TopicSpec, item: &Value) -> Conversation {
    Conversation {
        title: spec.title.text(item),
        parent: id(&spec.parent, item),
        root: id(&spec.root, item),
        spawned_from: id(&spec.spawned_from, item),
        ..Conversation::default()
    }
}

fn author(spec: &EventSpec, item: &Value, mapping: &Mapping) -> Author {
    let id = id(&spec.author.id, item);
    let me = mapping.is_me(id.as_deref(), spec.author.login.text(item).as_deref());
    let kind = spec.author.kind.as_ref().and_then(|kind| kind.read(item));
    Author { id, name: spec.author.name.text(item), kind, me }
}

fn attachments(spec: &AttachmentSpec, item: &Value) -> Vec<Attachment> {
    // One of which no more than its name is told is there all the same.
    let one = |item: &Value| {
        let text = |at: &Pointers| at.text(item).filter(|text| !text.is_empty());
        let (name, url) = (text(&spec.name), text(&spec.url));
        (name.is_some() || url.is_some()).then_some(Attachment { name, url })
    };
    match &spec.items {
        None => one(item).into_iter().collect(),
        Some(at) => at.find(item).and_then(Value::as_array).into_iter().flatten().filter_map(one).collect(),
    }
}

fn nothing(field: &'static str, pointers: &Pointers) -> Unmapped {
    let tried: Vec<&str> = pointers.all().iter().map(crate::adapter::Pointer::as_str).collect();
    Unmapped::Field { field, tried: tried.join(", ") }
}

/// An id as text that is safe to print, compare and build keys from. An empty one counts as missing, and so does one
/// that was sealed, for all of those are equal.
pub(super) fn id(pointers: &Pointers, item: &Value) -> Option<String> {
    let text = pointers.text(item).filter(|text| !text.is_empty() && text != SEALED)?;
    if text.len() <= ID_CAP && !text.contains(char::is_control) {
        return Some(text);
    }
    let start: String = text.chars().filter(|c| !c.is_control()).take(32).collect();
    Some(format!("{start}~{}", hash(&[&text])))
}

fn content_hash(text: Option<&str>, html: Option<&str>, attachments: &[Attachment]) -> String {
    let mut parts = vec![text.unwrap_or_default(), html.unwrap_or_default()];
    for file in attachments {
        parts.extend([file.url.as_deref().unwrap_or_default(), file.name.as_deref().unwrap_or_default()]);
    }
    hash(&parts)
}

/// The first 16 hex digits of the SHA-256 of the parts, each behind its length, so that none runs into the next.
pub(super) fn hash(parts: &[&str]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    let digest = sha.finalize();
    digest.iter().take(8).fold(String::with_capacity(16), |text, byte| text + &format!("{byte:02x}"))
}
