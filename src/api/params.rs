//! The parameters of every call, on both doors: unknown keys and wrong types are refused by name.

mod operator;

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use operator::*;

use crate::action::Request;
use crate::config::Span;
use crate::event::WorkspaceName;

/// A duration: a text as in `"30s"`, or whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl serde::de::Visitor<'_> for Reads {
            type Value = Wait;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration as in \"30s\", or whole milliseconds")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Wait, E> {
                Span::parse(text).map(|span| Wait(span.0)).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<Wait, E> {
                self.visit_str(&format!("{millis}ms"))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

/// A secret in a call: read, never shown.
#[derive(Clone, Debug)]
pub struct Private(pub SecretString);

impl<'de> Deserialize<'de> for Private {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The parser's own word would quote what was given.
        let text =
            String::deserialize(deserializer).map_err(|_| serde::de::Error::custom("a secret must be a text"))?;
        Ok(Self(text.into()))
    }
}

/// A number that may also come as text, as it does in a URL.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    match Option::<Either>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Either::Number(number)) => Ok(Some(number)),
        Some(Either::Text(text)) => {
            text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("`{text}` is no whole number")))
        }
    }
}

/// `ping`, `version`, `workspaces`, `consumers`: nothing.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// `subscribe`: become the reader of a consumer.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// Which.
    pub consumer: String,
    /// Events out at once.
    #[serde(default)]
    pub max_in_flight: Option<u32>,
    /// Events of one conversation out at once; 0 for no limit but `max_in_flight`.
    #[serde(default)]
    pub per_lane: Option<u32>,
    /// How long a lease lasts.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub ack_wait: Option<Wait>,
    /// End a reader that is there.
    #[serde(default)]
    pub take_over: bool,
}

/// `ack`: done. One of `seq`, `seqs`, `up_to`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    /// Whose; on a subscribed connection: its own consumer.
    #[serde(default)]
    pub consumer: Option<String>,
    /// One event.
    #[serde(default)]
    pub seq: Option<u64>,
    /// Several events.
    #[serde(default)]
    pub seqs: Option<Vec<u64>>,
    /// All that is now leased to this connection, up to and with this one.
    #[serde(default)]
    pub up_to: Option<u64>,
    /// What to do along with it; commits with the ack.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub actions: Vec<Request>,
}

/// `reply`: ack and send into the same conversation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Whose; on a subscribed connection: its own consumer.
    #[serde(default)]
    pub consumer: Option<String>,
    /// Which event.
    pub seq: u64,
    /// What to say.
    pub text: String,
    /// More to do along with it.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub actions: Vec<Request>,
}

/// `nack`: again later.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nack {
    /// Whose; on a subscribed connection: its own consumer.
    #[serde(default)]
    pub consumer: Option<String>,
    /// Which event.
    pub seq: u64,
    /// How much later; without it by backoff.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub delay: Option<Wait>,
    /// What a dead letter will say if this was the last attempt.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `extend`: the lease starts anew.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// Whose; on a subscribed connection: its own consumer.
    #[serde(default)]
    pub consumer: Option<String>,
    /// Which event.
    pub seq: u64,
}

/// `reject`: to the dead letters.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// Whose; on a subscribed connection: its own consumer.
    #[serde(default)]
    pub consumer: Option<String>,
    /// Which event.
    pub seq: u64,
    /// Why.
    pub reason: String,
}

/// `act`: an action.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// What: a verb of the platform's manifest.
    pub verb: String,
    /// With what.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub args: Map<String, Value>,
    /// For 30 days the same key is the same action.
    #[serde(default)]
    pub key: Option<String>,
    /// Answer when it has settled, or when this is over. Default: at once; at most 5 minutes.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub wait: Option<Wait>,
}

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

/// `call`: any other request on the workspace's platform, signed in as the workspace.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Where.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// A path under the workspace's own base, with its query: `/channels?limit=5`.
    pub path: String,
    /// A JSON body.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_a_text_or_milliseconds() {
        let wait = |text: &str| serde_json::from_str::<Wait>(text).map(|wait| wait.0);
        assert_eq!(wait("\"30s\"").unwrap(), Duration::from_secs(30));
        assert_eq!(wait("1500").unwrap(), Duration::from_millis(1_500));
        for bad in ["-1", "1.5", "true", "\"soon\"", "99999999999999999"] {
            assert!(wait(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn strangers_and_wrong_types_are_named() {
        let word = |text: &str| serde_json::from_str::<Ack>(text).unwrap_err().to_string();
        assert!(word(r#"{"sequence":1}"#).contains("unknown field `sequence`"));
        assert!(word(r#"{"seq":"1"}"#).contains("expected u64"));
        let history: History = serde_json::from_str(r#"{"workspace":"a","conversation":"7","limit":"20"}"#).unwrap();
        assert_eq!(history.limit, Some(20));
    }
}
