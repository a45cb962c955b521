//! Where did it go? Every event and every action tells its way, while the bridge runs, after a crash, and at rest.

use agent_bridge::store::{Batch, Change, Options, Store};
use agent_bridge_sim::agentunited::Fault;
use serde_json::{Value, json};

use crate::bridge::until;
use crate::house::{House, accepted, observed};

const POST: &str = "POST /channels/{id}/messages";

/// `agent-bridge trace ID --json`.
async fn trace(house: &House, id: &str) -> Value {
    serde_json::from_str(&house.home.ok(&["trace", id, "--json"]).await).expect("a trace is JSON")
}

/// The words of its steps.
fn words(trace: &Value) -> Vec<&str> {
    trace["steps"].as_array().expect("steps").iter().map(|step| step["what"].as_str().expect("a word")).collect()
}

fn step<'a>(trace: &'a Value, what: &str) -> &'a Value {
    let steps = trace["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["what"] == what).unwrap_or_else(|| panic!("no {what}: {trace:#}"))
}

/// Waits until the trace says so.
async fn traced(house: &House, id: &str, says: impl Fn(&Value) -> bool) -> Value {
    let ask = || async { Some(trace(house, id).await).filter(&says) };
    until(ask, || house.home.log()).await
}

#[tokio::test]
async fn an_event_and_the_answer_to_it_tell_the_same_way_before_and_after_a_crash_and_at_rest() {
    let mut house = House::new(observed()).await;
    let mut agent = house.agent().await;
    house.sim.fault(POST, Fault::TooMany { retry_after: "1".into() });
    house.say("where will this go?");
    let first = house.next(&mut agent, "message.created").await;
    let id = first.event["id"].as_str().expect("an id").to_owned();
    let offered = trace(&house, &id).await;
    assert_eq!(words(&offered), ["seen", "stored", "offered"], "{offered:#}");
    assert!(step(&offered, "offered")["lease_until"].is_string(), "{offered:#}");

    agent.call("nack", json!({ "seq": first.seq, "delay": "1ms", "reason": "not now" })).await.expect("nacked");
    let again = house.next(&mut agent, "message.created").await;
    assert_eq!((again.seq, again.attempt), (first.seq, 2));
    let reply = agent.call("reply", json!({ "seq": again.seq, "text": "here" })).await.expect("a reply");
    let action = accepted(&reply)[0].clone();
    let receipt = house.receipt(&mut agent, &action).await;
    assert_eq!((&receipt["state"], &receipt["tries"]), (&json!("confirmed"), &json!(2)), "{receipt:#}");

    let whole = |trace: &Value| {
        words(trace).contains(&"came_back")
            && step(trace, "seen")["also"].as_array().is_some_and(|also| also.len() == 1)
    };
    let lived = traced(&house, &id, whole).await;
    let mut expected = vec!["seen", "stored", "offered", "failed", "offered", "accepted", "acked"];
    expected.extend(["tried", "tried", "settled", "came_back"]);
    let mut told = words(&lived);
    // The platform's own word may overtake its answer.
    expected.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, expected, "{lived:#}");
    let seen = step(&lived, "seen");
    let by = [&seen["via"], &seen["also"][0]].map(|via| via.as_str().expect("a kind of line"));
    assert!(by == ["sse", "history"] || by == ["history", "sse"], "{seen:#}");
    assert_eq!(step(&lived, "failed")["reason"], "not now");
    assert_eq!(step(&lived, "tried")["outcome"], "later");
    assert_eq!(step(&lived, "settled")["remote_ids"], receipt["remote_ids"]);
    let times: Vec<_> = lived["steps"].as_array().unwrap().iter().map(|step| step["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");

    let ids = [id.as_str(), action.as_str(), &first.seq.to_string()].map(str::to_owned);
    let same = async |house: &House, when: &str| {
        for id in &ids {
            let now = trace(house, id).await;
            assert_eq!((&now["steps"], &now["event"]), (&lived["steps"], &lived["event"]), "{when}: {id}");
        }
    };
    same(&house, "while it runs").await;
    house.kill().await;
    house.start().await;
    same(&house, "after a crash").await;
    house.stop().await;
    same(&house, "at rest").await;

    let shown = house.home.ok(&["trace", &id]).await;
    assert!(shown.lines().count() == 11 && shown.contains("\tacked\tmain\t"), "{shown}");
    for unknown in ["acme/message.created/nowhere/nothing", "999999", &format!("act_{}", "0".repeat(32)), "nonsense"] {
        let output = house.home.cli(&["trace", unknown]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(66), "{unknown}: {said}");
        assert!(said.contains(unknown) && said.trim_end().lines().count() == 1, "{said}");
    }
    house.start().await;
    let mut agent = house.agent().await;
    house.is_sound(&mut agent, 0).await;
}

#[tokio::test]
async fn a_dead_letter_tells_every_attempt_and_so_does_its_event() {
    let mut house = House::new(observed()).await;
    let set = ["consumer", "add", "stubborn", "--max-attempts", "2"];
    house.home.ok(&set).await;
    let mut agent = house.agent_of("stubborn").await;
    house.say("nobody wants this");
    for reason in ["first refusal", "second refusal"] {
        let delivery = loop {
            let delivery = agent.delivery().await;
            if delivery.event["type"] == "message.created" {
                break delivery;
            }
            agent.call("ack", json!({ "seq": delivery.seq })).await.expect("it is acked");
        };
        let nack = json!({ "seq": delivery.seq, "delay": "1ms", "reason": reason });
        agent.call("nack", nack).await.expect("it is nacked");
    }
    let list: Value = serde_json::from_str(&house.home.ok(&["dead", "list", "stubborn", "--json"]).await).unwrap();
    let seq = list["letters"][0]["seq"].to_string();
    let letter: Value = serde_json::from_str(&house.home.ok(&["dead", "show", "stubborn", &seq]).await).unwrap();
    let reasons: Vec<_> = letter["failures"].as_array().unwrap().iter().map(|failure| &failure["why"]).collect();
    assert_eq!(reasons, ["first refusal", "second refusal"], "{letter:#}");

    let of = |trace: &Value, consumer: &str| -> Vec<String> {
        let steps = trace["steps"].as_array().expect("steps").iter().filter(|step| step["who"] == consumer);
        steps.map(|step| step["what"].as_str().expect("a word").to_owned()).collect()
    };
    let way = ["offered", "failed", "offered", "failed", "dead"];
    let told = trace(&house, &seq).await;
    assert_eq!(of(&told, "stubborn"), way);
    let attempts: Vec<_> =
        told["steps"].as_array().unwrap().iter().filter_map(|step| step["attempt"].as_u64()).collect();
    assert_eq!(attempts, [1, 1, 2, 2], "{told:#}");
    assert_eq!(of(&trace(&house, &seq).await, "main"), ["waiting"], "another consumer has its own way");
    house.kill().await;
    assert_eq!(of(&trace(&house, &seq).await, "stubborn"), way);
    house.home.ok(&["dead", "drop", "stubborn", &seq]).await;
    assert_eq!(of(&trace(&house, &seq).await, "stubborn"), [&way[..], &["dropped"]].concat());
    house.start().await;
    let mut agent = house.agent().await;
    house.is_sound(&mut agent, 0).await;

    house.stop().await;
    let options = Options { ballast: 0, ..Options::default() };
    let store = Store::open(&house.home.path("state/bridge.redb"), options).expect("the store opens");
    store.commit(Batch::new().with(Change::Trim(seq.parse().expect("a sequence")))).await.expect("it is trimmed");
    store.close().await.expect("it closes");
    let output = house.home.cli(&["trace", &seq]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(66) && said.contains("has left the feed"), "{said}{shown}");
}
