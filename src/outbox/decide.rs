//! What becomes of an action after a try or a read: pure, so that every branch of P6 is a table in a test.

use std::time::Duration;

use crate::action::{Action, State};

/// Two reads that find nothing must lie this far apart before a message counts as not stored.
/// No key: P6 promises these seconds, and a shorter time would trade a second execution for speed.
pub const BETWEEN_READS: Duration = Duration::from_secs(10);

/// How often a verb that may be repeated is sent again after a lost reply: over some 13 minutes. A platform that answers
/// 500 to this very request would answer so for ever, and hold up what comes behind.
const REPEATS: u32 = 10;
/// The longest wait between two of these.
const LONGEST_REPEAT: Duration = Duration::from_mins(5);

/// How a verb behaves when nobody knows whether a request was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Doing it twice is doing it once (an edit to the same text): just try again.
    Repeat,
    /// The platform knows the key of a request that it had before: ask again with the same key and body.
    SameKey,
    /// What it makes can be read for, and what stood there before is known.
    ReadBack,
    /// The same, and doing it twice is doing it once: look first, then try again.
    LookFirst,
    /// It could be read for, but what stood there before could not be read.
    Unfenced,
    /// Nothing tells.
    Stay,
}

/// What one try brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The platform has it.
    Done {
        /// The ids that it gave.
        remote_ids: Vec<String>,
    },
    /// Nothing was sent, or the platform said that it did nothing for now: try again after this long.
    Later {
        /// By `Retry-After`, else by backoff.
        after: Duration,
        /// Why.
        why: String,
    },
    /// The platform refuses.
    Refused {
        /// A stable word.
        kind: String,
        /// Its status.
        status: Option<u16>,
        /// What it said.
        message: String,
    },
    /// It was sent and the answer is lost, or was a 5xx: it may have happened.
    Lost {
        /// Why.
        why: String,
        /// The platform itself answered, and would answer so for ever.
        spoke: bool,
    },
}

impl Tried {
    /// The outcome of the step, and its reason.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Done { remote_ids } => ("done", remote_ids.join(", ")),
            Self::Later { why, .. } => ("later", why.clone()),
            Self::Refused { kind, status: Some(status), message } => {
                ("refused", format!("{kind} ({status}): {message}"))
            }
            Self::Refused { kind, status: None, message } => ("refused", format!("{kind}: {message}")),
            Self::Lost { why, .. } => ("lost", why.clone()),
        }
    }
}

/// What one read after a lost reply found past the fence, of the agent's own, unclaimed, and alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// Exactly one: it is ours. The ids that its receipt names.
    One(Vec<String>),
    /// Several: nobody can tell.
    Several(usize),
    /// None that is alike, but so many that may be: rendered, edited, or written by somebody who is not told.
    Unclear(usize),
    /// Not all that is past the fence was read, for this reason. What was found may be older than the action, and what
    /// was not found may stand further down.
    Unreached(&'static str),
}

impl Found {
    /// The outcome of the step, and its reason.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Nothing => ("nothing", String::new()),
            Self::One(ids) => ("found", ids.join(", ")),
            Self::Several(count) => ("several", count.to_string()),
            Self::Unclear(count) => ("unclear", count.to_string()),
            Self::Unreached(why) => ("unreached", (*why).to_owned()),
        }
    }
}

/// The action after a try. `now` in milliseconds since 1970; `over`: the time for retrying has ended.
pub fn after_try(mut action: Action, tried: Tried, doubt: Doubt, now: u64, over: bool) -> Action {
    (action.not_before, action.waits) = (None, None);
    let (outcome, why) = tried.words();
    action.ended(now, outcome, &why);
    action.state = match tried {
        Tried::Done { remote_ids } => State::Confirmed { remote_ids },
        Tried::Refused { kind, status, message } => State::Failed { kind, status, message },
        Tried::Later { why, .. } if over => gave_up(&action, &why),
        Tried::Later { after, why } => {
            action.waits = Some(why);
            wait(&mut action, now, after, State::Accepted)
        }
        Tried::Lost { why, spoke } => after_loss(&mut action, why, spoke, doubt, now, over),
    };
    settle(action, now)
}

/// The time for retrying has ended with nothing sent, but for what was lost before.
fn gave_up(action: &Action, why: &str) -> State {
    let message = format!("{why}; tried {} times until the deadline (outbox.give_up)", action.tries);
    if action.resends > 0 {
        return State::Unknown { message: format!("a reply was lost, and then {message}") };
    }
    State::Failed { kind: "gave_up".to_owned(), status: None, message }
}

