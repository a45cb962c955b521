//! The forms of what is kept: workspaces, anchors, a consumer's exceptions, dead letters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Arrival, Lines, WorkspaceName};

/// Whether a workspace may act at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seat", rename_all = "snake_case")]
pub enum Seat {
    /// Joined, with no session yet.
    SignedOut,
    /// The join is under way; the next start goes on with it.
    Joining,
    /// Joined on a platform that has no work channel.
    Registered,
    /// Signed in.
    SignedIn,
    /// A person must act.
    NeedsAction {
        /// What is wrong.
        reason: String,
        /// The one command that helps.
        command: String,
    },
    /// The platform took it away.
    Revoked {
        /// What the platform said.
        reason: String,
    },
}

impl Seat {
    /// Whether nothing stands in the way of what it is for.
    pub const fn acts(&self) -> bool {
        matches!(self, Self::SignedIn | Self::SignedOut | Self::Registered)
    }
}

/// A joined place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceRecord {
    /// The operator's name for it.
    pub name: WorkspaceName,
    /// The platform, as its manifest calls itself.
    pub platform: String,
    /// The manifest's settings: `url`, `display_name`, …
    pub settings: BTreeMap<String, String>,
    /// What joining and signing in taught, none of it secret: own ids, the main direct conversation, …
    pub facts: BTreeMap<String, Value>,
    /// Which of the manifest's sessions it uses.
    pub session: String,
    /// Whether it may act.
    #[serde(flatten)]
    pub seat: Seat,
    /// Milliseconds since 1970; events from before are backfill.
    pub joined_at: u64,
}

/// What a removed workspace's name stood for: while its events' ids are remembered, the name must not come to mean
/// another origin or account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The platform.
    pub platform: String,
    /// The setting `url`, where the platform asks for one.
    pub origin: Option<String>,
    /// What the workspace knew of itself, its account among it.
    pub facts: BTreeMap<String, Value>,
}

impl Tombstone {
    /// What remains of a workspace.
    pub(super) fn of(record: WorkspaceRecord) -> Self {
        Self { platform: record.platform, origin: record.settings.get("url").cloned(), facts: record.facts }
    }
}

/// How far the history of one conversation was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The newest message of the last complete walk; `None` where the conversation was empty.
    pub newest: Option<String>,
    /// The newest messages of the last complete walk, oldest first, at most 200: (id, revision).
    pub tail: Vec<(String, String)>,
}

/// What the store knows of an object that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The sequence of its creation.
    pub seq: u64,
    /// Its newest revision.
    pub revision: String,
    /// It was told as deleted.
    pub deleted: bool,
    /// The kinds of line that have seen it.
    pub lines: Lines,
}

/// What is special about one event for one consumer. Above the mark an event is open unless it is `Settled` here;
/// up to the mark it is settled unless it is `Waiting` here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Exception {
    /// Settled before its time.
    Settled,
    /// Open, and a `consumer.gap` of this consumer: until it is delivered, what is missed next becomes part of it.
    Gap,
    /// Not settled: it failed, or its lane lags behind the mark.
    Waiting {
        /// Attempts that failed so far.
        attempts: u32,
        /// Not before this wall time (milliseconds since 1970).
        not_before: u64,
        /// Why the last attempt failed.
        reason: String,
        /// The last attempts that failed, oldest first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        failures: Vec<Failure>,
    },
}

/// How far a consumer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here is settled, but for waiting exceptions.
    pub mark: u64,
    /// By sequence.
    pub exceptions: BTreeMap<u64, Exception>,
}

/// What stands in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Events in the feed.
    pub events: u64,
    /// The oldest sequence kept; `newest + 1` when none is.
    pub oldest: u64,
    /// When it was committed, milliseconds since 1970.
    pub oldest_at: Option<u64>,
    /// The newest sequence ever given.
    pub newest: u64,
    /// Event ids remembered.
    pub ids: u64,
    /// Unsettled actions.
    pub outbox: u64,
    /// Dead letters of all consumers.
    pub dead: u64,
    /// Bytes stored, as [`Store::size`](super::Store::size) counts them.
    pub bytes: u64,
    /// Bytes at which intake pauses.
    pub budget: u64,
}

/// An event that left a consumer by rejection or after its last attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When, milliseconds since 1970.
    pub at: u64,
    /// Why.
    pub reason: String,
    /// Attempts that failed.
    pub attempts: u32,
    /// The last of them, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// The event itself, for it may leave the feed.
    pub event: String,
}

/// Failed attempts that are remembered of one event: the last ten.
const FAILURES: usize = 10;
/// The most of a reason that is kept with each of them, in bytes.
const WHY: usize = 200;

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it was offered, milliseconds since 1970; `None` where it was offered before a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_at: Option<u64>,
    /// When it failed, milliseconds since 1970.
    pub at: u64,
    /// Why; the front of a long reason.
    pub why: String,
}

impl Failure {
    /// Adds an attempt, and forgets the oldest where there are ten.
    pub fn note(failures: &mut Vec<Self>, offered_at: Option<u64>, at: u64, reason: &str) {
        if failures.len() >= FAILURES {
            failures.remove(0);
        }
        let why = reason[..reason.floor_char_boundary(WHY)].to_owned();
        failures.push(Self { offered_at, at, why });
    }
}

/// How events left a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Acked.
    Acked,
    /// Rejected by the agent: to the dead letters.
    Rejected,
    /// Failed too often: to the dead letters.
    Dead,
}

/// How a run of events, without a gap in their sequences, left a consumer by one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The first; the last stands in the row's key.
    pub first: u64,
    /// When the first and the last of them were offered for the last time, milliseconds since 1970; `None` where that
    /// was before a restart.
    pub offered: Option<(u64, u64)>,
    /// When that was committed, milliseconds since 1970; the store fills it in.
    pub at: u64,
    /// Attempts that each of them took, this one among them.
    pub attempts: u32,
    /// How.
    pub how: How,
    /// The last attempts that failed, oldest first; only a run of one has any.
    pub failures: Vec<Failure>,
}

/// What is remembered of an event besides the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When it was committed, milliseconds since 1970.
    pub at: u64,
    /// When and by what it came; `None` for what the bridge itself observed, or kept before it noted that.
    pub arrival: Option<Arrival>,
    /// The kinds of line that have seen it.
    pub lines: Lines,
}
