//! How events arrive, as a manifest tells it.

use serde::{Deserialize, Deserializer};

use super::also::Also;
use super::call::{Call, calling, needed};
use super::inbox::{Inbox, Shown, Waiting};
use super::members::Members;
use super::outcome::Sign;
use super::plain::{OneOrMany, Span, Table, missing, read_table};
use super::pointer::{Choice, Pointer, Pointers};
use super::push::Push;
use crate::event::ConversationKind;

/// How events arrive.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The mechanism.
    pub flavour: LineFlavour,
    /// The request that opens the line.
    pub call: Call,
    /// Without a byte for so long, the line is dead. Default 75 s.
    pub silence: Option<Span>,
    /// The platform cuts a line of this age: it is renewed before, overlapping.
    pub cut: Option<Span>,
    /// The platform's names for frames and what they are in `events`; `null`: of no interest.
    pub names: Table<Option<String>>,
    /// Where a body names its frame itself, instead of the transport.
    pub name: Pointers,
    /// Where the thing itself stands in a body; none: the body is it.
    pub item: Pointers,
    /// How a line goes on where it ended; none: it cannot.
    pub resume: Option<Resume>,
    /// How what was missed is read.
    pub history: Option<History>,
    /// How an event log is read; with the flavour `poll`, and no other.
    pub log: Option<Log>,
    /// How a list of what waits is read; with the flavour `inbox`, and no other.
    pub inbox: Option<Inbox>,
    /// Other ways in which the same events arrive.
    pub push: Vec<Push>,
    /// Lists that are read beside the line, each where the workspace has its session; at most one of each flavour.
    pub also: Vec<Also>,
    /// The capability without which the grant has no line.
    pub needs: Option<String>,
}

/// The mechanism of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineFlavour {
    /// Server-Sent Events (WHATWG HTML, section 9.2).
    Sse,
    /// An event log with an opaque cursor, read again and again.
    Poll,
    /// A list of what waits for the agent, read again and again.
    Inbox,
    /// The platform has no work channel: no `receive` stands in the manifest, and nothing is ever opened.
    #[serde(skip)]
    None,
}

/// How an event log is read: the oldest event first, from a cursor on.
#[derive(Clone, Debug)]
pub struct Log {
    /// The list of events in a page; `null` counts as empty.
    pub items: Pointer,
    /// Where the next page begins. The end of the log is where it repeats the cursor that was sent, or is not there.
    pub cursor: Pointers,
    /// The answer that means: this cursor is no cursor any more.
    pub refused: Option<Sign>,
    /// An event's own id is a number that ascends along the log: what is told behind a greater one of its conversation is
    /// late. Otherwise a push source is judged by time. Default no.
    pub ascending: bool,
    /// How often the log is read. Default 5 s.
    pub every: Option<Span>,
    /// The same while a push source is live. Default 60 s.
    pub beside: Option<Span>,
    /// Who takes part in a conversation, where the log does not say how it is held.
    pub members: Option<Members>,
}

/// How a line goes on where it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resume {
    /// The last `id:` in the header `Last-Event-ID`.
    LastEventId,
}

/// How what was missed is read, room by room.
#[derive(Clone, Debug)]
pub struct History {
    /// Which rooms there are.
    pub rooms: Rooms,
    /// One page of a room: `{room.id}`, `{page.limit}`, `{page.before?}` (the oldest message of the page before).
    pub call: Call,
    /// The list of messages; `null` counts as empty.
    pub items: Pointer,
    /// How the list is sorted.
    pub order: Order,
    /// The longest page the platform gives: 1 to 1000. Default 50.
    pub limit: Option<u16>,
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
    /// How often the other rooms are read. Default 5 min.
    pub others: Option<Span>,
}

/// How a page is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The newest message stands first.
    #[default]
    NewestFirst,
    /// The oldest message stands first.
    OldestFirst,
}

/// Which rooms there are.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// The request.
    pub call: Call,
    /// The list; `null` counts as empty.
    pub items: Pointer,
    /// A room's id.
    pub id: Pointers,
    /// Its title.
    pub title: Pointers,
    /// How it is held.
    pub kind: Option<Choice<ConversationKind>>,
}

calling!(RawReceive {
    flavour: Option<LineFlavour>,
    silence: Option<Span>,
    cut: Option<Span>,
    names: Table<Option<String>>,
    name: Pointers,
    item: Pointers,
    resume: Option<Resume>,
    history: Option<History>,
    items: Option<Pointer>,
    cursor: Pointers,
    cursor_refused: Option<Sign>,
    ascending: bool,
    every: Option<Span>,
    beside: Option<Span>,
    event: Option<String>,
    waiting: Option<Waiting>,
    quiet: Option<Span>,
    done: Option<String>,
    presence: Option<Shown>,
    push: Vec<Push>,
    members: Option<Members>,
    also: Vec<Also>,
    needs: Option<String>,
});
calling!(RawRooms {
    items: Option<Pointer>,
    id: Pointers,
    title: Pointers,
    kind: Option<Choice<ConversationKind>>,
});
calling!(RawHistory {
    rooms: Option<Rooms>,
    items: Option<Pointer>,
    order: Order,
    limit: Option<u16>,
    more: Pointers,
    event: Option<String>,
    unstreamed: OneOrMany<ConversationKind>,
    fast: Option<Span>,
    fast_for: Option<Span>,
    slow: Option<Span>,
    others: Option<Span>,
});

