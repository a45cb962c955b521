//! `[workspace.NAME]`: what is told of a place, and what its agent may do by itself.

use serde::{Deserialize, Serialize};

use crate::config::measure::Span;
use crate::line::policy::Policy;
use crate::line::timing;
use crate::line::yjs::Rules;

/// `[workspace.NAME]`.
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the config")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workspace {
    /// What of the time before the join is delivered: `none`, `all`, or a duration.
    pub backfill: Backfill,
    /// Whether direct conversations are told.
    pub direct: bool,
    /// Whether the other conversations are told.
    pub topics: bool,
    /// Of messages, only those that are meant for the agent.
    pub mention_only: bool,
    /// Only these conversations (ids), and those that hang from them; empty: all.
    pub allow_conversations: Vec<String>,
    /// Only what these people (ids or handles) say; empty: all.
    pub allow_authors: Vec<String>,
    /// Whether what the agent acked is marked as done on the platform, once every action of the ack is confirmed.
    pub mark_done: bool,
    /// Whether a document in which the agent is mentioned is added by the platform's webhook.
    pub adopt_documents: bool,
    /// Whether the agent changes in live documents what others wrote; else it suggests the change.
    pub direct_edits: bool,
    /// Whether one edit may replace nearly all of a document.
    pub rewrites: bool,
}

impl Default for Workspace {
    fn default() -> Self {
        let Policy { direct, topics, mention_only, allow_conversations, allow_authors } = Policy::default();
        let Rules { direct: direct_edits, rewrites } = Rules::default();
        Self {
            backfill: Backfill::None,
            direct,
            topics,
            mention_only,
            allow_conversations,
            allow_authors,
            mark_done: true,
            adopt_documents: true,
            direct_edits,
            rewrites,
        }
    }
}

impl Workspace {
    /// As the lines take it.
    pub fn policy(&self) -> Policy {
        let Self { direct, topics, mention_only, allow_conversations, allow_authors, .. } = self.clone();
        Policy { direct, topics, mention_only, allow_conversations, allow_authors }
    }

    /// What the agent may change in live documents by itself.
    pub const fn rules(&self) -> Rules {
        Rules { direct: self.direct_edits, rewrites: self.rewrites }
    }
}

/// What of the time before the join is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backfill {
    /// Nothing.
    #[default]
    None,
    /// All that the platform still has.
    All,
    /// What is younger than this.
    Last(Span),
}

impl From<Backfill> for timing::Backfill {
    fn from(backfill: Backfill) -> Self {
        match backfill {
            Backfill::None => Self::None,
            Backfill::All => Self::All,
            Backfill::Last(span) => Self::Last(span.0),
        }
    }
}

impl Serialize for Backfill {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::All => serializer.serialize_str("all"),
            Self::Last(span) => serializer.collect_str(span),
        }
    }
}

impl<'de> Deserialize<'de> for Backfill {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "none" => Ok(Self::None),
            "all" => Ok(Self::All),
            text => Span::parse(text).map(Self::Last).map_err(|_| {
                serde::de::Error::custom(format!(
                    "`{text}` is no backfill: write none, all, or a duration as in \"7d\""
                ))
            }),
        }
    }
}
