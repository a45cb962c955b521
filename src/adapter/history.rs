//! How what was said is read, conversation by conversation, as a manifest tells it.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::call::{Call, calling, needed};
use super::plain::{OneOrMany, Span, missing, read_table};
use super::pointer::Pointers;
use super::remembered::Remembered;
use super::rooms::{Held, Lists, Rooms, Source, kept};
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
    pub fn kind_of(
        &self,
        room: &str,
        facts: &BTreeMap<String, Value>,
        remembered: &Remembered,
    ) -> Option<ConversationKind> {
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