impl Default for Receive {
    /// None.
    fn default() -> Self {
        let (flavour, call) = (LineFlavour::None, Call::root());
        let (names, name, item, push, also) =
            (Table::default(), Pointers::default(), Pointers::default(), Vec::new(), Vec::new());
        let (silence, cut, resume, history, log, inbox, needs) = (None, None, None, None, None, None, None);
        Self { flavour, call, silence, cut, names, name, item, resume, history, log, inbox, push, also, needs }
    }
}

impl<'de> Deserialize<'de> for Receive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Receive {
    fn of(mut raw: RawReceive) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        let flavour = raw.flavour.ok_or_else(|| missing("flavour"))?;
        let inbox = raw.inbox(flavour)?;
        let log = raw.log(flavour)?;
        let RawReceive { silence, cut, names, name, item, resume, history, push, also, needs, .. } = raw;
        let mut flavours: Vec<&str> = also.iter().map(Also::flavour).collect();
        flavours.sort_unstable();
        if flavours.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("`also` has two lists of one flavour: one of each is kept apart by its flavour".to_owned());
        }
        Ok(Self { flavour, call, silence, cut, names, name, item, resume, history, log, inbox, push, also, needs })
    }
}

impl RawReceive {
    /// What describes the list, which one flavour has and no other.
    fn inbox(&mut self, flavour: LineFlavour) -> Result<Option<Inbox>, String> {
        let (event, waiting, quiet) = (self.event.take(), self.waiting.take(), self.quiet.take());
        let (done, shown) = (self.done.take(), self.presence.take());
        if flavour != LineFlavour::Inbox {
            let strange = event.is_some() || waiting.is_some() || quiet.is_some();
            let strange = strange || done.is_some() || shown.is_some();
            let message = "`event`, `waiting`, `quiet`, `done` and `presence` are for the flavour inbox";
            return if strange { Err(message.to_owned()) } else { Ok(None) };
        }
        let items = self.items.take().ok_or_else(|| missing("items"))?;
        let event = event.ok_or_else(|| missing("event"))?;
        Ok(Some(Inbox { items, event, waiting, done, shown, every: self.every.take(), quiet }))
    }

    /// What describes the log, which one flavour has and no other.
    fn log(&mut self, flavour: LineFlavour) -> Result<Option<Log>, String> {
        let (items, cursor, refused) =
            (self.items.take(), std::mem::take(&mut self.cursor), self.cursor_refused.take());
        let (every, beside, ascending) = (self.every.take(), self.beside.take(), self.ascending);
        let members = self.members.take();
        let streams = [self.silence.is_some(), self.cut.is_some(), self.resume.is_some()].contains(&true);
        let named = [items.is_some(), !cursor.is_empty(), refused.is_some(), every.is_some(), beside.is_some()];
        let logs = ascending || members.is_some() || named.contains(&true);
        match flavour {
            LineFlavour::Sse | LineFlavour::Inbox if logs => {
                let keys = "`items`, `cursor`, `cursor_refused`, `ascending`, `every`, `beside` and `members`";
                Err(format!("{keys} are for the flavour poll"))
            }
            LineFlavour::Sse | LineFlavour::None => Ok(None),
            LineFlavour::Inbox if !streams => Ok(None),
            LineFlavour::Inbox => Err("`silence`, `cut` and `resume` are for a stream".to_owned()),
            LineFlavour::Poll if streams => Err("`silence`, `cut` and `resume` are for a stream".to_owned()),
            LineFlavour::Poll if cursor.is_empty() => Err(missing("cursor")),
            LineFlavour::Poll => {
                let items = items.ok_or_else(|| missing("items"))?;
                Ok(Some(Log { items, cursor, refused, ascending, every, beside, members }))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Rooms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Rooms {
    fn of(mut raw: RawRooms) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        let items = raw.items.ok_or_else(|| missing("items"))?;
        if raw.id.is_empty() {
            return Err(missing("id"));
        }
        Ok(Self { call, items, id: raw.id, title: raw.title, kind: raw.kind })
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl History {
    fn of(mut raw: RawHistory) -> Result<Self, String> {
        let call = raw.call().and_then(needed)?;
        let RawHistory { rooms, items, order, limit, more, event, unstreamed, fast, fast_for, slow, others, .. } = raw;
        if limit.is_some_and(|limit| !(1..=1000).contains(&limit)) {
            return Err("`limit` is from 1 to 1000".to_owned());
        }
        let (rooms, items) = (rooms.ok_or_else(|| missing("rooms"))?, items.ok_or_else(|| missing("items"))?);
        let event = event.ok_or_else(|| missing("event"))?;
        let unstreamed = unstreamed.all().to_vec();
        Ok(Self { rooms, call, items, order, limit, more, event, unstreamed, fast, fast_for, slow, others })
    }
}
