//! The parameters of an agent at work: what it reads, how it settles that, what it does.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Wait;
use crate::action::Request;
use crate::event::WorkspaceName;

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
