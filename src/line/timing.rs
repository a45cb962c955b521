//! How long and how much, for all lines of a bridge; each a key of the configuration.

use std::time::Duration;

use super::action_cable;
use super::event_stream::Limits;
use super::schedule::Pace;
use super::walk::Bounds;
use crate::adapter::{History, Span};

/// What is told of the time before the join.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backfill {
    /// Nothing.
    #[default]
    None,
    /// What was said in this time before the join.
    Last(Duration),
    /// Everything.
    All,
}

/// How long and how much. A `None` leaves it to the platform's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The first wait after a failure. Default 1 s.
    pub first_wait: Duration,
    /// The longest wait after a failure, unless the platform asks for more. Default 60 s.
    pub longest_wait: Duration,
    /// The longest wait that a `retry:` field of a stream can ask for. Default 60 s.
    pub longest_retry: Duration,
    /// First connects are spread over this time, so that 200 workspaces do not knock at once. Default 2 s for one that
    /// starts alone; the daemon sets it from their number.
    pub spread: Duration,
    /// A stream is dead when for this long neither a byte nor a head check proves it alive.
    pub silence: Option<Duration>,
    /// How much later than a history a stream may tell something; then it is deaf. Default 10 s.
    pub grace: Duration,
    /// The platform cuts every stream at this age: it is renewed before.
    pub cut: Option<Duration>,
    /// The pace of reading histories.
    pub pace: Option<Pace>,
    /// How far one walk through a history may go.
    pub walk: Bounds,
    /// Histories read at once. Default 4.
    pub reads: usize,
    /// Tries of one page before the conversation has to wait for its next turn. Default 4.
    pub page_tries: u32,
    /// Frames that wait while the line catches up (P3). Default 1,000.
    pub held_frames: usize,
    /// Bytes of frames that wait while the line catches up (P3). Default 4 MiB.
    pub held_bytes: usize,
    /// A line may be down this long before `workspace.disconnected` is told. Default 30 s.
    pub patience: Duration,
    /// Ids that the platform still lists are refreshed this often (P2). Default 12 h.
    pub relist: Duration,
    /// A platform that greets a new stream has registered it by then; one that does not greet gets this long beside
    /// the old one. Default 1 s.
    pub greeting: Duration,
    /// What a platform that only says "later" is given. Default 5 s.
    pub later: Duration,
    /// A page is asked again at once at most after this wait; a longer one is left to the schedule. Default 30 s.
    pub longest_page_wait: Duration,
    /// Messages asked for in one page where the manifest says nothing. Default 50.
    pub page: u16,
    /// Conversations of one list: a platform that lists more is cut off here. Default 10,000.
    pub rooms: usize,
    /// Batches of events under way to the store at once. At most 16, the default: the margin that is kept from the disk
    /// budget counts on it (P1).
    pub ahead: usize,
    /// The largest line and the largest event of a stream. Default 4 MiB each.
    pub frame: Limits,
    /// How often an event log is read.
    pub every: Option<Duration>,
    /// The same while a push source is live.
    pub beside: Option<Duration>,
    /// So often an event log is read again from where the line was so long before, for what became visible late.
    /// Default 1 min.
    pub overlap: Duration,
    /// The longest that an event waits until it is known who takes part in its conversation. Default 5 s.
    pub members: Duration,
    /// A live document that nobody asked for so long is let go. Default 10 min.
    pub document_idle: Duration,
    /// How long before its start an appointment is told.
    pub calendar_lead: Option<Duration>,
    /// How long a cable waits.
    pub cable: action_cable::Limits,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
            longest_retry: Duration::from_mins(1),
            spread: Duration::from_secs(2),
            silence: None,
            grace: Duration::from_secs(10),
            cut: None,
            pace: None,
            walk: Bounds::default(),
            reads: 4,
            page_tries: 4,
            held_frames: 1_000,
            held_bytes: 4 << 20,
            patience: Duration::from_secs(30),
            relist: Duration::from_hours(12),
            greeting: Duration::from_secs(1),
            later: Duration::from_secs(5),
            longest_page_wait: Duration::from_secs(30),
            page: 50,
            rooms: 10_000,
            ahead: 16,
            frame: Limits::default(),
            every: None,
            beside: None,
            overlap: Duration::from_mins(1),
            members: Duration::from_secs(5),
            document_idle: Duration::from_mins(10),
            calendar_lead: None,
            cable: action_cable::Limits::default(),
        }
    }
}

impl Timing {
    /// The pace of reading the histories of a platform.
    pub fn pace_of(&self, history: &History) -> Pace {
        let pace = Pace::default();
        let of = |span: Option<Span>, otherwise| span.map_or(otherwise, |span| span.0);
        self.pace.unwrap_or(Pace {
            fast: of(history.fast, pace.fast),
            fast_for: of(history.fast_for, pace.fast_for),
            slow: of(history.slow, pace.slow),
            others: of(history.others, pace.others),
        })
    }

    /// When a stream that is cut at the age of `cut` is renewed: early enough to overlap, late enough not to hurry.
    pub fn renewal(cut: Duration) -> Duration {
        cut.saturating_sub((cut / 3).min(Duration::from_secs(5)))
    }
}
