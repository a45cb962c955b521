//! What an event says: the parts of its `data`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// How a conversation is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// Between the agent and one other.
    Direct,
    /// A room, channel, group or topic.
    Group,
    /// A document that people and agents edit.
    Document,
}

/// Where it happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// The platform's id; empty for what concerns the workspace as a whole.
    pub id: String,
    /// `null` where the platform does not tell.
    pub kind: Option<ConversationKind>,
    /// A title, where there is one.
    pub title: Option<String>,
    /// The conversation it hangs from, where there is one.
    pub parent: Option<String>,
    /// The conversation at the top of those that it hangs from, where the platform tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The message that it hangs from, where the platform tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawned_from: Option<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorKind {
    /// A person.
    Human,
    /// Another program, or this one.
    Agent,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Author {
    /// The platform's id or handle.
    pub id: Option<String>,
    /// A display name, where the platform gives one.
    pub name: Option<String>,
    /// `null` where the platform does not tell.
    pub kind: Option<AuthorKind>,
    /// The agent's own echo.
    pub me: bool,
}

/// A file that hangs on a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// File name, where told.
    pub name: Option<String>,
    /// Where to get it; never a URL with a secret in it.
    pub url: Option<String>,
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The platform's id.
    pub id: String,
    /// Plain text.
    pub text: Option<String>,
    /// The same as HTML, where the platform has it.
    pub html: Option<String>,
    /// The message it answers.
    pub reply_to: Option<String>,
    /// The same by its place, where the platform names places and the bridge does not know which message stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_place: Option<String>,
    /// The id by which replies name this message, where that is another than its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The conversation that hangs from this message, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Files.
    pub attachments: Vec<Attachment>,
}

/// The `data` of an event.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Data {
    /// Where it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// Whether the agent is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentions_me: Option<bool>,
    /// Which verbs work on this event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub can: Vec<String>,
    /// From before the first connect.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backfill: bool,
    /// Turned up out of the platform's order.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// The text was cut to fit the cap.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// What only this type has: bounds of a gap, a receipt, a reason.
    #[serde(flatten)]
    pub more: Map<String, Value>,
    /// The platform's own payload, scrubbed of secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Box<RawValue>>,
}