fn after_loss(action: &mut Action, why: String, spoke: bool, doubt: Doubt, now: u64, over: bool) -> State {
    // With a key the whole deadline is there to be used; but what the platform itself repeats it will not change.
    let spent = action.resends >= REPEATS && (spoke || doubt == Doubt::Repeat);
    match doubt {
        Doubt::Repeat | Doubt::SameKey if over || spent => State::Unknown { message: why },
        Doubt::Repeat | Doubt::SameKey => repeat(action, why, now),
        Doubt::ReadBack | Doubt::LookFirst => {
            action.waits = Some(why);
            State::Doubtful
        }
        Doubt::Unfenced => {
            let message =
                format!("{why}, and what stood there before could not be read, so that nothing tells it apart");
            State::Unknown { message }
        }
        Doubt::Stay => State::Unknown { message: format!("{why}, and this verb cannot be read back") },
    }
}

/// Again, each time after a longer pause.
fn repeat(action: &mut Action, why: String, now: u64) -> State {
    let pause = Duration::from_secs(1 << action.resends.min(REPEATS)).min(LONGEST_REPEAT);
    action.resends += 1;
    action.waits = Some(why);
    wait(action, now, pause, State::Accepted)
}

/// The action after a read that came back whole.
pub fn after_read(mut action: Action, found: &Found, doubt: Doubt, now: u64) -> Action {
    action.not_before = None;
    let (outcome, why) = found.words();
    action.read(now, outcome, &why);
    action.state = match found {
        Found::One(ids) => State::Confirmed { remote_ids: ids.clone() },
        Found::Several(count) => {
            State::Unknown { message: format!("the reply was lost, and {count} there look like this one") }
        }
        Found::Unclear(count) => {
            let message =
                format!("the reply was lost, and {count} there may be this one or may not: look before you ask again");
            State::Unknown { message }
        }
        Found::Unreached(why) => State::Unknown { message: format!("the reply was lost, and {why}") },
        Found::Nothing if doubt == Doubt::LookFirst && action.resends < REPEATS => {
            repeat(&mut action, "the reply was lost, and it is not there".to_owned(), now)
        }
        Found::Nothing if action.empty_reads == 0 => {
            action.empty_reads = 1;
            wait(&mut action, now, BETWEEN_READS, State::Doubtful)
        }
        Found::Nothing if action.resends == 0 => {
            action.resends = 1;
            (action.empty_reads, action.waits) = (0, None);
            State::Accepted
        }
        Found::Nothing => {
            State::Unknown { message: "two replies were lost, and it is not there; it may still turn up".to_owned() }
        }
    };
    settle(action, now)
}

/// A doubtful action whose conversation could not be read: again later, or nobody will ever know.
pub fn after_no_read(mut action: Action, why: String, after: Duration, now: u64, over: bool) -> Action {
    if over {
        let message = format!("the reply was lost, and the conversation cannot be read ({why})");
        action.state = State::Unknown { message };
    } else {
        action.state = wait(&mut action, now, after, State::Doubtful);
        action.waits = Some(why);
    }
    settle(action, now)
}

/// What becomes of an action whose seat the platform took away: nothing of it is sent any more.
pub fn after_revoked(mut action: Action, reason: &str, now: u64) -> Action {
    action.state = match action.state {
        State::Accepted if action.resends == 0 => {
            let message = format!("the platform took the seat away before it was sent: {reason}");
            State::Failed { kind: "revoked".to_owned(), status: None, message }
        }
        State::Accepted | State::Trying | State::Doubtful => {
            let message = format!("its reply was lost, and the platform took the seat away: {reason}");
            State::Unknown { message }
        }
        settled => settled,
    };
    settle(action, now)
}

/// What a restart finds: a try that was under way is a lost reply.
pub fn after_restart(action: Action, doubt: Doubt, now: u64, over: bool) -> Action {
    if action.state == State::Trying {
        let why = "the bridge stopped before the answer came".to_owned();
        return after_try(action, Tried::Lost { why, spoke: false }, doubt, now, over);
    }
    action
}

fn wait(action: &mut Action, now: u64, after: Duration, state: State) -> State {
    action.not_before = Some(now.saturating_add(crate::clock::millis(after)));
    state
}

fn settle(mut action: Action, now: u64) -> Action {
    action.settled_at = action.state.settled().then_some(now);
    if action.settled_at.is_some() {
        (action.not_before, action.waits) = (None, None);
    }
    action
}

#[cfg(test)]
mod tests;
