//! Row 9: the process dies between the agent's ack and its commit. And what becomes of the promise where an ack is
//! answered before its commit.

use serde_json::{Value, json};
use tokio::process::Child;

use super::{PATIENCE, run_under};
use crate::bridge::{Agent, Delivery, until};
use crate::house::{House, documented};
use crate::matrix;

/// More commits than there are between a start and the first ack.
const COMMITS: usize = 20;

/// An agent of a daemon that may die before it can be talked to.
async fn agent_of(house: &House, daemon: &mut Child) -> Option<Agent> {
    tokio::select! {
        _ = daemon.wait() => None,
        agent = house.home.agent() => Some(agent),
    }
}

/// Asks a daemon that may die before it answers.
async fn ask(agent: &mut Agent, id: u64, method: &str, params: Value) -> Option<Value> {
    agent.write_line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()).await;
    loop {
        let message = agent.read().await?;
        if message["id"] == id {
            return Some(message);
        }
    }
}

/// The message that waits, as this daemon delivers it; `None` where it dies before.
async fn delivered(agent: &mut Agent) -> Option<Delivery> {
    agent.write_line(r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"consumer":"main"}}"#).await;
    loop {
        let message = agent.read().await?;
        let (delivery, event) = (&message["params"]["delivery"], &message["params"]["event"]);
        if event["type"] == "message.created" {
            let number = |name: &str| delivery[name].as_u64().expect("a number");
            return Some(Delivery { seq: number("seq"), attempt: number("attempt"), event: event.clone() });
        }
    }
}

/// What came of one attempt to reply to the message that waits, with the daemon dying at its `time`-th commit.
enum Replied {
    /// It died before it had the reply.
    Before,
    /// It died while it had it. What it was answered, if it was.
    Died(Delivery, Option<Value>),
    /// It lived on.
    Lived,
}

async fn reply_and_die(house: &House, time: usize, without: &str) -> Replied {
    let kill = format!("store.commit.before@{time}");
    let mut environment = vec![("AGENT_BRIDGE_KILL_AT", kill.as_str())];
    if !without.is_empty() {
        environment.push(("AGENT_BRIDGE_WITHOUT", without));
    }
    let mut daemon = run_under(house, &environment);
    let Some(mut agent) = agent_of(house, &mut daemon).await else { return Replied::Before };
    let Some(delivery) = delivered(&mut agent).await else { return Replied::Before };
    let answer = ask(&mut agent, 2, "reply", json!({ "seq": delivery.seq, "text": "here I am" })).await;
    let Some(answer) = answer else {
        tokio::time::timeout(PATIENCE, daemon.wait()).await.expect("it dies").expect("a status");
        return Replied::Died(delivery, None);
    };
    // It is answered: either its commit has returned, or it dies in it.
    let action = answer["result"]["actions"][0]["id"].clone();
    for id in 3.. {
        match ask(&mut agent, id, "receipt", json!({ "id": action })).await {
            None => return Replied::Died(delivery, Some(answer)),
            Some(receipt) if receipt.get("result").is_some() => break,
            Some(_) => {}
        }
    }
    Replied::Lived
}

/// How often an early answer may lose its race against the death of its process.
const RACES: usize = 200;

/// Lets it die between a reply and its commit: the delivery, and what the agent was told. Without a defence until the
/// agent was told something: an answer that is given before the commit may still be on its way when the process dies.
async fn killed_in_reply(house: &mut House, without: &str) -> (Delivery, Option<Value>) {
    house.say("are you there?");
    let kept = || async {
        let told = house.home.ok(&["tail", "--from", "start", "--once", "--types", "message.created"]).await;
        told.contains("are you there?").then_some(())
    };
    until(kept, || house.home.log()).await;
    house.stop().await;
    // Nothing comes in any more: the commits from here on are the consumer's.
    house.sim.set_offline(true);
    let (mut time, mut races) = (1, 0);
    while time < COMMITS {
        match reply_and_die(house, time, without).await {
            Replied::Before => time += 1,
            Replied::Died(_, None) if !without.is_empty() && races < RACES => races += 1,
            Replied::Died(delivery, answer) => return (delivery, answer),
            Replied::Lived => panic!("no commit between a delivery and its ack: {}", house.home.log()),
        }
    }
    panic!("{COMMITS} commits before the first ack: {}", house.home.log());
}

/// A house in which somebody has said something that nobody has taken yet.
async fn house() -> House {
    let mut house = House::with(
        documented(),
        &format!("{}\n[[consumer]]\nname = \"main\"\nmax_attempts = 10000\n", crate::house::QUICK),
    )
    .await;
    let mut agent = house.agent().await;
    house.say("before");
    house.hears_all(&mut agent).await;
    house
}

#[tokio::test]
async fn row_09_an_ack_that_was_not_committed_was_not_answered_and_its_event_comes_again() {
    matrix::row(9, async {
        let mut house = house().await;
        let (first, told) = killed_in_reply(&mut house, "").await;
        assert_eq!(told, None, "nobody is told before the commit");
        house.ledger.had(&first);
        house.sim.set_offline(false);
        house.start().await;
        let mut agent = house.agent().await;
        let again = house.next(&mut agent, "message.created").await;
        assert_eq!((again.seq, &again.event), (first.seq, &first.event), "the same event under the same id");
        let reply = agent.call("reply", json!({ "seq": again.seq, "text": "here I am" })).await.expect("it is acked");
        let receipt = house.receipt(&mut agent, &crate::house::accepted(&reply)[0]).await;
        assert_eq!(receipt["state"], "confirmed", "{receipt:#}");
        house.is_sound(&mut agent, 0).await;
        assert_eq!(house.answers().len(), 1, "what was not committed was not done either");
    })
    .await;
}

#[tokio::test]
async fn row_09_control_an_ack_answered_before_its_commit_breaks_its_word() {
    matrix::row(9, async {
        let mut house = house().await;
        let (first, told) = killed_in_reply(&mut house, "ack-after-commit").await;
        let told = told.expect("without the defence the agent is told before");
        let action = told["result"]["actions"][0]["id"].clone();
        house.sim.set_offline(false);
        house.start().await;
        let mut agent = house.agent().await;
        let again = house.next(&mut agent, "message.created").await;
        assert_eq!(again.seq, first.seq, "what it was told is acked comes again");
        let lost = agent.call("receipt", json!({ "id": action })).await.expect_err("the action is lost");
        assert_eq!(lost["data"]["kind"], "no_such_action", "{lost}");
    })
    .await;
}
