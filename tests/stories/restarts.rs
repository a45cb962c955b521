//! The daemon is killed, or told to stop, between any two steps.

use agent_bridge_sim::agentunited::{Armed, Fault, Options};
use serde_json::{Value, json};

use crate::bridge::Agent;
use crate::house::{House, accepted, ack, documented, observed};

const POST: &str = "POST /channels/{id}/messages";

/// The steps of one round trip; behind each the daemon is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Said,
    Delivered,
    Replied,
    Posted,
    Confirmed,
}

const STEPS: [Step; 5] = [Step::Said, Step::Delivered, Step::Replied, Step::Posted, Step::Confirmed];

/// One round trip that is killed behind `step` and goes on from there.
async fn round(house: &mut House, step: Step, n: usize) {
    let (question, answer) = (format!("{n}: killed behind {step:?}?"), format!("{n}: yes"));
    let mut agent = house.agent().await;
    house.hears_all(&mut agent).await;
    house.say(&question);
    let mut action = None;
    if step > Step::Said {
        let asked = house.next(&mut agent, "message.created").await;
        assert_eq!(asked.text(), question);
        if step > Step::Delivered {
            if step == Step::Replied || step == Step::Posted {
                // The platform has it, and the bridge does not know.
                house.sim.fault(POST, Fault::NeverAnswers { applied: true });
            }
            let posts = house.count(POST);
            let reply = agent.call("reply", json!({ "seq": asked.seq, "text": answer })).await.expect("it is accepted");
            action = Some(accepted(&reply).remove(0));
            if step == Step::Posted {
                house.seen(POST, posts + 1).await;
            }
        }
    }
    if step == Step::Confirmed {
        house.receipt(&mut agent, action.as_ref().expect("it was accepted")).await;
    }
    drop(agent);
    house.kill().await;
    house.sim.clear_faults();
    house.start().await;
    let mut agent = house.agent().await;
    let action = match action {
        Some(action) => action,
        None => reply_to(house, &mut agent, &question, &answer).await,
    };
    let receipt = house.receipt(&mut agent, &action).await;
    assert_eq!(receipt["state"], "confirmed", "{step:?}: {receipt:#}");
    let there: Vec<_> = house.answers().into_iter().filter(|it| it.text == answer).map(|it| json!(it.id)).collect();
    assert_eq!(Value::from(there), receipt["remote_ids"], "{step:?}: once, under the id of the receipt");
    house.is_sound(&mut agent, 0).await;
}

async fn reply_to(house: &mut House, agent: &mut Agent, question: &str, answer: &str) -> String {
    loop {
        let asked = house.next(agent, "message.created").await;
        if asked.text() == question {
            let reply = agent.call("reply", json!({ "seq": asked.seq, "text": answer })).await.expect("it is accepted");
            return accepted(&reply).remove(0);
        }
        ack(agent, &asked).await;
    }
}

#[tokio::test]
async fn p1_p5_p6_a_daemon_killed_between_any_two_steps_loses_and_doubles_nothing_documented() {
    every_step(documented()).await;
}

#[tokio::test]
async fn p1_p5_p6_a_daemon_killed_between_any_two_steps_loses_and_doubles_nothing_observed() {
    every_step(observed()).await;
}

async fn every_step(options: Options) {
    let mut house = House::empty(options, crate::house::QUICK).await;
    house.join().await;
    house.kill().await;
    house.say("said after the join");
    house.start().await;
    for (n, step) in STEPS.into_iter().enumerate() {
        round(&mut house, step, n).await;
    }
}

#[tokio::test]
async fn p6_killed_while_the_request_is_under_way_and_never_arrives_it_is_sent_once_more() {
    let mut house = House::new(documented()).await;
    let mut agent = house.agent().await;
    house.say("hello?");
    let asked = house.next(&mut agent, "message.created").await;
    house.sim.fault(POST, Fault::NeverAnswers { applied: false });
    let reply = agent.call("reply", json!({ "seq": asked.seq, "text": "hello!" })).await.unwrap();
    house.seen(POST, 1).await;
    house.kill().await;
    house.start().await;
    let mut agent = house.agent().await;
    let receipt = house.receipt(&mut agent, &accepted(&reply)[0]).await;
    assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
    assert_eq!(house.answers().len(), 1);
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn p7_a_daemon_killed_in_mid_join_joins_with_the_same_link_afterwards() {
    let mut house = House::empty(observed(), crate::house::QUICK).await;
    let link = house.sim.invite(None);
    house.sim.fault("POST /invite/accept", Fault::NeverAnswers { applied: true });
    let joining = house.home.command(&["join", "agentunited", &link, "--as", "acme"]).output();
    let joining = tokio::spawn(joining);
    house.seen("POST /invite/accept", 1).await;
    house.kill().await;
    let cut = joining.await.unwrap().unwrap();
    assert!(!cut.status.success());
    house.start().await;
    house.home.ok(&["join", "agentunited", &link, "--as", "acme"]).await;
    assert_eq!(house.sim.members().len(), 1);
    let mut agent = house.agent().await;
    house.say("welcome");
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn p3_sigterm_with_work_in_flight_ends_in_time_and_loses_nothing() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    for n in 0..20 {
        house.say(&n.to_string());
    }
    let first = house.next(&mut agent, "message.created").await;
    house.sim.fault(POST, Fault::DelayReply { millis: 400 });
    let reply = agent.call("reply", json!({ "seq": first.seq, "text": "the first" })).await.unwrap();
    let held = house.next(&mut agent, "message.created").await;
    house.seen(POST, 1).await;
    let asked = std::time::Instant::now();
    house.stop().await;
    assert!(asked.elapsed().as_secs() < 20, "within the stop time");
    // It sees the end of its connection.
    while agent.read().await.is_some() {}
    house.say("while it is down");
    house.start().await;
    let mut agent = house.agent().await;
    let again = house.next(&mut agent, "message.created").await;
    assert_eq!((again.seq, &again.event["id"]), (held.seq, &held.event["id"]), "what was held comes again");
    ack(&mut agent, &again).await;
    let receipt = house.receipt(&mut agent, &accepted(&reply)[0]).await;
    assert_eq!((&receipt["state"], house.answers().len()), (&json!("confirmed"), 1), "{receipt:#}");
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn p1_a_kill_between_two_pages_of_a_history_begins_the_walk_again() {
    const PAGE: &str = "GET /channels/{id}/messages";
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    house.say("read");
    house.hears_all(&mut agent).await;
    house.is_read().await;
    drop(agent);
    house.kill().await;
    // Three pages; the newest of each conversation is answered, what is asked for next never is.
    for n in 0..250 {
        house.say(&format!("missed {n}"));
    }
    let pages = house.count(PAGE);
    house.sim.arm(Armed {
        route: PAGE.into(),
        after: 2,
        count: u32::MAX,
        fault: Fault::NeverAnswers { applied: false },
    });
    house.start().await;
    house.seen(PAGE, pages + 3).await;
    house.kill().await;
    house.sim.clear_faults();
    house.start().await;
    let mut agent = house.agent().await;
    house.is_sound(&mut agent, 0).await;
}
