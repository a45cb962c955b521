//! Lists that are read beside the line, as a manifest tells them: conversations with their messages, and a calendar.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::call::{Call, calling, needed};
use super::plain::{Span, missing, read_table};
use super::pointer::{Pointer, Pointers};

/// The longest page that a list is asked for where the manifest says nothing.
const LIMIT: u16 = 50;

/// A list that is read beside the line, page by page by offset.
#[derive(Clone, Debug)]
pub enum Also {
    /// Conversations, each of which is read whole when it is new or has moved.
    Threads(Arc<Threads>),
    /// Appointments, which are told before they begin.
    Calendar(Arc<Calendar>),
}

/// A list of conversations and how the messages of one are read. There is no cursor: what moved is told by its time.
#[derive(Clone, Debug)]
pub struct Threads {
    /// One page: `{page.limit}`, `{page.offset}`.
    pub call: Call,
    /// The list in an answer; `null` counts as empty.
    pub items: Pointer,
    /// A conversation's id.
    pub id: Pointers,
    /// When something was last said in it.
    pub moved: Pointers,
    /// How many messages it has: tells what the time does not.
    pub count: Pointers,
    /// The longest page the platform gives.
    pub limit: u16,
    /// One conversation: `{room.id}`.
    pub messages: Messages,
    /// What a message is in `events`.
    pub event: String,
    /// How often the list is read while something happens. Default 30 s.
    pub every: Option<Span>,
    /// The same once nothing has happened for ten minutes. Default 2 min.
    pub quiet: Option<Span>,
}

/// The messages of one conversation.
#[derive(Clone, Debug)]
pub struct Messages {
    /// The request.
    pub call: Call,
    /// The list in its answer; `null` counts as empty.
    pub items: Pointer,
}

/// A list of appointments.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// One page: `{page.limit}`, `{page.offset}`.
    pub call: Call,
    /// The list in an answer; `null` counts as empty.
    pub items: Pointer,
    /// An appointment's id.
    pub id: Pointers,
    /// The longest page the platform gives.
    pub limit: u16,
    /// When it begins, the first time: ISO 8601.
    pub start: Pointers,
    /// How it recurs: RFC 5545, section 3.3.10.
    pub rule: Pointers,
    /// In which IANA time zone it recurs. Without one: UTC.
    pub zone: Pointers,
    /// Whether it is of a whole day: a boolean.
    pub whole_day: Pointers,
    /// What it is called.
    pub title: Pointers,
    /// What an occurrence is in `events`.
    pub event: String,
    /// How long before its start an occurrence is told. Default 10 min.
    pub lead: Option<Span>,
    /// How often the list is read. Default 5 min.
    pub every: Option<Span>,
}

/// The word of a list.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Flavour {
    Threads,
    Calendar,
}

calling!(RawMessages { items: Option<Pointer>, });
calling!(RawAlso {
    flavour: Option<Flavour>,
    items: Option<Pointer>,
    id: Pointers,
    limit: Option<u16>,
    event: Option<String>,
    every: Option<Span>,
    moved: Pointers,
    count: Pointers,
    messages: Option<Messages>,
    quiet: Option<Span>,
    start: Pointers,
    rule: Pointers,
    zone: Pointers,
    whole_day: Pointers,
    title: Pointers,
    lead: Option<Span>,
});

impl<'de> Deserialize<'de> for Messages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawMessages| {
            let call = raw.call().and_then(needed)?;
            Ok::<_, String>(Self { call, items: raw.items.ok_or_else(|| missing("items"))? })
        })
    }
}

impl<'de> Deserialize<'de> for Also {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Also {
    /// Its word in a manifest.
    pub const fn flavour(&self) -> &'static str {
        match self {
            Self::Threads(_) => "threads",
            Self::Calendar(_) => "calendar",
        }
    }

    /// The request for one page.
    pub fn call(&self) -> &Call {
        match self {
            Self::Threads(threads) => &threads.call,
            Self::Calendar(calendar) => &calendar.call,
        }
    }

