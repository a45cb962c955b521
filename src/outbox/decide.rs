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
    /// The workspace's own messages can be read for it.
    ReadBack,
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
            Self::Lost { why } => ("lost", why.clone()),
        }
    }
}

/// What one read after a lost reply found past the fence, of the agent's own, unclaimed, and alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// Exactly one: it is ours.
    One(String),
    /// Several: nobody can tell.
    Several(usize),
    /// The fence was not met: it is gone, or too far away. What was found may be older than the action, and what was
    /// not found may stand further down.
    Unreached,
}

impl Found {
    /// The outcome of the step, and its reason.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Nothing => ("nothing", String::new()),
            Self::One(id) => ("found", id.clone()),
            Self::Several(count) => ("several", count.to_string()),
            Self::Unreached => ("unreached", String::new()),
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
        Tried::Later { why, .. } if over => State::Failed {
            kind: "gave_up".to_owned(),
            status: None,
            message: format!("{why}; tried {} times until the deadline (outbox.give_up)", action.tries),
        },
        Tried::Later { after, why } => {
            action.waits = Some(why);
            wait(&mut action, now, after, State::Accepted)
        }
        Tried::Lost { why } => match doubt {
            Doubt::Repeat if over || action.resends >= REPEATS => State::Unknown { message: why },
            Doubt::Repeat => {
                let pause = Duration::from_secs(1 << action.resends).min(LONGEST_REPEAT);
                action.resends += 1;
                action.waits = Some(why);
                wait(&mut action, now, pause, State::Accepted)
            }
            Doubt::ReadBack => {
                action.waits = Some(why);
                State::Doubtful
            }
            Doubt::Stay => State::Unknown { message: format!("{why}, and this verb cannot be read back") },
        },
    };
    settle(action, now)
}

/// The action after a read that came back whole.
pub fn after_read(mut action: Action, found: &Found, now: u64) -> Action {
    action.not_before = None;
    let (outcome, why) = found.words();
    action.read(now, outcome, &why);
    action.state = match found {
        Found::One(id) => State::Confirmed { remote_ids: vec![id.clone()] },
        Found::Several(count) => {
            State::Unknown { message: format!("the reply was lost, and {count} messages there look like this one") }
        }
        Found::Unreached => {
            let message = "the reply was lost, and the message it was sent behind is gone or too far back to read to";
            State::Unknown { message: message.to_owned() }
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
        Found::Nothing => State::Unknown {
            message: "two replies were lost, and the message is not there; it may still turn up".to_owned(),
        },
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
        return after_try(action, Tried::Lost { why }, doubt, now, over);
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
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::action::Request;
    use crate::event::WorkspaceName;

    fn trying() -> Action {
        let request = Request { workspace: None, verb: "send".into(), args: Map::new(), key: None };
        let mut action = Action::accept(WorkspaceName::new("acme").unwrap(), request, None, 0);
        action.state = State::Trying;
        action
    }

    fn lost() -> Tried {
        Tried::Lost { why: "cut".into() }
    }

    #[test]
    fn p6_a_lost_reply_is_read_back_and_one_match_settles_it() {
        let doubtful = after_try(trying(), lost(), Doubt::ReadBack, 1, false);
        assert_eq!((&doubtful.state, doubtful.settled_at), (&State::Doubtful, None));
        let settled = after_read(doubtful, &Found::One("m7".into()), 5);
        assert_eq!(settled.state, State::Confirmed { remote_ids: vec!["m7".into()] });
        assert_eq!(settled.settled_at, Some(5));
    }

    #[test]
    fn p6_two_empty_reads_ten_seconds_apart_allow_exactly_one_resend() {
        let first = after_read(after_try(trying(), lost(), Doubt::ReadBack, 0, false), &Found::Nothing, 1_000);
        assert_eq!((&first.state, first.not_before), (&State::Doubtful, Some(11_000)));
        let resend = after_read(first, &Found::Nothing, 11_000);
        assert_eq!((&resend.state, resend.resends, resend.not_before), (&State::Accepted, 1, None));
        let again = after_try(resend, lost(), Doubt::ReadBack, 12_000, false);
        let again = after_read(again, &Found::Nothing, 13_000);
        let end = after_read(again, &Found::Nothing, 23_000);
        assert!(matches!(end.state, State::Unknown { .. }), "never a second resend: {:?}", end.state);
    }

    #[test]
    fn p6_anything_else_stays_unknown() {
        let several = after_read(after_try(trying(), lost(), Doubt::ReadBack, 0, false), &Found::Several(2), 1);
        assert!(matches!(several.state, State::Unknown { .. }));
        assert!(matches!(after_try(trying(), lost(), Doubt::Stay, 0, false).state, State::Unknown { .. }));
    }

    #[test]
    fn what_may_be_repeated_is_tried_again_until_the_deadline() {
        assert_eq!(after_try(trying(), lost(), Doubt::Repeat, 0, false).state, State::Accepted);
        assert!(matches!(after_try(trying(), lost(), Doubt::Repeat, 9, true).state, State::Unknown { .. }));
        let later = Tried::Later { after: Duration::from_secs(3), why: "busy".into() };
        assert_eq!(after_try(trying(), later.clone(), Doubt::Stay, 0, false).not_before, Some(3_000));
        assert!(matches!(after_try(trying(), later, Doubt::Stay, 9, true).state, State::Failed { .. }));
    }

    #[test]
    fn a_seat_that_is_gone_fails_what_was_not_sent_and_leaves_the_rest_unknown() {
        let accepted = Action { state: State::Accepted, not_before: Some(9), ..trying() };
        let failed = after_revoked(accepted, "removed", 5);
        assert!(matches!(&failed.state, State::Failed { kind, .. } if kind == "revoked"), "{:?}", failed.state);
        assert_eq!((failed.settled_at, failed.not_before), (Some(5), None));
        let doubtful = after_try(trying(), lost(), Doubt::ReadBack, 0, false);
        assert!(doubtful.waits.is_some(), "it says why it takes so long");
        assert!(matches!(after_revoked(doubtful, "removed", 5).state, State::Unknown { .. }));
        let done = Action { state: State::Confirmed { remote_ids: vec![] }, ..trying() };
        assert_eq!(after_revoked(done.clone(), "removed", 5).state, done.state);
    }

    #[test]
    fn a_restart_turns_a_try_under_way_into_a_lost_reply() {
        assert_eq!(after_restart(trying(), Doubt::ReadBack, 0, false).state, State::Doubtful);
        assert!(matches!(after_restart(trying(), Doubt::Stay, 0, false).state, State::Unknown { .. }));
        let accepted = Action { state: State::Accepted, ..trying() };
        assert_eq!(after_restart(accepted.clone(), Doubt::Stay, 0, false), accepted);
    }
}
