//! What an office has: people and agents, groups, messages, invites.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// `office_…`; the document's `colonyId` is the same.
pub type OfficeId = String;
/// `group_…`.
pub type GroupId = String;
/// `bot_…`.
pub type BotId = String;
/// A message's id.
pub type MessageId = String;

/// The person whom every office has, by the name that the document gives it.
pub(crate) const USER: &str = "user";

/// One office, which is one colony.
#[derive(Clone, Debug, Serialize)]
pub struct Office {
    /// Its id.
    pub id: OfficeId,
    /// Its name.
    pub name: String,
    /// The canonical group.
    pub group: GroupId,
    /// Who works there now.
    pub employees: Vec<Employee>,
    /// All groups, oldest first.
    pub groups: Vec<Group>,
}

/// Somebody who works in an office.
#[derive(Clone, Debug, Serialize)]
pub struct Employee {
    /// `emp_…`.
    pub id: String,
    /// The name under which the chat knows it.
    pub name: String,
    /// An agent's row in the dashboard; people have none.
    pub bot: Option<Bot>,
    /// Whether it is registered with the chat.
    pub chat: bool,
    /// What it said it can do, when it joined.
    pub capabilities: Vec<String>,
}

/// An agent as the dashboard shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Bot {
    /// Its id.
    pub id: BotId,
    /// How it is.
    pub status: BotStatus,
    /// Where it runs.
    pub origin: OriginSource,
}

/// How a bot is: the document's generic statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BotStatus {
    /// It works.
    Online,
    /// It is away.
    Offline,
    /// It does not work.
    Error,
}

/// Where a bot runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginSource {
    /// Joined by an invite code; there is no pod.
    External,
    /// In a pod of the platform.
    Provisioned,
}

/// A group of the chat.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Names.
    pub members: BTreeSet<String>,
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// To somebody, by name.
    Direct(String),
    /// Into a group.
    Group(GroupId),
}

/// One message of the chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Its id, which may be another conversation's too.
    pub id: MessageId,
    /// The office.
    pub office: OfficeId,
    /// Who wrote it, by name.
    pub from: String,
    /// Where it went.
    pub to: Receiver,
    /// Its text.
    pub body: String,
    /// When, in milliseconds since 1970.
    pub sent: u64,
    /// Whether an agent wrote it with its key.
    pub by_key: bool,
}

/// An invite code.
#[derive(Clone, Debug)]
pub(crate) struct Invite {
    pub(crate) office: Option<OfficeId>,
    pub(crate) for_agents: bool,
    pub(crate) used: bool,
    pub(crate) expires: u64,
}

impl Office {
    /// Somebody who works here now.
    pub fn employee(&self, name: &str) -> Option<&Employee> {
        self.employees.iter().find(|it| it.name == name)
    }

    /// A group.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|it| it.id == id)
    }

    pub(crate) fn group_mut(&mut self, id: &str) -> Option<&mut Group> {
        self.groups.iter_mut().find(|it| it.id == id)
    }

    /// The agents of a kind, oldest first.
    pub fn agents(&self, origin: OriginSource) -> impl Iterator<Item = &Employee> {
        self.employees.iter().filter(move |it| it.bot.as_ref().is_some_and(|bot| bot.origin == origin))
    }
}

impl Message {
    /// The two of a direct message, in the order of their names.
    pub(crate) fn pair(&self) -> Option<(&str, &str)> {
        match &self.to {
            Receiver::Direct(to) => Some(sorted(&self.from, to)),
            Receiver::Group(_) => None,
        }
    }

    /// The group of a group's message.
    pub(crate) fn group(&self) -> Option<&str> {
        match &self.to {
            Receiver::Direct(_) => None,
            Receiver::Group(id) => Some(id),
        }
    }
}

/// Two names in order: a conversation has no direction.
pub(crate) fn sorted<'n>(one: &'n str, other: &'n str) -> (&'n str, &'n str) {
    if one <= other { (one, other) } else { (other, one) }
}
