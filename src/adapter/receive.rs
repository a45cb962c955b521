//! How events arrive, as a manifest tells it.

use serde::{Deserialize, Deserializer};

use super::also::Also;
use super::call::{Call, calling, needed};
use super::history::History;
use super::inbox::{Inbox, Shown, Waiting};
use super::members::Members;
use super::outcome::Sign;
use super::plain::{Span, Table, missing, read_table};
use super::pointer::{Pointer, Pointers};
use super::push::Push;
use super::rooms::Rooms;

/// How events arrive.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The mechanism.
    pub flavour: LineFlavour,
    /// The request that opens the line; of the flavour `rooms` the first list of them.
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
    /// A fact that is `false` as long as there is nothing to read yet; with the flavour `rooms`, and no other.
    pub ready: Option<String>,
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
    /// Conversations whose histories are read again and again: there is nothing else.
    Rooms,
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
    ready: Option<String>,
});
impl Default for Receive {
    /// None.
    fn default() -> Self {
        let (flavour, call) = (LineFlavour::None, Call::root());
        let (names, name, item, push, also) =
            (Table::default(), Pointers::default(), Pointers::default(), Vec::new(), Vec::new());
        let (silence, cut, resume, history, log, inbox, needs) = (None, None, None, None, None, None, None);
        Self {
            flavour,
            call,
            silence,
            cut,
            names,
            name,
            item,
            resume,
            history,
            log,
            inbox,
            push,
            also,
            needs,
            ready: None,
        }
    }
}

impl<'de> Deserialize<'de> for Receive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_table(deserializer, Self::of)
    }
}

impl Receive {
    fn of(mut raw: RawReceive) -> Result<Self, String> {
        let flavour = raw.flavour.ok_or_else(|| missing("flavour"))?;
        let call = raw.opens(flavour)?;
        let inbox = raw.inbox(flavour)?;
        let log = raw.log(flavour)?;
        let RawReceive { silence, cut, names, name, item, resume, history, push, also, needs, ready, .. } = raw;
        let mut flavours: Vec<&str> = also.iter().map(Also::flavour).collect();
        flavours.sort_unstable();
        if flavours.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("`also` has two lists of one flavour: one of each is kept apart by its flavour".to_owned());
        }
        Ok(Self {
            flavour,
            call,
            silence,
            cut,
            names,
            name,
            item,
            resume,
            history,
            log,
            inbox,
            push,
            also,
            needs,
            ready,
        })
    }
}

impl RawReceive {
    /// The request that opens the line. Histories alone are opened by no request of their own.
    fn opens(&mut self, flavour: LineFlavour) -> Result<Call, String> {
        let own = self.call()?;
        if flavour != LineFlavour::Rooms {
            return match self.ready {
                Some(_) => Err("`ready` is for the flavour rooms".to_owned()),
                None => needed(own),
            };
        }
        if own.is_some() {
            return Err("the flavour rooms has no request of its own: it reads what `history` names".to_owned());
        }
        let history = self.history.as_mut().ok_or_else(|| missing("history"))?;
        history.alone = true;
        Ok(history.rooms.iter().find_map(Rooms::call).unwrap_or_else(|| history.page(&history.rooms[0])).clone())
    }

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
            LineFlavour::Sse | LineFlavour::Inbox | LineFlavour::Rooms if logs => {
                let keys = "`items`, `cursor`, `cursor_refused`, `ascending`, `every`, `beside` and `members`";
                Err(format!("{keys} are for the flavour poll"))
            }
            LineFlavour::Sse | LineFlavour::None => Ok(None),
            LineFlavour::Inbox | LineFlavour::Rooms if !streams => Ok(None),
            LineFlavour::Inbox | LineFlavour::Rooms => Err("`silence`, `cut` and `resume` are for a stream".to_owned()),
            LineFlavour::Poll if streams => Err("`silence`, `cut` and `resume` are for a stream".to_owned()),
            LineFlavour::Poll if cursor.is_empty() => Err(missing("cursor")),
            LineFlavour::Poll => {
                let items = items.ok_or_else(|| missing("items"))?;
                Ok(Some(Log { items, cursor, refused, ascending, every, beside, members }))
            }
        }
    }
}
