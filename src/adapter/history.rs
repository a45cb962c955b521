//! How what was said is read, conversation by conversation, as a manifest tells it.

use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::call::{Call, calling, needed};
use super::plain::{OneOrMany, Span, missing, read_table};
use super::pointer::{Choice, Pointers, text};
use super::scope::Root;
use crate::event::ConversationKind;

/// How what was said is read, room by room.
#[derive(Clone, Debug)]
pub struct History {
    /// Which rooms there are, list by list; a room that stands in several is of the first.
    pub rooms: Vec<Rooms>,
    /// One page of a room: `{room.id}`, `{page.limit}`, `{page.before?}` (the oldest message of the page before). Where
    /// it does not name the last, pages are widened. None: each list has its own.
    pub call: Option<Call>,
    /// The list of messages: the first pointer that finds a list counts; `null` counts as empty.
    pub items: Pointers,
    /// How the list is sorted.
    pub order: Order,
    /// The longest page the platform gives, or, where pages are widened, the first one: 1 to 1000. Default 50.
    pub limit: Option<u16>,
    /// Where pages are widened: the widest. Default 1000.
    pub most: Option<u16>,
    /// Whether there is an older page; where it is not told, a full page means yes.
    pub more: Pointers,
    /// What an item is in `events`.
    pub event: String,
    /// Kinds of room that the stream leaves out.
    pub unstreamed: Vec<ConversationKind>,
    /// How often such a room is read after a message in it. Default 2 s.
    pub fast: Option<Span>,
    /// For how long. Default 10 min.
    pub fast_for: Option<Span>,
    /// How often otherwise. Default 15 s.
    pub slow: Option<Span>,
    /// How often the other rooms are read; without a stream: the lists of rooms. Default 5 min.
    pub others: Option<Span>,
    /// It is all there is: there is no stream, every room is polled, and an answer in which nothing can be found is an
    /// error. So with the flavour `rooms`.
    pub alone: bool,
}

/// How a page is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The newest message stands first.
    #[default]
    NewestFirst,
    /// The oldest message stands first.
    OldestFirst,
    /// The pages tell: by their times, or by the messages that are known.
    Detect,
}

impl Order {
    /// How these stand, as their ranks (times, or places in what is known) say; `None` where they do not.
    pub fn of(ranks: impl IntoIterator<Item = Option<u64>>) -> Option<Self> {
        let (mut ups, mut downs, mut last) = (0_u32, 0_u32, None);
        for rank in ranks.into_iter().flatten() {
            match last.map(|last| rank.cmp(&last)) {
                Some(std::cmp::Ordering::Greater) => ups += 1,
                Some(std::cmp::Ordering::Less) => downs += 1,
                _ => {}
            }
            last = Some(rank);
        }
        match ups.cmp(&downs) {
            std::cmp::Ordering::Greater => Some(Self::OldestFirst),
            std::cmp::Ordering::Less => Some(Self::NewestFirst),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// One list of rooms.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// Where it stands.
    pub from: Source,
    /// The list in an answer: the first pointer that finds a list counts; `null` counts as empty.
    pub items: Pointers,
    /// A room's id; none: it goes by the other one of the two who take part.
    pub id: Pointers,
    /// Its title.
    pub title: Pointers,
    /// How it is held.
    pub kind: Option<Held>,
    /// Who takes part: every pointer counts that finds a name or a list of them. None: the agent is in all of them.
    pub between: Pointers,
    /// The name of one of them, where it is an object.
    pub who: Pointers,
    /// What changes when something is said there.
    pub moved: Pointers,
    /// The list is read so often and never besides, for reading it changes something there.
    pub every: Option<Span>,
    /// One page of such a room, where it is read by another request than the history says.
    pub messages: Option<Call>,
}

/// Where a list of rooms stands.
#[derive(Clone, Debug)]
pub enum Source {
    /// In the answer to this request.
    List(Box<Call>),
    /// In these facts, each with an id or a list of ids.
    Kept(Vec<String>),
}

/// How a room is held.
#[derive(Clone, Debug)]
pub enum Held {
    /// All of the list are held so.
    Is(ConversationKind),
    /// As the platform's word says.
    Told(Choice<ConversationKind>),
}

/// What is known of who takes part in a room of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The agent does; with the id of the room.
    Ours(String),
    /// Others do, and it does not.
    Others,
    /// Neither id nor names are where the manifest looks.
    Unreadable,
}

impl History {
    /// The request for one page of a room of this list.
    pub fn page<'a>(&'a self, of: &'a Rooms) -> &'a Call {
        of.messages.as_ref().or(self.call.as_ref()).expect("one of both stands there: it is read so")
    }