    /// What one of its things is in `events`.
    pub fn event(&self) -> &str {
        match self {
            Self::Threads(threads) => &threads.event,
            Self::Calendar(calendar) => &calendar.event,
        }
    }

    fn of(mut raw: RawAlso) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        let flavour = raw.flavour.ok_or_else(|| missing("flavour"))?;
        let limit = raw.limit.unwrap_or(LIMIT);
        if !(10..=1000).contains(&limit) {
            return Err("`limit` is from 10 to 1000".to_owned());
        }
        if raw.id.is_empty() {
            return Err(missing("id"));
        }
        match flavour {
            Flavour::Threads => raw.threads(call, limit).map(Arc::new).map(Self::Threads),
            Flavour::Calendar => raw.calendar(call, limit).map(Arc::new).map(Self::Calendar),
        }
    }
}

impl RawAlso {
    fn threads(self, call: Call, limit: u16) -> Result<Threads, String> {
        let Self {
            items, id, event, every, moved, count, messages, quiet, start, rule, zone, whole_day, title, ..
        } = self;
        let strange = [&start, &rule, &zone, &whole_day, &title].iter().any(|at| !at.is_empty());
        if strange || self.lead.is_some() {
            return Err("`start`, `rule`, `zone`, `whole_day`, `title` and `lead` are a calendar's".to_owned());
        }
        if moved.is_empty() {
            return Err(missing("moved"));
        }
        let (items, event) = (items.ok_or_else(|| missing("items"))?, event.ok_or_else(|| missing("event"))?);
        let messages = messages.ok_or_else(|| missing("messages"))?;
        Ok(Threads { call, items, id, moved, count, limit, messages, event, every, quiet })
    }

    fn calendar(self, call: Call, limit: u16) -> Result<Calendar, String> {
        let Self { items, id, event, every, start, rule, zone, whole_day, title, lead, .. } = self;
        let strange = !self.moved.is_empty() || !self.count.is_empty();
        if strange || self.messages.is_some() || self.quiet.is_some() {
            return Err("`moved`, `count`, `messages` and `quiet` are for threads".to_owned());
        }
        if start.is_empty() {
            return Err(missing("start"));
        }
        let (items, event) = (items.ok_or_else(|| missing("items"))?, event.ok_or_else(|| missing("event"))?);
        Ok(Calendar { call, items, id, limit, start, rule, zone, whole_day, title, event, lead, every })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREADS: &str = "flavour: threads, get: /t, items: /t, id: /id, moved: /at, event: e";
    const CALENDAR: &str = "flavour: calendar, get: /c, items: /c, id: /id, start: /start, event: e";

    fn read(yaml: &str) -> Result<Also, String> {
        serde_yaml::from_str(&format!("{{ {yaml} }}")).map_err(|error| error.to_string())
    }

    #[test]
    fn each_list_has_its_own_keys_and_none_of_the_other() {
        let messages = "messages: { get: \"/t/{room.id}\", items: /m }";
        let threads = read(&format!("{THREADS}, {messages}")).unwrap();
        assert_eq!((threads.flavour(), threads.event()), ("threads", "e"));
        assert!(matches!(read(CALENDAR).unwrap(), Also::Calendar(calendar) if calendar.limit == LIMIT));
        for (yaml, words) in [
            (THREADS.to_owned(), "missing field `messages`"),
            (format!("{THREADS}, {messages}, lead: 5m"), "a calendar's"),
            (format!("{THREADS}, {messages}, limit: 3"), "from 10 to 1000"),
            (THREADS.replace(", moved: /at", ""), "missing field `moved`"),
            (format!("{CALENDAR}, quiet: 5m"), "for threads"),
            (CALENDAR.replace(", start: /start", ""), "missing field `start`"),
            (CALENDAR.replace("flavour: calendar, ", ""), "missing field `flavour`"),
            (CALENDAR.replace("get: /c, ", ""), "no request stands here"),
        ] {
            let said = read(&yaml).expect_err(&yaml);
            assert!(said.contains(words), "{yaml}: {said}");
        }
    }
}
