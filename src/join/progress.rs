//! How far a join is: durable, so that the next run goes on from there.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JOINING;
use super::wait::Waits;
use crate::store::WorkspaceRecord;

/// How far a join is, as the fact `joining` keeps it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// A request that may change something there was sent.
    #[serde(default)]
    pub sent: bool,
    /// Signed in by a step: there the next run goes on.
    #[serde(default)]
    pub at: Option<At>,
    /// In a way that waits for somebody: there the next run goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
    /// When somebody was asked to let us in, milliseconds since 1970: what is said from then on may be meant for us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<u64>,
    /// Somebody has approved.
    #[serde(default)]
    pub approved: bool,
    /// The dialect that the host speaks, where a get has found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// A step has changed something there, for certain.
    #[serde(default)]
    pub changed: bool,
    /// A step that is carried out once was sent and not answered: what told of it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

impl Progress {
    /// As a workspace's facts keep it.
    pub fn of(record: &WorkspaceRecord) -> Self {
        let kept = record.facts.get(JOINING).cloned();
        kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
    }

    /// Whether something may stand there that was asked for: then a refusal is not the end of it.
    pub const fn has_changed(&self) -> bool {
        self.changed || self.approved || self.waits.is_some() || self.doubt.is_some()
    }
}

/// What became of a step that is carried out once is not known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Doubt {
    /// What stood there, before it was sent, that changes with it.
    pub before: Value,
}

/// The way on which a join goes on by itself.
pub(super) fn way_of(record: &WorkspaceRecord) -> Option<String> {
    Progress::of(record).next.map(|next| next.way)
}

/// The first step of a way that is not done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Next {
    pub way: String,
    pub step: usize,
    /// How often it was sent and may have been carried out.
    #[serde(default)]
    pub sends: u64,
}

/// A step that gave a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct At {
    pub way: String,
    pub step: usize,
    pub dialect: usize,
    /// Calls of its `then` that are done.
    pub then: usize,
}

/// What became of an earlier try of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// There was none, or all that it did is known.
    Known,
    /// It may have been carried out there, without an answer that was kept.
    Unanswered,
    /// It was, and what it gave is lost for good.
    Lost,
}

impl Earlier {
    /// As the next run finds it.
    pub const fn of(progress: &Progress) -> Self {
        let unanswered = progress.sent && progress.at.is_none() && progress.next.is_none();
        if unanswered { Self::Unanswered } else { Self::Known }
    }
}