    /// Whether pages are widened, for older ones cannot be asked for.
    pub fn widens(&self, of: &Rooms) -> bool {
        !self.page(of).references().iter().any(|it| it.root == Root::Page && it.name == "before")
    }

    /// How a room is held, where its list says it of all of its own.
    pub fn kind_of(&self, room: &str, facts: &BTreeMap<String, Value>, remembered: &Remembered) -> Option<ConversationKind> {
        match self.list_of(room, facts, remembered).kind {
            Some(Held::Is(kind)) => Some(kind),
            Some(Held::Told(_)) | None => None,
        }
    }

    /// The list that a room is of: of those with a few rooms the one that has it (`kept` facts, and what `remembered`
    /// was told by a list that is read seldom), else the first.
    pub fn list_of(&self, room: &str, facts: &BTreeMap<String, Value>, remembered: &Remembered) -> &Rooms {
        let has = |rooms: &&Rooms| match &rooms.from {
            Source::Kept(names) => kept(names, facts).any(|id| id == room),
            Source::List(call) => remembered.has(call, room),
        };
        let is_open = |rooms: &&Rooms| rooms.every.is_none() && rooms.call().is_some();
        let found = self.rooms.iter().find(has).or_else(|| self.rooms.iter().find(is_open));
        found.unwrap_or(&self.rooms[0])
    }
}

impl Rooms {
    /// The request, where it takes one.
    pub fn call(&self) -> Option<&Call> {
        match &self.from {
            Source::List(call) => Some(call),
            Source::Kept(_) => None,
        }
    }

    /// Who takes part in a room, `me` being a name of the agent's own.
    pub fn part(&self, item: &Value, me: impl Fn(&str) -> bool) -> Part {
        let id = self.id.text(item).filter(|id| !id.is_empty());
        let named = self.between.all().iter().filter_map(|pointer| pointer.find(item));
        let names: Vec<String> = named.flat_map(|found| self.names(found)).collect();
        let own = names.iter().filter(|name| me(name)).count();
        match id {
            Some(id) if self.between.is_empty() || names.is_empty() || own > 0 => return Part::Ours(id),
            Some(_) => return Part::Others,
            None if names.is_empty() || !self.id.is_empty() => return Part::Unreadable,
            None => {}
        }
        let mut others: Vec<String> = names.into_iter().filter(|name| !me(name)).collect();
        others.sort_unstable();
        others.dedup();
        match (own, others.pop(), others.is_empty()) {
            (1.., Some(other), true) => Part::Ours(other),
            _ => Part::Others,
        }
    }

    fn names(&self, found: &Value) -> Vec<String> {
        let name = |entry: &Value| text(entry).or_else(|| self.who.text(entry)).filter(|name| !name.is_empty());
        match found {
            Value::Array(entries) => entries.iter().filter_map(name).collect(),
            one => name(one).into_iter().collect(),
        }
    }

    /// How a room of it is held.
    pub fn held(&self, item: &Value) -> Option<ConversationKind> {
        match self.kind.as_ref()? {
            Held::Is(kind) => Some(*kind),
            Held::Told(choice) => choice.read(item),
        }
    }

}

/// The ids in facts, each of which holds one or a list of them.
pub fn kept<'a>(names: &'a [String], facts: &'a BTreeMap<String, Value>) -> impl Iterator<Item = String> + 'a {
    let ids = |value: &'a Value| match value {
        Value::Array(ids) => ids.iter().collect::<Vec<_>>(),
        one => vec![one],
    };
    let all = names.iter().filter_map(|name| facts.get(name)).flat_map(ids);
    all.filter_map(text).filter(|id| !id.is_empty())
}

/// What lists that are read seldom have told last, across restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Remembered(BTreeMap<String, Told>);

/// What one list has told.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The rooms, each with its title.
    pub rooms: Vec<(String, Option<String>)>,
}

impl Remembered {
    /// The line under whose cursor it is kept.
    pub const ROW: &'static str = "rooms";

    /// Reads it back; nothing where it is none.
    pub fn read(row: Option<&str>) -> Self {
        row.and_then(|row| serde_json::from_str(row).ok()).unwrap_or_default()
    }

