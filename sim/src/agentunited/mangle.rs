//! Faults of the stream: what may be armed, and what is left of it.

use serde::Deserialize;

use super::{wire::Event, world::Message};

/// How the lines of a stream end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Newline {
    /// LF.
    #[default]
    Lf,
    /// CR.
    Cr,
    /// CR LF.
    CrLf,
}

impl Newline {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::Cr => "\r",
            Self::CrLf => "\r\n",
        }
    }
}

/// What goes wrong with the stream; counts are of events from now on that some open
/// stream hears; an event that goes to several streams counts once.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StreamFault {
    /// Cuts every stream after `events` more; with `bytes`, that far into the one after them.
    DropAfter {
        /// How many events still pass.
        events: u32,
        /// How much of the next one does.
        #[serde(default)]
        bytes: Option<usize>,
    },
    /// Sends the next `events` twice.
    Duplicate {
        /// How many.
        events: u32,
    },
    /// Collects the next `events` and sends them last to first.
    Reorder {
        /// How many.
        events: u32,
    },
    /// Keeps the next `events` off the stream; the history has them.
    HoldBack {
        /// How many.
        events: u32,
    },
    /// Makes the next event at least this long.
    Oversize {
        /// Bytes.
        bytes: usize,
    },
    /// Sends the newest `events` messages of the rooms again before the next event.
    ReplayOld {
        /// How many.
        events: usize,
    },
    /// Puts bytes that are not UTF-8 into the next event's text.
    BadUtf8,
    /// Frames everything from now on so; the BOM opens the next streams.
    Framing {
        /// A byte order mark first.
        #[serde(default)]
        bom: bool,
        /// How lines end.
        #[serde(default)]
        newline: Newline,
    },
    /// Asks every stream that opens from now on for this delay before a reconnect: the value of `retry:`, verbatim.
    Retry {
        /// Milliseconds, or nonsense.
        says: String,
    },
}

/// The stream faults in force.
#[derive(Debug, Default)]
pub(crate) struct Mangle {
    pub(crate) drop_after: Option<(u32, Option<usize>)>,
    pub(crate) duplicate: u32,
    pub(crate) reorder: u32,
    pub(crate) reordered: Vec<(Message, Event)>,
    pub(crate) hold_back: u32,
    pub(crate) oversize: Option<usize>,
    pub(crate) replay_old: usize,
    pub(crate) bad_utf8: bool,
    pub(crate) bom: bool,
    pub(crate) newline: Newline,
    pub(crate) retry: Option<String>,
}

impl Mangle {
    pub(crate) fn arm(&mut self, fault: &StreamFault) {
        match *fault {
            StreamFault::DropAfter { events, bytes } => self.drop_after = Some((events, bytes)),
            StreamFault::Duplicate { events } => self.duplicate += events,
            StreamFault::Reorder { events } => self.reorder += events,
            StreamFault::HoldBack { events } => self.hold_back += events,
            StreamFault::Oversize { bytes } => self.oversize = Some(bytes),
            StreamFault::ReplayOld { events } => self.replay_old = events,
            StreamFault::BadUtf8 => self.bad_utf8 = true,
            StreamFault::Framing { bom, newline } => (self.bom, self.newline) = (bom, newline),
            StreamFault::Retry { ref says } => self.retry = Some(says.clone()),
        }
    }

    /// How many faults still wait for an event.
    pub(crate) fn left(&self) -> usize {
        let counted = [self.duplicate, self.reorder, self.hold_back];
        counted.into_iter().filter(|it| *it > 0).count()
            + usize::from(self.drop_after.is_some())
            + usize::from(self.oversize.is_some())
            + usize::from(self.replay_old > 0)
            + usize::from(self.bad_utf8)
    }

    /// Whether plain bytes may pass as they are.
    pub(crate) fn idle(&self) -> bool {
        self.left() == 0 && self.newline == Newline::Lf
    }
}

/// Takes one off a count, and says whether there was one.
pub(crate) fn spend(count: &mut u32) -> bool {
    let had = *count > 0;
    *count = count.saturating_sub(1);
    had
}
