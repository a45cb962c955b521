//! The parameters of questions.

use serde::Deserialize;
use utoipa::ToSchema;

use super::Wait;
use super::plain::number;
use crate::event::WorkspaceName;

/// `receipt`: what became of an action.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The action.
    pub id: String,
    /// Answer when it has settled, or when this is over.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub wait: Option<Wait>,
}

/// `history`: messages of a conversation, as the platform has them now.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// Which conversation.
    pub conversation: String,
    /// What is older: the `next` of the page before, or, where pages have none, the id of its oldest message.
    #[serde(default)]
    pub before: Option<String>,
    /// At most so many, where the platform lets the asker choose. Default 50, at most 200.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u64>,
}

/// `conversations` and `people`: lists of a workspace.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfWorkspace {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// `people`: only those of this conversation.
    #[serde(default)]
    pub conversation: Option<String>,
}

/// `message`: one message of a conversation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// Which conversation.
    pub conversation: String,
    /// Which message.
    pub message: String,
}

/// `conversation` and `files`: about one conversation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfConversation {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// Which conversation.
    pub conversation: String,
}

/// `me`: about the workspace's own account.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InWorkspace {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
}

/// `document` and `document_remove`: one document.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// Which document.
    pub document: String,
}

/// What stands on an agent's own desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeskWhat {
    /// Its documents.
    Documents,
    /// One document, with its content.
    Document,
    /// The events of its calendar.
    Events,
    /// One event.
    Event,
    /// The threads of its e-mail.
    Emails,
    /// One thread, with its messages.
    Email,
    /// What the platform tells an agent of itself.
    Skill,
}

/// The arguments of a list that is read in pages.
const PAGED: &[&str] = &["limit", "offset"];

impl DeskWhat {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Document => "document",
            Self::Events => "events",
            Self::Event => "event",
            Self::Emails => "emails",
            Self::Email => "email",
            Self::Skill => "skill",
        }
    }

    /// The manifest's question, the argument that it cannot do without, and those that may be given.
    pub const fn question(self) -> (&'static str, Option<&'static str>, &'static [&'static str]) {
        match self {
            Self::Documents => ("desk.documents", None, PAGED),
            Self::Document => ("desk.document", Some("document"), &[]),
            Self::Events => ("desk.events", None, &["start_after", "start_before", "limit", "offset"]),
            Self::Event => ("desk.event", Some("event"), &[]),
            Self::Emails => ("desk.emails", None, &["labels", "limit", "offset"]),
            Self::Email => ("desk.email", Some("thread"), &[]),
            Self::Skill => ("desk.skill", None, &[]),
        }
    }
}

/// `desk`: what stands on the agent's own desk. Which arguments there are depends on `what`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// What.
    pub what: DeskWhat,
    /// `document`: which.
    #[serde(default)]
    pub document: Option<String>,
    /// `event`: which.
    #[serde(default)]
    pub event: Option<String>,
    /// `email`: which thread.
    #[serde(default)]
    pub thread: Option<String>,
    /// `emails`: only threads with one of these, as in `sent` or `received`.
    #[serde(default)]
    pub labels: Option<String>,
    /// `events`: what starts from then on, an ISO 8601 date and time.
    #[serde(default)]
    pub start_after: Option<String>,
    /// `events`: what starts before, an ISO 8601 date and time.
    #[serde(default)]
    pub start_before: Option<String>,
    /// Lists: at most so many; the platform says how many it gives.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u64>,
    /// Lists: behind so many.
    #[serde(default, deserialize_with = "number")]
    pub offset: Option<u64>,
}
