//! From facts to steps: each way an event can go, as a table that reads like the command's output.

use super::*;
use crate::action::{Action, Request, State};
use crate::consumer::{Consumer, Only};
use crate::deliver::Standing;
use crate::event::{Arrival, Head, Lines, Type, WorkspaceName};
use crate::store::{DeadLetter, Exception, Failure, How, Way};

fn told(own: bool) -> Told {
    let head = Head {
        workspace: WorkspaceName::new("acme").unwrap(),
        kind: Type::MessageCreated,
        conversation: "c1".into(),
        author: None,
        author_kind: None,
        own,
        mentions_me: false,
        only_for: None,
    };
    let event = Stored { seq: 7, at: 1_010, head, bytes: br#"{"id":"acme/message.created/c1/m1"}"#[..].into() };
    let lines = Lines::default().with(Via::Sse).with(Via::History);
    let arrival = Some(Arrival { at: 1_000, via: Via::Sse });
    Told { event, sighting: Some(Sighting { at: 1_010, arrival, lines }), made_by: None }
}

fn leg() -> Leg {
    Leg { consumer: Consumer { name: "main".into(), ..Consumer::default() }, mark: 6, ..Leg::default() }
}

fn failure(offered: u64, at: u64, why: &str) -> Failure {
    Failure { offered_at: Some(offered), at, why: why.into() }
}

fn way(how: How, attempts: u32, failures: Vec<Failure>) -> (u64, Way) {
    (7, Way { first: 7, offered: Some((1_300, 1_300)), at: 1_400, attempts, how, failures })
}

/// `when what: says`, a line each; `-` where there is no time.
fn lines(facts: &Facts) -> Vec<String> {
    let line = |step: &Step| {
        let at = step.at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        format!("{at} {}: {}", step.what, step.says)
    };
    steps(facts).iter().map(line).collect()
}

fn went(leg: Leg) -> Vec<String> {
    let seen = ["1000 seen: by sse; also history", "1010 stored: as event 7"];
    let mut lines = lines(&Facts { told: Some(told(false)), legs: vec![leg], sent: Vec::new() });
    assert_eq!(lines.drain(..2).collect::<Vec<_>>(), seen);
    lines
}

#[test]
fn an_event_that_failed_once_and_was_acked() {
    let failed = vec![failure(1_100, 1_200, "nacked")];
    let shown = went(Leg { way: Some(way(How::Acked, 2, failed)), ..leg() });
    let expected = ["1100 offered: attempt 1", "1200 failed: nacked", "1300 offered: attempt 2", "1400 acked: "];
    assert_eq!(shown, expected);
}

#[test]
fn one_of_many_that_one_ack_settled() {
    let way =
        Way { first: 5, offered: Some((1_100, 1_150)), at: 1_400, attempts: 1, how: How::Acked, failures: vec![] };
    let shown = went(Leg { way: Some((9, way)), ..leg() });
    assert_eq!(shown, ["1100 offered: attempt 1", "1400 acked: with 5 to 9"]);
}

#[test]
fn a_dead_letter_and_what_became_of_it() {
    let failures = vec![failure(1_100, 1_200, "500"), failure(1_300, 1_400, "502")];
    let letter =
        DeadLetter { at: 1_400, reason: "502".into(), attempts: 12, failures: failures.clone(), event: "{}".into() };
    let dead = Leg { way: Some(way(How::Dead, 12, failures)), letter: Some(letter), ..leg() };
    let expected = [
        "1100 offered: attempt 11",
        "1200 failed: 500",
        "1300 offered: attempt 12",
        "1400 failed: 502",
        "1400 dead: to the dead letters: 502",
    ];
    assert_eq!(went(dead.clone()), expected);
    let dropped = went(Leg { letter: None, ..dead.clone() });
    assert_eq!(dropped[5], "- dropped: its letter was dropped by the operator");
    let waiting = Exception::Waiting { attempts: 0, not_before: 0, reason: String::new(), failures: vec![] };
    let again = went(Leg { exception: Some(waiting), standing: Some(Standing::InLine), ..dead });
    assert_eq!(again[5..], ["- retried: put back by the operator", "- waiting: in line"]);
}

#[test]
fn a_rejected_event_says_what_the_agent_said() {
    let letter = DeadLetter { at: 1_400, reason: "not mine".into(), attempts: 0, failures: vec![], event: "{}".into() };
    let shown = went(Leg { way: Some(way(How::Rejected, 1, vec![])), letter: Some(letter), ..leg() });
    assert_eq!(shown, ["1300 offered: attempt 1", "1400 rejected: to the dead letters: not mine"]);
}

#[test]
fn what_has_not_left_is_told_by_the_running_consumer_or_as_far_as_the_store_knows() {
    let out = Standing::Out { attempt: 1, at: 1_100, lease_until: 301_100 };
    let shown = went(Leg { standing: Some(out), ..leg() });
    let leased = "1100 offered: attempt 1, not answered yet; leased until 1970-01-01T00:05:01.100Z";
    assert_eq!(shown, [leased]);
    assert_eq!(went(leg()), ["- waiting: in line; no daemon runs"]);
    let failures = vec![failure(1_100, 1_200, "nacked")];
    let waiting = Exception::Waiting { attempts: 1, not_before: 2_200, reason: "nacked".into(), failures };
    let shown = went(Leg { exception: Some(waiting), ..leg() });
    let comes = "- waiting: comes again, not before 1970-01-01T00:00:02.200Z; no daemon runs";
    assert_eq!(shown, ["1100 offered: attempt 1", "1200 failed: nacked", comes]);
}

#[test]
fn a_passed_over_event_and_one_that_left_before_such_things_were_kept() {
    let consumer = Consumer { only: Only { mentions_me: true, ..Only::default() }, ..leg().consumer };
    assert_eq!(went(Leg { consumer, ..leg() }), ["- passed_over: its `only` does not match"]);
    let shown = went(Leg { mark: 9, ..leg() });
    assert!(shown[0].starts_with("- left: settled before"), "{shown:?}");
    let echo = Told { made_by: ActionId::parse(&format!("act_{}", "0".repeat(32))), ..told(true) };
    let shown = lines(&Facts { told: Some(echo), legs: vec![leg()], sent: Vec::new() });
    assert!(shown[2].starts_with("- made: the agent's own, made by act_000"), "{shown:?}");
}

#[test]
fn an_action_is_told_among_the_steps_of_the_event_that_it_answers() {
    let request = Request { workspace: None, verb: "send".into(), args: Map::new(), key: None };
    let mut action = Action::accept(WorkspaceName::new("acme").unwrap(), request, Some(7), 1_395);
    action.tries = 2;
    action.fence = Some("m1".into());
    action.begins(1_500);
    action.ended(1_600, "lost", "the reply was cut");
    action.read(1_700, "nothing", "");
    action.begins(1_800);
    action.ended(1_900, "done", "m2");
    action.state = State::Confirmed { remote_ids: vec!["m2".into()] };
    action.settled_at = Some(1_900);
    let id = action.id.clone();
    let sent = Sent { rows: vec![action], echoes: vec![(Some(1_950), 9)] };
    let facts = Facts {
        told: Some(told(false)),
        legs: vec![Leg { way: Some(way(How::Acked, 1, vec![])), ..leg() }],
        sent: vec![sent],
    };
    let expected = [
        "1000 seen: by sse; also history",
        "1010 stored: as event 7",
        "1300 offered: attempt 1",
        "1395 accepted: send in answer to event 7",
        "1400 acked: ",
        "1500 tried: request 1, behind m1, lost: the reply was cut",
        "1700 read_back: nothing",
        "1800 tried: request 2, behind m1, done: m2",
        "1900 settled: confirmed as m2, requests: 2",
        "1950 came_back: as event 9",
    ];
    assert_eq!(lines(&facts), expected);
    let view = view(&facts);
    assert_eq!(view["event"]["id"], "acme/message.created/c1/m1");
    assert_eq!((&view["actions"][0]["id"], &view["actions"][0]["state"]), (&json!(id), &json!("confirmed")));
    assert_eq!(view["steps"][8]["remote_ids"], json!(["m2"]));
}
