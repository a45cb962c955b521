//! A durable reader of the feed, as config and command line describe it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{AuthorKind, Head, Type};

/// Where a consumer begins when it is created; later changes of the config do not move it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// With the next event.
    #[default]
    Now,
    /// With the oldest event still kept.
    Start,
    /// Behind this place in the feed.
    Seq(u64),
    /// With the first event committed at or after this wall time (milliseconds since 1970).
    Time(u64),
}

/// Which events a consumer wants; an empty list means all. What does not match is passed over and never blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Only {
    /// Workspaces by name.
    pub workspaces: Vec<String>,
    /// Event types; `*` stands for any run of characters: `message.*`.
    pub types: Vec<String>,
    /// Conversations by the platform's id.
    pub conversations: Vec<String>,
    /// Authors by the platform's id.
    pub authors: Vec<String>,
    /// Kinds of author.
    pub author_kinds: Vec<AuthorKind>,
    /// Only what is meant for the agent.
    pub mentions_me: bool,
    /// The agent's own echoes as well.
    pub own: bool,
}

impl Only {
    /// Whether the consumer called `name` wants an event with this head.
    pub fn wants(&self, name: &str, head: &Head) -> bool {
        if let Some(only_for) = &head.only_for {
            return only_for == name;
        }
        let bridge = head.kind.is_bridge();
        // A receipt has a conversation, and nobody wrote it.
        let unwritten = bridge || head.kind == Type::ActionSettled;
        among(&self.workspaces, head.workspace.as_str())
            && self.wants_type(head.kind)
            && (bridge || among(&self.conversations, &head.conversation))
            && (unwritten || among(&self.authors, head.author.as_deref().unwrap_or_default()))
            && (unwritten
                || self.author_kinds.is_empty()
                || head.author_kind.is_some_and(|kind| self.author_kinds.contains(&kind)))
            && (unwritten || !self.mentions_me || head.mentions_me)
            && (self.own || !head.own)
    }
}

impl Only {
    /// Receipts come to those alone who ask for them by name: an agent that acts would be told what it knows.
    fn wants_type(&self, kind: Type) -> bool {
        match self.types.as_slice() {
            [] => kind != Type::ActionSettled,
            globs => globs.iter().any(|glob| matches(glob, kind.as_str())),
        }
    }
}

fn among(list: &[String], item: &str) -> bool {
    list.is_empty() || list.iter().any(|entry| entry == item)
}

/// Whether `text` fits `glob`, in which `*` stands for any run of characters.
fn matches(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|tail| (0..=tail.len()).any(|at| tail.is_char_boundary(at) && matches(rest, &tail[at..]))),
    }
}

impl Type {
    /// What the bridge tells about itself: filters on people and conversations do not touch it.
    pub const fn is_bridge(self) -> bool {
        matches!(
            self,
            Self::WorkspaceConnected
                | Self::WorkspaceDisconnected
                | Self::WorkspaceGap
                | Self::WorkspaceNeedsAction
                | Self::WorkspaceRevoked
                | Self::ConsumerGap
        )
    }
}

/// How an agent that does not hold a socket open is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `http`, `https`, or `unix:/path` (HTTP over a Unix socket on which the agent listens; `unix:/path:/route`).
    pub url: String,
    /// How long one delivery may take. Default 30 s; durations are milliseconds.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u64,
}

const fn default_timeout() -> u64 {
    30_000
}

/// A consumer as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consumer {
    /// Its name: the rule of a workspace's name.
    pub name: String,
    /// Made by the config file (then the file rules its settings) or by `consumer add`.
    pub from_config: bool,
    /// Where it began.
    pub from: From,
    /// What it wants.
    pub only: Only,
    /// How many events may be out at once. Default 64.
    pub max_in_flight: u32,
    /// How many of one lane may be out at once; 0 for no limit but `max_in_flight`. Default 1.
    pub per_lane: u32,
    /// How long a lease lasts, in milliseconds. Default 5 minutes.
    pub ack_wait_ms: u64,
    /// Attempts before an event goes to the dead letters. Default 10.
    pub max_attempts: u32,
    /// How it is reached, if not by the socket.
    pub webhook: Option<Webhook>,
    /// Why it is switched off, if it is (a webhook answered 410, an operator said so).
    pub disabled: Option<String>,
}

impl Default for Consumer {
    fn default() -> Self {
        Self {
            name: String::new(),
            from_config: false,
            from: From::Now,
            only: Only::default(),
            max_in_flight: 64,
            per_lane: 1,
            ack_wait_ms: 300_000,
            max_attempts: 10,
            webhook: None,
            disabled: None,
        }
    }
}

impl Consumer {
    /// How long a lease lasts.
    pub const fn ack_wait(&self) -> Duration {
        Duration::from_millis(self.ack_wait_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::WorkspaceName;

    fn head(kind: Type) -> Head {
        Head {
            workspace: WorkspaceName::new("acme").unwrap(),
            kind,
            conversation: "c1".into(),
            author: Some("u1".into()),
            author_kind: Some(AuthorKind::Human),
            own: false,
            mentions_me: false,
            only_for: None,
        }
    }

    #[test]
    fn an_empty_filter_wants_everything_but_echoes() {
        let only = Only::default();
        assert!(only.wants("main", &head(Type::MessageCreated)));
        assert!(!only.wants("main", &Head { own: true, ..head(Type::MessageCreated) }));
        assert!(Only { own: true, ..only }.wants("main", &Head { own: true, ..head(Type::MessageCreated) }));
    }

    #[test]
    fn each_filter_passes_over_what_it_does_not_name() {
        let message = head(Type::MessageCreated);
        let list = |text: &str| vec![text.to_owned()];
        let cases = [
            (Only { types: list("message.*"), ..Only::default() }, true),
            (Only { types: list("*.deleted"), ..Only::default() }, false),
            (Only { conversations: list("c2"), ..Only::default() }, false),
            (Only { authors: list("u1"), ..Only::default() }, true),
            (Only { author_kinds: vec![AuthorKind::Agent], ..Only::default() }, false),
            (Only { mentions_me: true, ..Only::default() }, false),
            (Only { workspaces: list("other"), ..Only::default() }, false),
        ];
        for (only, wanted) in cases {
            assert_eq!(only.wants("main", &message), wanted, "{only:?}");
        }
        assert!(!Only::default().wants("main", &head(Type::ActionSettled)), "receipts only when asked for");
        let asked = Only { types: list("action.settled"), mentions_me: true, ..Only::default() };
        let settled = Head { author: None, author_kind: None, ..head(Type::ActionSettled) };
        assert!(asked.wants("main", &settled), "nobody wrote it: filters on people do not touch it");
        assert!(!Only { conversations: list("c2"), ..asked }.wants("main", &settled));
        let gap = head(Type::WorkspaceGap);
        assert!(Only { mentions_me: true, ..Only::default() }.wants("main", &gap), "the bridge's word gets through");
    }

    #[test]
    fn what_is_for_one_consumer_reaches_no_other() {
        let gap = Head { only_for: Some("main".into()), ..head(Type::ConsumerGap) };
        assert!(Only::default().wants("main", &gap));
        assert!(!Only::default().wants("other", &gap));
    }
}