    /// As it is kept.
    pub fn row(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What this list has told last.
    pub fn told(&self, list: &Call) -> Option<&Told> {
        self.0.get(list.path.source())
    }

    /// A list has told this.
    pub fn note(&mut self, list: &Call, told: Told) {
        self.0.insert(list.path.source().to_owned(), told);
    }

    fn has(&self, list: &Call, room: &str) -> bool {
        self.told(list).is_some_and(|told| told.rooms.iter().any(|(id, _)| id == room))
    }
}

/// One table, or a list of them.
#[derive(Clone, Debug, Default)]
struct Lists(Vec<Rooms>);

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Lists;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table of keys, or a list of such tables")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Lists, A::Error> {
                Ok(Lists(vec![Rooms::deserialize(MapAccessDeserializer::new(map))?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Lists, A::Error> {
                let mut lists = Vec::new();
                while let Some(rooms) = list.next_element()? {
                    lists.push(rooms);
                }
                Ok(Lists(lists))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Held;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("direct, group or document, or a choice of them")
            }
            fn visit_str<E: Error>(self, word: &str) -> Result<Held, E> {
                ConversationKind::deserialize(word.into_deserializer()).map(Held::Is)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Held, A::Error> {
                Choice::deserialize(MapAccessDeserializer::new(map)).map(Held::Told)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A call without keys of its own.
#[derive(Clone, Debug)]
struct Plain(Call);

calling!(RawPlain {});
calling!(RawRooms {
    items: Pointers,
    id: Pointers,
    title: Pointers,
    kind: Option<Held>,
    kept: OneOrMany<String>,
    between: Pointers,
    who: Pointers,
    moved: Pointers,
    every: Option<Span>,
    messages: Option<Plain>,
});
calling!(RawHistory {
    rooms: Lists,
    items: Pointers,
    order: Order,
    limit: Option<u16>,
    most: Option<u16>,
    more: Pointers,
    event: Option<String>,
    unstreamed: OneOrMany<ConversationKind>,
    fast: Option<Span>,
    fast_for: Option<Span>,
    slow: Option<Span>,
    others: Option<Span>,
});

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, |mut raw: RawPlain| raw.call().and_then(needed).map(Self))
    }
}

impl<'de> Deserialize<'de> for Rooms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Rooms {
    fn of(mut raw: RawRooms) -> Result<Self, String> {
        let call = raw.call()?;
        let RawRooms { items, id, title, kind, kept, between, who, moved, every, messages, .. } = raw;
        let from = match call {
            Some(_) if !kept.is_empty() => return Err("a request and `kept` stand here: keep one".to_owned()),
            None if !kept.is_empty() && (!items.is_empty() || !id.is_empty() || every.is_some()) => {
                return Err("`kept` names facts: there is no answer to look into, and no time to ask".to_owned());
            }
            None if !kept.is_empty() => Source::Kept(kept.all().to_vec()),
            call => Source::List(Box::new(needed(call)?)),
        };
        if matches!(from, Source::List(_)) {
            if items.is_empty() {
                return Err(missing("items"));
            }
            if id.is_empty() && between.is_empty() {
                return Err(missing("id"));
            }
        }
        let messages = messages.map(|plain| plain.0);
        Ok(Self { from, items, id, title, kind, between, who, moved, every, messages })
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl History {
    fn of(mut raw: RawHistory) -> Result<Self, String> {
        let call = raw.call()?;
        let RawHistory { rooms, items, order, limit, most, more, event, unstreamed, .. } = raw;
        let RawHistory { fast, fast_for, slow, others, .. } = raw;
        if [limit, most].into_iter().flatten().any(|limit| !(1..=1000).contains(&limit)) {
            return Err("`limit` and `most` are from 1 to 1000".to_owned());
        }
        if rooms.0.is_empty() {
            return Err(missing("rooms"));
        }
        let rooms = rooms.0;
        let call = if rooms.iter().all(|of| of.messages.is_some()) { call } else { Some(needed(call)?) };
        if items.is_empty() {
            return Err(missing("items"));
        }
        let event = event.ok_or_else(|| missing("event"))?;
        let (unstreamed, alone) = (unstreamed.all().to_vec(), false);
        Ok(Self {
            rooms,
            call,
            items,
            order,
            limit,
            most,
            more,
            event,
            unstreamed,
            fast,
            fast_for,
            slow,
            others,
            alone,
        })
    }
}
