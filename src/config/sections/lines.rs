//! `[lines]`: how events come in.

use serde::{Deserialize, Serialize};

use super::cable::Cable;
use crate::config::measure::{Size, Span};
use crate::line::timing::Timing;
use crate::line::{event_stream, schedule, walk};

/// `[lines]`. What is left out is as the platform's manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lines {
    /// The first wait after a failure; it doubles.
    pub first_wait: Span,
    /// The longest wait after a failure, unless the platform asks for more.
    pub longest_wait: Span,
    /// The longest wait that a stream's `retry:` can ask for.
    pub longest_retry: Span,
    /// First connects are spread over this time.
    pub spread: Span,
    /// A stream is dead when for this long neither a byte nor a head check proves it alive.
    pub silence: Option<Span>,
    /// How much later than a history a stream may tell something; then it is deaf.
    pub grace: Span,
    /// The platform cuts every stream at this age.
    pub cut: Option<Span>,
    /// The pace of reading histories; all four or none.
    pub pace: Option<Pace>,
    /// Messages gathered in one walk through a history.
    pub walk_messages: usize,
    /// Pages read in one walk.
    pub walk_pages: usize,
    /// Bytes gathered in one walk.
    pub walk_bytes: Size,
    /// Histories read at once.
    pub reads: usize,
    /// Tries of one page before the conversation waits for its next turn.
    pub page_tries: u32,
    /// Live frames that wait while the line catches up.
    pub held_frames: usize,
    /// Their bytes.
    pub held_bytes: Size,
    /// A line may be down this long before `workspace.disconnected` is told.
    pub patience: Span,
    /// Ids that the platform still lists are refreshed this often.
    pub relist: Span,
    /// A new stream that replaces one about to be cut gets this long to greet.
    pub greeting: Span,
    /// The wait after a platform that says "later" and not when.
    pub later: Span,
    /// The longest wait before the same page is asked again at once.
    pub longest_page_wait: Span,
    /// Messages asked for in one page, where the manifest says nothing.
    pub page: u16,
    /// Conversations taken from one list.
    pub rooms: usize,
    /// Batches of events under way to the store at once; at most 16.
    pub ahead: usize,
    /// The largest event of a stream.
    pub frame: Size,
    /// The longest line of a stream.
    pub frame_line: Size,
    /// How often an event log is read.
    pub every: Option<Span>,
    /// The same while a push source is live.
    pub beside: Option<Span>,
    /// So often an event log is read again from where the line was so long before.
    pub overlap: Span,
    /// The longest that an event waits until it is known who takes part in its conversation.
    pub members: Span,
    /// A live document that nobody asked for so long is let go.
    pub document_idle: Span,
    /// How long before its start an appointment is told.
    pub calendar_lead: Option<Span>,
    /// How long a cable waits.
    pub cable: Cable,
}

/// `[lines.pace]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// A conversation that the stream leaves out, while it is lively.
    pub fast: Span,
    /// How long a message makes it lively.
    pub fast_for: Span,
    /// The same conversation otherwise.
    pub slow: Span,
    /// A conversation that the stream carries.
    pub others: Span,
}

impl Default for Lines {
    fn default() -> Self {
        let timing = Timing::default();
        Self {
            first_wait: Span(timing.first_wait),
            longest_wait: Span(timing.longest_wait),
            longest_retry: Span(timing.longest_retry),
            spread: Span(timing.spread),
            silence: timing.silence.map(Span),
            grace: Span(timing.grace),
            cut: timing.cut.map(Span),
            pace: None,
            walk_messages: timing.walk.messages,
            walk_pages: timing.walk.pages,
            walk_bytes: Size(timing.walk.bytes as u64),
            reads: timing.reads,
            page_tries: timing.page_tries,
            held_frames: timing.held_frames,
            held_bytes: Size(timing.held_bytes as u64),
            patience: Span(timing.patience),
            relist: Span(timing.relist),
            greeting: Span(timing.greeting),
            later: Span(timing.later),
            longest_page_wait: Span(timing.longest_page_wait),
            page: timing.page,
            rooms: timing.rooms,
            ahead: timing.ahead,
            frame: Size(timing.frame.event as u64),
            frame_line: Size(timing.frame.line as u64),
            every: timing.every.map(Span),
            beside: timing.beside.map(Span),
            overlap: Span(timing.overlap),
            members: Span(timing.members),
            document_idle: Span(timing.document_idle),
            calendar_lead: timing.calendar_lead.map(Span),
            cable: Cable::default(),
        }
    }
}

impl Lines {
    /// As the lines take it.
    pub fn timing(&self) -> Timing {
        let pace = |pace: &Pace| schedule::Pace {
            fast: pace.fast.0,
            fast_for: pace.fast_for.0,
            slow: pace.slow.0,
            others: pace.others.0,
        };
        Timing {
            first_wait: self.first_wait.0,
            longest_wait: self.longest_wait.0,
            longest_retry: self.longest_retry.0,
            spread: self.spread.0,
            silence: self.silence.map(|span| span.0),
            grace: self.grace.0,
            cut: self.cut.map(|span| span.0),
            pace: self.pace.as_ref().map(pace),
            walk: walk::Bounds { messages: self.walk_messages, pages: self.walk_pages, bytes: self.walk_bytes.bytes() },
            reads: self.reads,
            page_tries: self.page_tries,
            held_frames: self.held_frames,
            held_bytes: self.held_bytes.bytes(),
            patience: self.patience.0,
            relist: self.relist.0,
            greeting: self.greeting.0,
            later: self.later.0,
            longest_page_wait: self.longest_page_wait.0,
            page: self.page,
            rooms: self.rooms,
            ahead: self.ahead,
            every: self.every.map(|span| span.0),
            beside: self.beside.map(|span| span.0),
            overlap: self.overlap.0,
            members: self.members.0,
            calendar_lead: self.calendar_lead.map(|span| span.0),
            frame: event_stream::Limits { line: self.frame_line.bytes(), event: self.frame.bytes() },
            document_idle: self.document_idle.0,
            cable: self.cable.limits(),
        }
    }
}
