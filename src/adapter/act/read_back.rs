//! How a lost reply is found out, as a manifest tells it: where to look, and by what it is known again.

use serde::{Deserialize, Deserializer};

use crate::adapter::plain::{Table, missing, read_table};
use crate::adapter::pointer::{Pointer, Pointers};

/// How a lost reply is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadBack {
    /// By the text of an own message in `receive.history`: the argument that it must equal.
    History(String),
    /// By an own message in a list of messages: of the action's own conversation, or of some among which it is looked for.
    Message(Box<Messages>, Option<Among>),
    /// By a record in a list of records.
    Record(Record),
}

/// A list of messages, newest first, and what a message in it tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Which question lists them; its arguments are the action's of the same names.
    pub list: String,
    /// How the next page, with older ones, is asked for; none: there is one page.
    pub next: Option<Next>,
    /// Where the places of messages stand in an answer.
    pub place: Places,
    /// A message's id.
    pub id: Pointers,
    /// Who wrote it, as `me.logins` or `me.ids` call the agent.
    pub author: Pointers,
    /// Its text.
    #[serde(default)]
    pub text: Pointers,
    /// The same as HTML.
    #[serde(default)]
    pub html: Pointers,
    /// Its files.
    pub files: Option<FileNames>,
}

/// How the next page is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// Where an answer tells the place of its last message; nothing there: it was the last page.
    pub at: Pointers,
    /// The argument of the question that takes it.
    #[serde(rename = "as")]
    pub name: String,
}

/// Where an answer tells which place each message has: a number that grows with every message of the platform.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// A list of places, or a table.
    pub items: Pointer,
    /// The id of the message that stands there.
    pub of: Pointers,
    /// The number.
    pub at: Pointers,
    /// When it was changed; nothing there: never.
    #[serde(default)]
    pub edited: Pointers,
}

/// The names of a message's files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileNames {
    /// The list of files.
    pub items: Pointer,
    /// A file's name.
    pub name: Pointers,
}

/// The conversations among which a message to a person is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Among {
    /// Which question lists them, all in one answer.
    pub list: String,
    /// A conversation's id.
    pub id: Pointers,
    /// Who is in it, in the answer that lists its messages: a list, or a table.
    pub members: Pointer,
    /// What a member is called.
    pub member: Pointers,
    /// The argument that names the person.
    pub person: String,
}

/// A list of records, all in one answer, and by what the action's own is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which question lists them; its arguments are the action's of the same names.
    pub list: String,
    /// A record's id; empty where `lasting`.
    pub id: Pointers,
    /// Arguments of the action, and where a record has the same.
    pub same: Table<Pointers>,
    /// Where a record shows what the action said, as the platform renders it.
    pub says: Option<Says>,
    /// How many records a page has, where the list is read in pages: the question takes `limit` and `offset`.
    pub page: Option<u64>,
    /// There is one record at most, and doing it twice is doing it once: what counts is that it is there.
    pub lasting: bool,
    /// What a record holds, where the list does not show enough to know it by.
    pub inside: Option<Box<Inside>>,
}

/// What a record holds: it is opened, and has to hold what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inside {
    /// Which question lists what a record holds.
    pub list: String,
    /// The argument of the question that takes the record's id.
    #[serde(rename = "as")]
    pub name: String,
    /// The id of one thing that it holds.
    pub id: Pointers,
    /// Arguments of the action, and where that thing has the same; of lists the same items.
    pub same: Table<Pointers>,
    /// Where it shows what the action said.
    pub says: Option<Says>,
}

/// Where a record shows what was said.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Says {
    /// As text.
    #[serde(default)]
    pub text: Pointers,
    /// As HTML.
    #[serde(default)]
    pub html: Pointers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    text: Option<String>,
    messages: Option<Box<Messages>>,
    among: Option<Among>,
    list: Option<String>,
    #[serde(default)]
    id: Pointers,
    #[serde(default)]
    same: Table<Pointers>,
    #[serde(default)]
    lasting: bool,
    says: Option<Says>,
    page: Option<u64>,
    inside: Option<Box<Inside>>,
}

impl<'de> Deserialize<'de> for ReadBack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl ReadBack {
    fn of(raw: Raw) -> Result<Self, String> {
        let Raw { text, messages, among, list, id, same, lasting, says, page, inside } = raw;
        let bare = id.is_empty() && same.is_empty() && !lasting && says.is_none() && page.is_none() && inside.is_none();
        if among.is_some() && messages.is_none() {
            return Err(missing("messages"));
        }
        match (text, messages, list) {
            (Some(text), None, None) if bare => Ok(Self::History(text)),
            (None, Some(messages), None) if bare => Ok(Self::Message(messages, among)),
            (None, None, Some(_)) if page == Some(0) => Err("a page has one record at least".to_owned()),
            (None, None, Some(_)) if same.is_empty() && says.is_none() => Err(missing("same")),
            (None, None, Some(_)) if id.is_empty() != lasting => {
                Err("a record is known by its `id`, or it is `lasting`: one of the two".to_owned())
            }
            (None, None, Some(_)) if lasting && inside.is_some() => {
                Err("what is `lasting` is there or not: leave `inside` out".to_owned())
            }
            (None, None, Some(list)) => Ok(Self::Record(Record { list, id, same, says, page, lasting, inside })),
            _ => {
                Err("a lost reply is found out by `text`, by `messages`, or by `list` with `same`: one of them"
                    .to_owned())
            }
        }
    }
}
