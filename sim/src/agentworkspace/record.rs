//! What the platform keeps: agents, documents, shares, mentions, suggestions, presences, events, mail.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A UUID.
pub type AgentId = String;
/// A UUID.
pub type DocumentId = String;
/// A UUID.
pub type MentionId = String;
/// The credential of a document, part of its URLs.
pub type ShareToken = String;

/// An agent of some account.
#[derive(Clone, Debug, Serialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// As people mention it, without `@`.
    pub name: String,
    /// Whose it is.
    pub account: String,
    /// Where its webhooks go.
    pub webhook_url: Option<String>,
    /// Its own address, once e-mail is enabled.
    pub email: Option<String>,
    #[serde(skip)]
    pub(crate) webhook_secret: String,
    /// The credential of its calendar's feed.
    #[serde(skip)]
    pub(crate) calendar_token: String,
}

/// What a document is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentType {
    /// Markdown text.
    #[default]
    Markdown,
    /// A JSON array of rows.
    Sheet,
    /// Markdown in sections.
    Slide,
    /// Edited live.
    Draft,
}

/// A document of an agent.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Whose it is.
    pub agent: AgentId,
    /// Its title.
    pub title: String,
    /// What it is.
    pub kind: DocumentType,
    /// As stored; a draft's lives in its room.
    pub content: String,
    /// The room's name in a live URL.
    pub slug: String,
    /// In milliseconds since 1970.
    pub created: u64,
    /// In milliseconds since 1970.
    pub updated: u64,
}

/// Where a mention stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MentionStatus {
    /// The person still types.
    Pending,
    /// The person clicked *Send*: an instruction.
    Sent,
    /// The agent handled it.
    Done,
}

/// An agent's name in a document.
#[derive(Clone, Debug, Serialize)]
pub struct Mention {
    /// Its id.
    pub id: MentionId,
    /// Where.
    pub document: DocumentId,
    /// The agent's name.
    pub name: String,
    /// Who mentioned it.
    pub author: String,
    /// The paragraph around it.
    pub context: String,
    /// Where it stands.
    pub status: MentionStatus,
    /// In milliseconds since 1970.
    pub created: u64,
}

/// What a person made of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing yet.
    Pending,
    /// The document has it now.
    Accepted,
    /// The document stays as it is.
    Rejected,
}

/// What an agent would have changed.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestion {
    /// Its id.
    pub id: String,
    /// Where.
    pub document: DocumentId,
    /// The text to replace.
    pub search: String,
    /// What would stand there.
    pub replacement: String,
    /// Who suggests it.
    pub author: String,
    /// What became of it.
    pub verdict: Verdict,
    /// In milliseconds since 1970.
    pub created: u64,
}

/// Somebody's presence in a document, as announced over REST; one for each announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// Where.
    pub document: DocumentId,
    /// Whose.
    pub name: String,
    /// `reading`, `thinking`, `acting` or `completed`.
    pub status: String,
    /// In milliseconds since 1970.
    pub at: u64,
}

/// An entry of an agent's calendar.
#[derive(Clone, Debug, Serialize)]
pub struct CalendarEvent {
    /// Its id.
    pub id: String,
    /// Whose calendar.
    pub agent: AgentId,
    /// Its title.
    pub title: String,
    /// In milliseconds since 1970.
    pub start: u64,
    /// In milliseconds since 1970.
    pub end: u64,
    /// What it is about.
    pub description: Option<String>,
    /// Where it is.
    pub location: Option<String>,
    /// Whether it has no hours.
    pub all_day: bool,
    /// How it recurs (RFC 5545, 3.3.10).
    pub rrule: Option<String>,
    /// An IANA time zone.
    pub timezone: Option<String>,
    /// `#rrggbb`.
    pub color: String,
}

/// A conversation by e-mail.
#[derive(Clone, Debug, Serialize)]
pub struct Thread {
    /// Begins with `th_`.
    pub id: String,
    /// Whose inbox.
    pub agent: AgentId,
    /// Of its first mail.
    pub subject: String,
    /// `sent`, `received`, or both.
    pub labels: BTreeSet<&'static str>,
    /// Oldest first.
    pub mails: Vec<Mail>,
}

/// One e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// Begins with `msg_`.
    pub id: String,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses.
    pub to: Vec<String>,
    /// Those of the copy.
    pub cc: Vec<String>,
    /// Those of the blind copy.
    pub bcc: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// Its HTML.
    pub html: Option<String>,
    /// Whether the agent has not read it.
    pub unread: bool,
    /// In milliseconds since 1970.
    pub created: u64,
}
