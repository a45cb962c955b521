//! What the agent reads: one thing that happened, in one normal form, serialised exactly once.
//!
//! A [`Draft`] is what a mapping or the bridge itself produces; [`Draft::seal`] turns it into the bytes that are
//! stored and delivered (a CloudEvents 1.0 JSON object). Only the fixed-width sequence is filled in later, by the
//! store's writer, because only the commit knows it.

mod arrival;
mod data;
mod draft;
mod packed;
mod raw;

use std::fmt;
use std::sync::Arc;

pub use arrival::{Arrival, Lines, Via};
pub use data::{Attachment, Author, AuthorKind, Conversation, ConversationKind, Data, Message};
pub(crate) use draft::segment;
pub use draft::{Draft, NewEvent};
pub(crate) use packed::{Rest, unpack};
use serde::{Deserialize, Serialize};

/// An event larger than this loses its `raw`, then the end of its text (`data.truncated: true`). 1 MiB.
pub const EVENT_CAP: usize = 1 << 20;

/// The name an operator gave a joined place: 1–64 of `a-z 0-9 . _ -`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct WorkspaceName(Arc<str>);

/// A workspace name that breaks the rule of [`WorkspaceName`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no workspace name: use 1–64 of a–z, 0–9, `.`, `_`, `-`, beginning with a letter or digit")]
pub struct BadName(String);

impl WorkspaceName {
    /// Checks the rule; the error names it.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = name.len() <= 64
            && name.starts_with(plain)
            && name.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-'));
        if good { Ok(Self(name.into())) } else { Err(BadName(name.chars().take(80).collect())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WorkspaceName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(&name).map_err(serde::de::Error::custom)
    }
}

macro_rules! types {
    ($($variant:ident = $text:literal, $doc:literal;)*) => {
        /// What happened; the `type` of the CloudEvent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Type { $(#[doc = $doc] $variant,)* }

        impl Type {
            /// Every type, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the text on the wire; `None` for a stranger.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

types! {
    MessageCreated = "message.created", "Somebody wrote.";
    MessageUpdated = "message.updated", "A message has a new revision.";
    MessageDeleted = "message.deleted", "A message is gone.";
    MentionCreated = "mention.created", "The agent was asked for by name.";
    DocumentChanged = "document.changed", "Somebody edited an open document.";
    ConversationCreated = "conversation.created", "A room or topic appeared.";
    ParticipantAdded = "participant.added", "Somebody came in.";
    ParticipantRemoved = "participant.removed", "Somebody left.";
    ParticipantChanged = "participant.changed", "Somebody's state changed.";
    EmailReceived = "email.received", "Mail for the agent.";
    CalendarStarting = "calendar.starting", "An appointment is near.";
    JoinRequested = "join.requested", "The bridge asked to be let in.";
    JoinApproved = "join.approved", "It was let in.";
    JoinRejected = "join.rejected", "It was turned away.";
    JoinExpired = "join.expired", "Nobody answered in time.";
    ActionSettled = "action.settled", "An action has its receipt.";
    WorkspaceConnected = "workspace.connected", "The workspace's baseline line is live.";
    WorkspaceDisconnected = "workspace.disconnected", "It is no longer.";
    WorkspaceGap = "workspace.gap", "The platform made the bridge miss something.";
    WorkspaceNeedsAction = "workspace.needs_action", "A person must act; the event says what.";
    WorkspaceRevoked = "workspace.revoked", "The platform took the seat away.";
    ConsumerGap = "consumer.gap", "This consumer missed events that left by retention, or for want of room.";
    PlatformOther = "platform.other", "Something no mapping knows, kept raw.";
}

impl Type {
    /// One object has at most one such event, whatever its revision.
    pub const fn happens_once(self) -> bool {
        !matches!(self, Self::MessageUpdated | Self::DocumentChanged | Self::ParticipantChanged)
    }

    /// The type under which an object of this event was first told: an edit or a deletion belongs to its creation.
    #[must_use]
    pub const fn creation(self) -> Self {
        match self {
            Self::MessageUpdated | Self::MessageDeleted => Self::MessageCreated,
            other => other,
        }
    }
}

impl Serialize for Type {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("unknown event type `{text}`")))
    }
}

/// What makes an event this event and no other; its `id` is built from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The platform documents an event id of its own.
    Native(String),
    /// (type, conversation, object, revision). An object is created and deleted once, so the ids of those two
    /// leave the revision out; the store remembers it all the same, to tell an edit from a repetition.
    Object {
        /// The object's id within its conversation.
        object: String,
        /// The version or edit time as an opaque string, else a hash of the content.
        revision: String,
    },
    /// What the bridge itself observed: the id comes from the sequence, and nothing is ever a duplicate of it.
    Sequence,
}

/// The facts of an event that filters, lanes and dedupe need without parsing it; stored in front of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose event it is.
    pub workspace: WorkspaceName,
    /// What happened.
    pub kind: Type,
    /// The conversation's id; empty for the workspace as a whole. With the workspace, the lane.
    pub conversation: String,
    /// The author's id, where known.
    pub author: Option<String>,
    /// The author's kind, where known.
    pub author_kind: Option<AuthorKind>,
    /// The agent's own echo.
    pub own: bool,
    /// Whether the agent is meant.
    pub mentions_me: bool,
    /// For one consumer alone (`consumer.gap`): nobody else gets it.
    pub only_for: Option<String>,
}

/// An event of the feed.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its place in the feed; the first is 1.
    pub seq: u64,
    /// When it was committed, milliseconds since 1970.
    pub at: u64,
    /// Facts for filters.
    pub head: Head,
    /// The CloudEvent, complete.
    pub bytes: bytes::Bytes,
}

impl Stored {
    /// The event's `id`, read from the front of its bytes.
    pub fn id(&self) -> String {
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        serde_json::from_slice::<Id>(&self.bytes).map(|event| event.id).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_break_the_rule_are_refused() {
        for bad in ["", "Acme", "-a", "a b", &"a".repeat(65)] {
            assert!(WorkspaceName::new(bad).is_err(), "{bad}");
        }
        assert!(WorkspaceName::new("acme-2.dev_x").is_ok());
    }

    #[test]
    fn every_type_reads_back() {
        for kind in Type::ALL {
            assert_eq!(Type::parse(kind.as_str()), Some(*kind));
        }
    }
}
