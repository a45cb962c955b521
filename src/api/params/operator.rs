//! The parameters of the operator's calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::plain::{Private, number};
use crate::config::Span;
use crate::consumer::Only;
use crate::event::WorkspaceName;

/// `status`: of one workspace, or of all.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Which.
    #[serde(default)]
    pub workspace: Option<String>,
}

/// `trace`: the way of an event or an action.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// An event's id, its sequence, or an action's id.
    pub id: String,
}

/// `join`: take a seat in a workspace.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The platform.
    pub platform: String,
    /// The operator's name for it.
    #[schema(value_type = String)]
    pub name: WorkspaceName,
    /// An invite link, or the origin.
    #[serde(default)]
    pub link: Option<String>,
    /// The instance, where the link points at a relay.
    #[serde(default)]
    pub instance: Option<String>,
    /// The manifest's settings.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The manifest's secrets.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub secrets: BTreeMap<String, Private>,
}

/// `document_add`: give a workspace a document.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentAdd {
    /// Which workspace.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
    /// Its share link, or the token of it.
    #[schema(value_type = String)]
    pub link: Private,
}

/// `leave`: give a seat up.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// Which workspace.
    #[schema(value_type = String)]
    pub workspace: WorkspaceName,
}

/// `consumer_add` and `consumer_set`: make or change a consumer. What is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsumerSettings {
    /// Which.
    pub consumer: String,
    /// Where it begins: `now`, `start`, a sequence, or a time. Only when it is made.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<crate::config::consumer::Start>,
    /// Which events it wants.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// Events out at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// Events of one conversation out at once; 0 for no limit but `max_in_flight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_lane: Option<u32>,
    /// How long a lease lasts, as in `"5m"`.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_wait: Option<Span>,
    /// Attempts before an event goes to the dead letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Where it is called; only consumers made with a URL have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// `consumer_remove`, `consumer_enable`, `consumer_disable`, `dead`: one consumer.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfConsumer {
    /// Which.
    pub consumer: String,
}

/// `consumer_secret`: a new secret to sign a webhook with; the one before it signs as well until it is retired.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumerSecret {
    /// Which.
    pub consumer: String,
    /// End a rotation instead: only the newest secret signs.
    #[serde(default)]
    pub retire_old: bool,
}

/// `dead_retry`, `dead_drop`: one dead letter.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfLetter {
    /// Whose.
    pub consumer: String,
    /// Which event.
    pub seq: u64,
}

/// `dead`: the dead letters of a consumer, oldest first; a page holds about 4 MiB of events at most.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dead {
    /// Whose.
    pub consumer: String,
    /// From this event on. Default: from the oldest.
    #[serde(default, deserialize_with = "number")]
    pub first: Option<u64>,
    /// At most so many. Default 100, at most 1,000.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u64>,
}
