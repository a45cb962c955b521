//! What events mean, as a manifest tells it.

use serde::Deserialize;

use super::pointer::{Choice, Pointer, Pointers};
use crate::event::{AuthorKind, Type};

/// What an event means, by pointers into the thing that `receive.item` (or a page) gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSpec {
    /// What happened; where it is left out, the platform's name for the event says so itself.
    pub r#type: Option<Type>,
    /// The platform's own id of the event, where it documents one.
    #[serde(default)]
    pub event: Pointers,
    /// The conversation's id.
    #[serde(default)]
    pub conversation: Pointers,
    /// The object's id: the message's, the person's.
    #[serde(default)]
    pub object: Pointers,
    /// Its version or edit time; where it is not there, a hash of the content.
    #[serde(default)]
    pub revision: Pointers,
    /// When it happened.
    #[serde(default)]
    pub time: Pointers,
    /// Plain text.
    #[serde(default)]
    pub text: Pointers,
    /// The same as HTML.
    #[serde(default)]
    pub html: Pointers,
    /// The id of the message it answers; with `place`, the place of that message.
    #[serde(default)]
    pub reply_to: Pointers,
    /// The id by which replies name the message, where that is another than its own.
    #[serde(default)]
    pub place: Pointers,
    /// The id of the conversation that hangs from the message.
    #[serde(default)]
    pub thread: Pointers,
    /// What the event tells of its conversation.
    #[serde(default)]
    pub topic: TopicSpec,
    /// Who did it.
    #[serde(default)]
    pub author: AuthorSpec,
    /// Whether the agent is meant, as the platform says: a boolean.
    #[serde(default)]
    pub mentions_me: Pointers,
    /// Files.
    pub attachment: Option<AttachmentSpec>,
}

/// What an event tells of its conversation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// The conversation that it hangs from.
    #[serde(default)]
    pub parent: Pointers,
    /// The one at the top.
    #[serde(default)]
    pub root: Pointers,
    /// The message that it hangs from.
    #[serde(default)]
    pub spawned_from: Pointers,
    /// Its title.
    #[serde(default)]
    pub title: Pointers,
}

/// Who did it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorSpec {
    /// The id or handle.
    #[serde(default)]
    pub id: Pointers,
    /// A login name, compared with `me.logins`.
    #[serde(default)]
    pub login: Pointers,
    /// The display name.
    #[serde(default)]
    pub name: Pointers,
    /// Person or program.
    pub kind: Option<Choice<AuthorKind>>,
}

/// The files of a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentSpec {
    /// The list of files; left out: a message has at most one, described by its own fields.
    pub items: Option<Pointer>,
    /// Where to get it.
    pub url: Pointers,
    /// Its name.
    #[serde(default)]
    pub name: Pointers,
}
