//! Every branch of P6, as a table.

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
    Tried::Lost { why: "cut".into(), spoke: false }
}

#[test]
fn p6_a_lost_reply_is_read_back_and_one_match_settles_it() {
    let doubtful = after_try(trying(), lost(), Doubt::ReadBack, 1, false);
    assert_eq!((&doubtful.state, doubtful.settled_at), (&State::Doubtful, None));
    let settled = after_read(doubtful, &Found::One(vec!["m7".into()]), Doubt::ReadBack, 5);
    assert_eq!(settled.state, State::Confirmed { remote_ids: vec!["m7".into()] });
    assert_eq!(settled.settled_at, Some(5));
}

#[test]
fn p6_two_empty_reads_ten_seconds_apart_allow_exactly_one_resend() {
    let first =
        after_read(after_try(trying(), lost(), Doubt::ReadBack, 0, false), &Found::Nothing, Doubt::ReadBack, 1_000);
    assert_eq!((&first.state, first.not_before), (&State::Doubtful, Some(11_000)));
    let resend = after_read(first, &Found::Nothing, Doubt::ReadBack, 11_000);
    assert_eq!((&resend.state, resend.resends, resend.not_before), (&State::Accepted, 1, None));
    let again = after_try(resend, lost(), Doubt::ReadBack, 12_000, false);
    let again = after_read(again, &Found::Nothing, Doubt::ReadBack, 13_000);
    let end = after_read(again, &Found::Nothing, Doubt::ReadBack, 23_000);
    assert!(matches!(end.state, State::Unknown { .. }), "never a second resend: {:?}", end.state);
}

#[test]
fn p6_anything_else_stays_unknown() {
    let several =
        after_read(after_try(trying(), lost(), Doubt::ReadBack, 0, false), &Found::Several(2), Doubt::ReadBack, 1);
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
fn with_a_key_it_is_asked_for_again_until_the_deadline_but_not_for_a_refusal_that_is_replayed() {
    let spoken = Tried::Lost { why: "500".into(), spoke: true };
    let tired = |resends| Action { resends, ..trying() };
    for resends in [0, 9, 10, 1_000] {
        let again = after_try(tired(resends), lost(), Doubt::SameKey, 0, false);
        assert_eq!((&again.state, again.resends), (&State::Accepted, resends + 1));
        assert!(again.not_before.is_some_and(|until| (1_000..=300_000).contains(&until)), "{again:?}");
    }
    assert!(matches!(after_try(tired(3), lost(), Doubt::SameKey, 0, true).state, State::Unknown { .. }));
    assert_eq!(after_try(tired(9), spoken.clone(), Doubt::SameKey, 0, false).state, State::Accepted);
    assert!(matches!(after_try(tired(10), spoken, Doubt::SameKey, 0, false).state, State::Unknown { .. }));
    assert!(matches!(after_try(tired(10), lost(), Doubt::Repeat, 0, false).state, State::Unknown { .. }));
}

#[test]
fn p6_a_lost_reply_and_then_no_answer_until_the_deadline_is_no_failure() {
    let later = Tried::Later { after: Duration::from_secs(3), why: "busy".into() };
    let resent = Action { resends: 1, ..trying() };
    assert!(matches!(after_try(resent, later, Doubt::SameKey, 9, true).state, State::Unknown { .. }));
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

#[test]
fn p6_what_is_unclear_or_was_not_read_whole_is_never_sent_again() {
    for found in [Found::Unclear(1), Found::Unreached("it is too far"), Found::Several(3)] {
        for doubt in [Doubt::ReadBack, Doubt::LookFirst] {
            let end = after_read(after_try(trying(), lost(), doubt, 0, false), &found, doubt, 1);
            assert!(matches!(end.state, State::Unknown { .. }), "{found:?} {doubt:?}: {:?}", end.state);
            assert_eq!((end.resends, end.settled_at), (0, Some(1)));
        }
    }
    let unfenced = after_try(trying(), lost(), Doubt::Unfenced, 0, false);
    assert!(matches!(&unfenced.state, State::Unknown { message } if message.contains("could not be read")));
}

#[test]
fn p6_what_lasts_is_looked_for_before_each_of_a_few_repetitions() {
    let doubtful = after_try(trying(), lost(), Doubt::LookFirst, 0, false);
    assert_eq!(doubtful.state, State::Doubtful);
    let there = after_read(doubtful.clone(), &Found::One(Vec::new()), Doubt::LookFirst, 1);
    assert_eq!(there.state, State::Confirmed { remote_ids: Vec::new() });
    let mut action = doubtful;
    for resends in 1..=REPEATS {
        let again = after_read(action, &Found::Nothing, Doubt::LookFirst, 1_000);
        assert_eq!((&again.state, again.resends), (&State::Accepted, resends), "one empty look is enough");
        action = after_try(Action { state: State::Trying, ..again }, lost(), Doubt::LookFirst, 2_000, false);
        assert_eq!(action.state, State::Doubtful);
    }
    let end = after_read(
        after_read(action, &Found::Nothing, Doubt::LookFirst, 3_000),
        &Found::Nothing,
        Doubt::LookFirst,
        4_000,
    );
    assert!(matches!(end.state, State::Unknown { .. }), "{:?}", end.state);
}
