//! What the agent asks, and what became of it.

mod step;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
pub use step::{Deed, Step};

use crate::event::WorkspaceName;

/// The bridge's name for one action: `act_` and 32 hex digits, which sort by the time of acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActionId(String);

impl ActionId {
    /// A fresh id: 48 bits of time (`now`, milliseconds since 1970), 16 of a count within it, 64 of chance.
    ///
    /// Ids of one process grow strictly, within a millisecond and when the wall clock goes back: the outbox keeps the
    /// order of a conversation by them.
    pub fn fresh(now: u64) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let wanted = (now & 0xffff_ffff_ffff) << 16;
        let next = |last: u64| if wanted > last { wanted } else { last + 1 };
        let last = LAST.update(Ordering::Relaxed, Ordering::Relaxed, next);
        let mut chance = [0_u8; 8];
        getrandom::fill(&mut chance).expect("the system's random source answers");
        Self(format!("act_{:016x}{:016x}", next(last), u64::from_be_bytes(chance)))
    }

    /// Reads one back; `None` for what is no action id.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, part) = text
            .strip_prefix("act_")?
            .split_once('.')
            .map_or_else(|| Some((text.strip_prefix("act_")?, "0")), |(digits, part)| Some((digits, part)))?;
        let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        let good = digits.len() == 32 && digits.bytes().all(hex) && part.parse::<u16>().is_ok();
        good.then(|| Self(text.to_owned()))
    }

    /// The id of part `index` of a split text: the first part is the action itself, the others sort right behind it.
    #[must_use]
    pub fn part(&self, index: u32) -> Self {
        if index == 0 { self.clone() } else { Self(format!("{}.{index:04}", self.0)) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ActionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An action as the agent asks for it: over `act`, or riding on an ack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Where. On an ack it may be missing: then it is the event's workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceName>,
    /// What: a verb of the platform's manifest.
    pub verb: String,
    /// With what. `conversation`, `text`, `message`, `reply_to`, `files` mean the same on every platform.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// The agent's own name for this wish: for 30 days the same key is the same action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Where an action stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Durable, not tried yet.
    Accepted,
    /// A try is or was under way; what it did is not known until the next state is durable.
    Trying,
    /// A reply was lost; the workspace's own messages are being read for it.
    Doubtful,
    /// The platform has it.
    Confirmed {
        /// The platform's ids of what it made, in order.
        remote_ids: Vec<String>,
    },
    /// It did not happen.
    Failed {
        /// A stable word: `refused`, `not_found`, `too_long`, `bad_args`, `no_seat`, …
        kind: String,
        /// The platform's HTTP status, where it answered.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// What went wrong and what to do.
        message: String,
    },
    /// It may have happened; the bridge cannot find out.
    Unknown {
        /// Why not.
        message: String,
    },
}

impl State {
    /// Nothing more will become of it.
    pub const fn settled(&self) -> bool {
        matches!(self, Self::Confirmed { .. } | Self::Failed { .. } | Self::Unknown { .. })
    }

    /// The word on the wire.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Trying => "trying",
            Self::Doubtful => "doubtful",
            Self::Confirmed { .. } => "confirmed",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// One durable action: the row of the outbox, and its receipt once settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The bridge's name for it.
    pub id: ActionId,
    /// Where.
    pub workspace: WorkspaceName,
    /// What.
    pub verb: String,
    /// With what.
    pub args: Map<String, Value>,
    /// The agent's key, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The event it answers, if it rode on an ack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<u64>,
    /// It goes out once all of these are confirmed, and not at all where one of them is not: what the bridge does by
    /// itself behind an ack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<ActionId>,
    /// Milliseconds since 1970.
    pub accepted_at: u64,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// Requests sent so far.
    #[serde(default)]
    pub tries: u32,
    /// Not before this wall time (milliseconds since 1970): a `Retry-After`, or the pause before a second read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u64>,
    /// Why it is not tried just now, for people: patience that the platform asks for, a seat that needs somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// The newest message known in the conversation when the first try began, or its place: what is found must be past
    /// it. Empty where nothing was there, or where records are looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<String>,
    /// The records that looked like what it makes before the first try: none of them is its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
    /// Reads after a lost reply that found nothing so far.
    #[serde(default)]
    pub empty_reads: u32,
    /// Resends after a lost reply: at most one, or a few where doing it twice is doing it once.
    #[serde(default)]
    pub resends: u32,
    /// The serialised body and its idempotency key, where the platform takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Prepared>,
    /// How it went out, where a verb has several ways: `edited`, `suggested`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub went: Option<String>,
    /// Parts of a long text: this row is part `index` of `of`, and the receipt is on the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// When it settled, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<u64>,
    /// The last steps taken, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// What goes over the wire again and again, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The idempotency key.
    pub key: String,
    /// The body.
    pub body: String,
}

/// A part of a split text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The action the agent knows: the first part's id.
    pub whole: ActionId,
    /// 0 for the first.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

impl Action {
    /// A fresh action, accepted now.
    pub fn accept(workspace: WorkspaceName, request: Request, answers: Option<u64>, now: u64) -> Self {
        Self {
            id: ActionId::fresh(now),
            workspace,
            verb: request.verb,
            args: request.args,
            key: request.key,
            answers,
            behind: Vec::new(),
            accepted_at: now,
            state: State::Accepted,
            tries: 0,
            not_before: None,
            waits: None,
            fence: None,
            known: Vec::new(),
            empty_reads: 0,
            resends: 0,
            prepared: None,
            went: None,
            part: None,
            settled_at: None,
            steps: Vec::new(),
        }
    }

    /// The same, but not before all of these are confirmed.
    #[must_use]
    pub fn behind(self, others: Vec<ActionId>) -> Self {
        let waits = (!others.is_empty()).then(|| "every action of its ack is to be confirmed first".to_owned());
        Self { behind: others, waits, ..self }
    }

    /// The conversation it goes to; empty where the verb has none. Actions of one conversation keep their order.
    pub fn conversation(&self) -> &str {
        self.args.get("conversation").and_then(Value::as_str).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let (first, second) = (ActionId::fresh(1_000), ActionId::fresh(1_001));
        assert!(first < second);
        assert_eq!(ActionId::parse(first.as_str()), Some(first.clone()));
        assert_eq!(ActionId::parse("act_zz"), None);
        assert!(second < ActionId::fresh(1_001) && second < ActionId::fresh(900), "whatever the clock does");
        assert!(first.part(0) < first.part(1) && first.part(9) < first.part(10) && first.part(10) < second);
        assert_eq!(ActionId::parse(first.part(7).as_str()), Some(first.part(7)));
    }

    #[test]
    fn a_row_reads_back_with_its_state() {
        let request = Request { workspace: None, verb: "send".into(), args: Map::new(), key: Some("k".into()) };
        let mut action = Action::accept(WorkspaceName::new("acme").unwrap(), request, Some(7), 5);
        action.state = State::Confirmed { remote_ids: vec!["m1".into()] };
        let json = serde_json::to_string(&action).unwrap();
        assert_eq!(serde_json::from_str::<Action>(&json).unwrap(), action);
        assert!(json.contains(r#""state":"confirmed""#));
    }
}
