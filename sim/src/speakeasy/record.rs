//! What the platform keeps: people, requests, grants, topics, chats, blobs.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

/// `agent_grants.id`.
pub type GrantId = u64;
/// A topic's id.
pub type TopicId = u64;
/// A chat's id.
pub type ChatId = u64;

/// The capabilities of a grant, as `GET /agent/me` lists them.
pub const CAPABILITIES: [&str; 12] = [
    "topic_hierarchy",
    "threaded_topic_create",
    "topic_history",
    "topic_participants_read",
    "topic_files_read",
    "typing_indicator",
    "attachments",
    "event_polling",
    "event_webhooks",
    "event_websocket",
    "chat_idempotency",
    "profile_update",
];

/// An account: a person, or the agent of a grant.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// Its id.
    pub id: u64,
    /// By which others name it.
    pub handle: String,
    /// How it appears.
    pub name: String,
    /// Whether it belongs to a grant.
    pub agent: bool,
    /// Whether agents see it before they share a topic with it.
    pub listed: bool,
    /// Until when Agent Discovery is open, in milliseconds since 1970.
    pub discovery: Option<u64>,
}

/// What became of a request for access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody answered yet.
    Pending,
    /// Yes.
    Approved,
    /// No.
    Denied,
}

/// A request for access.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id.
    pub id: u64,
    /// Whom it asks.
    pub owner: String,
    /// Who asks, as the person sees it.
    pub requester_name: String,
    /// How the agent wants to appear.
    pub agent_name: String,
    /// Where webhooks go.
    pub callback_url: Option<String>,
    /// What became of it.
    pub status: Status,
    /// When it ends unanswered, in milliseconds since 1970.
    pub expires: u64,
    pub(crate) poll_token: String,
    /// Taken by the exchange.
    pub(crate) exchange_code: Option<String>,
}

/// An access token and its end.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) token: String,
    pub(crate) expires: u64,
}

/// A refresh token and its past.
#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) token: String,
    pub(crate) expires: u64,
    /// The one before it, and how often that one is still taken.
    pub(crate) before: Option<(String, u32)>,
    /// Every one that was rotated away.
    pub(crate) spent: Vec<String>,
}

/// What one person granted to one agent.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The agent's account.
    pub account: u64,
    /// The agent's handle.
    pub handle: String,
    /// Who granted it.
    pub owner: String,
    /// Where webhooks go.
    pub callback_url: Option<String>,
    /// What signs them.
    pub webhook_secret: String,
    /// Whether it is over.
    pub revoked: bool,
    /// What it may do.
    pub capabilities: BTreeMap<&'static str, bool>,
    pub(crate) access: Vec<Access>,
    pub(crate) refresh: Refresh,
}

/// Somebody in a topic.
#[derive(Clone, Debug, Serialize)]
pub struct Participant {
    /// Its id.
    pub id: u64,
    /// Who.
    pub handle: String,
}

/// A conversation.
#[derive(Clone, Debug, Serialize)]
pub struct Topic {
    /// Its id.
    pub id: TopicId,
    /// What it is about; empty for a direct one.
    pub subject: String,
    /// Whether it is a direct chat of two.
    pub direct: bool,
    /// The topic above it.
    pub parent: Option<TopicId>,
    /// The topmost topic; itself without a parent.
    pub root: TopicId,
    /// The chat that it grew from.
    pub spawned_from: Option<ChatId>,
    /// Who is in it, in the order in which they came.
    pub participants: Vec<Participant>,
}

impl Topic {
    /// Whether somebody is in it.
    pub fn has(&self, handle: &str) -> bool {
        self.participants.iter().any(|it| it.handle == handle)
    }
}

/// A message and its entry in the timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Chat {
    /// Its id.
    pub id: ChatId,
    /// The id of its timeline entry, by which replies and cursors name it.
    pub timeline: u64,
    /// Where it was said.
    pub topic: TopicId,
    /// Who said it.
    pub author: String,
    /// As plain text.
    pub plain: String,
    /// As HTML.
    pub html: String,
    /// Whether it is gone; its texts and attachments are then empty.
    pub deleted: bool,
    /// When it was last changed, in milliseconds since 1970.
    pub edited: Option<u64>,
    /// The timeline entry that it answers.
    pub reply_to: Option<u64>,
    /// Blobs by id.
    pub attachments: Vec<u64>,
}

/// A file, announced and perhaps there.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Its id.
    pub id: u64,
    /// Who announced it; `None` for a person's.
    pub grant: Option<GrantId>,
    /// Its place in the storage.
    pub key: String,
    /// What chats name it by.
    pub signed_id: String,
    /// Its name.
    pub filename: String,
    /// Its type.
    pub content_type: String,
    /// How long it is to be.
    pub byte_size: u64,
    /// Its MD5, in base64.
    pub checksum: String,
    /// What was uploaded.
    pub bytes: Option<Bytes>,
}
