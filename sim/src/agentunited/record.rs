//! What a workspace keeps: accounts, rooms, messages, invites.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;
use tokio::time::Instant;

use super::burst::Segment;

/// An account's id on the platform: a UUID as text.
pub type AccountId = String;
/// A room's id: a channel or a direct-message channel.
pub type RoomId = String;
/// A message's id.
pub type MessageId = String;

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody who types.
    Person,
    /// An agent that joined by an invite: a user to the server, signed in by JWT.
    Member,
    /// The workspace's primary agent, whose side the script plays.
    Primary,
    /// An agent that a member made (`POST /agents`); its keys post as it.
    Agent,
}

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its e-mail; empty for a made agent.
    pub email: String,
    /// How it appears.
    pub name: String,
    /// Whose it is.
    pub kind: Kind,
    /// Who made it, whose rooms it shares; only for [`Kind::Agent`].
    pub owner: Option<AccountId>,
    pub(crate) password: Option<String>,
    /// Tokens of an earlier epoch are no good.
    pub(crate) epoch: u64,
}

/// One channel or DM.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its name; the partner's in a DM.
    pub name: String,
    /// Whether it is a direct-message channel.
    pub dm: bool,
    /// Who is in it.
    pub members: BTreeSet<AccountId>,
    pub(crate) messages: BTreeMap<u64, Message>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) posts: VecDeque<Instant>,
}

/// One message.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its place among all messages of the workspace.
    pub seq: u64,
    /// Where it was said.
    pub channel_id: RoomId,
    /// Who said it.
    pub author_id: AccountId,
    /// What was said.
    pub text: String,
    /// When, in milliseconds since 1970.
    pub created: u64,
    /// When it was last changed.
    pub updated: u64,
    /// A file's name and size in bytes.
    pub attachment: Option<(String, usize)>,
}

/// An invite.
#[derive(Clone, Debug)]
pub(crate) struct Invite {
    pub(crate) email: String,
    pub(crate) expires: u64,
    pub(crate) used: bool,
}

impl Room {
    /// The message at a place, also when a burst made it.
    pub(crate) fn at(&self, seq: u64) -> Option<Message> {
        let stored = self.messages.get(&seq).cloned();
        stored.or_else(|| self.segments.iter().find_map(|it| it.message(&self.id, seq)))
    }

    /// The `limit` newest messages before a place, newest first.
    pub(crate) fn before(&self, end: u64, limit: usize) -> Vec<Message> {
        let mut page: Vec<Message> = self.messages.range(..end).rev().take(limit).map(|(_, it)| it.clone()).collect();
        for segment in &self.segments {
            page.extend(segment.before(&self.id, end, limit));
        }
        page.sort_by_key(|message| std::cmp::Reverse(message.seq));
        page.truncate(limit);
        page
    }
}
