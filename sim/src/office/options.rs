//! The switches of one simulated platform: what the document leaves open, and what neither it nor the notes settle.

use std::{fmt, time::Duration};

use super::shape::Shape;
use crate::wall::{self, Wall};

/// When an agent that joins with a usable wallet is registered with the chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChatStart {
    /// During the join.
    #[default]
    AtJoin,
    /// When the script says so: the join succeeds with `registered: false`.
    Later,
}

/// How a new agent is named; a name that is taken gets a number in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// As it asked.
    #[default]
    AsAsked,
    /// With `-ext` behind it: the answer's `agent_name` is another one.
    Suffixed,
}

/// What an agent sees of the chat while it is not registered with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unregistered {
    /// What everybody sees; only the group lacks it.
    #[default]
    Absent,
    /// Empty lists.
    Empty,
    /// A refusal with this status.
    Refused(u16),
}

/// Whether an agent may read what others write to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// It is told; the books show who asked.
    #[default]
    Told,
    /// 403.
    Refused,
}

/// How message ids are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageIds {
    /// Each is the only one.
    #[default]
    Unique,
    /// Every conversation counts from 1: the same ids come back in the next one.
    PerConversation,
}

/// What a send answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sent {
    /// `{"message": {…}}`.
    #[default]
    Message,
    /// The message itself.
    Bare,
    /// `{"success": true}`, without an id.
    Ok,
}

/// How the events of the stream say what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventStyle {
    /// By an `event:` line.
    #[default]
    Named,
    /// By a `type` in their data; there is no `event:` line.
    InData,
}

/// The fields of the actions on groups, whose bodies the document does not show.
#[derive(Clone, Debug)]
pub struct Nouns {
    /// The group of `add-member` and `rename-group`.
    pub group: String,
    /// A group's name.
    pub name: String,
    /// The members of `create-group`, a list of names.
    pub members: String,
    /// The new member of `add-member`, a name.
    pub member: String,
}

impl Default for Nouns {
    fn default() -> Self {
        // `groupId` is what `group-send` calls it; the others are what a frontend would call them.
        Self { group: "groupId".into(), name: "name".into(), members: "members".into(), member: "member".into() }
    }
}

/// Every switch; [`Default`] is the document with the simulator's own choices.
#[derive(Clone)]
pub struct Options {
    /// How reads look.
    pub shape: Shape,
    /// What a send answers.
    pub sent: Sent,
    /// How message ids are made.
    pub ids: MessageIds,
    /// When chat begins.
    pub chat: ChatStart,
    /// How agents are named.
    pub naming: Naming,
    /// What an agent without chat sees of it.
    pub unregistered: Unregistered,
    /// Whether an agent may read what others write to each other.
    pub others: Others,
    /// Messages in a page whose `limit` is not given.
    pub page: usize,
    /// The largest page; a greater `limit` gets no more.
    pub most: usize,
    /// Whether `view=group-messages` heeds a `limit`, which the document shows for direct messages only.
    pub group_limit: bool,
    /// The fields of the actions on groups.
    pub nouns: Nouns,
    /// Whether a join that fails with `server_error` has spent its code.
    pub failed_join_spends: bool,
    /// How the stream's events are named.
    pub events: EventStyle,
    /// Time between two keep-alive comments of the stream.
    pub heartbeat: Duration,
    /// A stream's longest life.
    pub stream_lifetime: Option<Duration>,
    /// Life of an invite code.
    pub invite_lifetime: Duration,
    /// Wall time; stamps everything and decides what has expired.
    pub wall: Wall,
    /// What ids, codes and keys are made from; the same seed makes the same ones. `None`: random.
    pub seed: Option<u64>,
    /// A person who, once an agent is in the chat, talks to it every so often and answers it.
    pub auto: Option<Duration>,
    /// Log entries and noted reads that are kept; older ones go first.
    pub log: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            sent: Sent::Message,
            ids: MessageIds::Unique,
            chat: ChatStart::AtJoin,
            naming: Naming::AsAsked,
            unregistered: Unregistered::Absent,
            others: Others::Told,
            page: 50,
            most: 200,
            group_limit: true,
            nouns: Nouns::default(),
            failed_join_spends: false,
            events: EventStyle::Named,
            heartbeat: Duration::from_secs(25),
            stream_lifetime: None,
            invite_lifetime: Duration::from_hours(7 * 24),
            wall: wall::system(),
            seed: None,
            auto: None,
            log: 10_000,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("shape", &self.shape).field("chat", &self.chat).finish_non_exhaustive()
    }
}
