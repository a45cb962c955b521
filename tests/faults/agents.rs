//! Rows about the local agent: 10–13. It hangs, refuses, breaks off, or does not read.

use serde_json::{Value, json};

use crate::bridge::Agent;
use crate::house::{House, QUICK, ack, documented};
use crate::matrix;

/// A consumer `main` with these settings.
fn consumer(settings: &str) -> String {
    format!("{QUICK}\n[[consumer]]\nname = \"main\"\n{settings}")
}

/// Another room, which the agent is in.
fn other_room(house: &House) -> String {
    let other = house.sim.channel("other");
    house.sim.add_member(&house.sim.members()[0], &other);
    other
}

#[tokio::test]
async fn row_10_what_a_hanging_agent_holds_comes_again_and_other_lanes_flow() {
    matrix::row(10, async {
        let mut house = House::with(documented(), &consumer("ack_wait = \"2s\"")).await;
        let mut agent = house.agent().await;
        let other = other_room(&house);
        house.say("it hangs on this");
        let hung = house.next(&mut agent, "message.created").await;
        house.say("behind it");
        for index in 0..5 {
            house.say_in(&other, &format!("flows {index}"));
            let flows = house.next(&mut agent, "message.created").await;
            if flows.seq == hung.seq {
                // Its lease has lapsed meanwhile: a busy machine.
                assert!(flows.attempt > 1);
                break;
            }
            assert_eq!(flows.text(), format!("flows {index}"));
            ack(&mut agent, &flows).await;
        }
        house.is_sound(&mut agent, 0).await;
        let came = house.ledger.seqs().iter().filter(|seq| **seq == hung.seq).count();
        assert!(came >= 2, "it came again: {came}");
    })
    .await;
}

#[tokio::test]
async fn row_11_a_poison_event_becomes_a_dead_letter_that_can_be_retried_and_dropped() {
    matrix::row(11, async {
        let mut house = House::with(documented(), &consumer("max_attempts = 3")).await;
        let mut agent = house.agent().await;
        let poisoned = [poison(&mut house, &mut agent, 3).await, poison(&mut house, &mut agent, 3).await];
        house.say("its lane goes on");
        let behind = house.next(&mut agent, "message.created").await;
        assert_eq!(behind.text(), "its lane goes on");
        ack(&mut agent, &behind).await;

        // Letters outlive the daemon, and are looked after without one, too.
        drop(agent);
        house.stop().await;
        let range = format!("{}-{}", poisoned[0], poisoned[1]);
        let shown: Value = serde_json::from_str(&dead(&house, "show", &poisoned[1].to_string()).await).expect("JSON");
        assert_eq!((&shown["attempts"], &shown["reason"]), (&json!(3), &json!("no")));
        assert_eq!(shown["event"]["data"]["message"]["text"], "poison");
        dead(&house, "retry", &poisoned[0].to_string()).await;
        house.start().await;
        let mut agent = house.agent().await;
        let again = house.next(&mut agent, "message.created").await;
        assert_eq!((again.seq, again.attempt), (poisoned[0], 1));
        ack(&mut agent, &again).await;
        assert_eq!(letters(&house).await, [poisoned[1]], "what was retried and acked is no letter any more");

        dead(&house, "drop", &range).await;
        assert!(letters(&house).await.is_empty());
        for words in [["retry", "main", &poisoned[1].to_string()], ["drop", "main", &range], ["show", "nobody", "1"]] {
            let refused = house.home.cli(&[&["dead"][..], &words].concat()).await;
            assert_eq!(refused.status.code(), Some(66), "{words:?}");
        }
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}

/// Says something that the agent nacks until it is a dead letter.
async fn poison(house: &mut House, agent: &mut Agent, attempts: u64) -> u64 {
    house.say("poison");
    for attempt in 1.. {
        let poison = house.next(agent, "message.created").await;
        assert_eq!((poison.text(), poison.attempt), ("poison", attempt));
        agent.call("nack", json!({ "seq": poison.seq, "delay": "1ms", "reason": "no" })).await.expect("a nack");
        if attempt == attempts {
            return poison.seq;
        }
    }
    unreachable!("it ends after {attempts} attempts")
}

async fn dead(house: &House, what: &str, which: &str) -> String {
    house.home.ok(&["dead", what, "main", which]).await
}

async fn letters(house: &House) -> Vec<u64> {
    let listed: Value = serde_json::from_str(&house.home.ok(&["dead", "list", "main", "--json"]).await).expect("JSON");
    let letters = listed["letters"].as_array().expect("letters");
    letters.iter().map(|letter| letter["seq"].as_u64().expect("a sequence")).collect()
}

#[tokio::test]
async fn row_12_half_an_ack_line_and_a_closed_socket_are_no_ack() {
    matrix::row(12, async {
        let short = "[deliver]\nfirst_wait = \"20ms\"\nlongest_wait = \"100ms\"";
        let mut house = House::with(documented(), &format!("{QUICK}\n{short}")).await;
        let mut attempts = 0;
        house.say("held");
        for keep in [1, 20, 40] {
            let mut agent = house.agent().await;
            let held = house.next(&mut agent, "message.created").await;
            attempts += 1;
            assert_eq!((held.text(), held.attempt), ("held", attempts));
            let line = json!({ "jsonrpc": "2.0", "method": "ack", "params": { "seq": held.seq } }).to_string();
            agent.write(&line[..line.len() - keep]).await;
        }
        // All of the line but its end is no line either.
        let mut agent = house.agent().await;
        let held = house.next(&mut agent, "message.created").await;
        let line = json!({ "jsonrpc": "2.0", "id": 9, "method": "ack", "params": { "seq": held.seq } }).to_string();
        agent.write(&line).await;
        drop(agent);
        let mut agent = house.agent().await;
        let again = house.next(&mut agent, "message.created").await;
        assert_eq!((again.seq, again.attempt), (held.seq, attempts + 2));
        ack(&mut agent, &again).await;
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}

/// Small bounds for all that may stand in memory; `stuck` is long, so that nothing but the bounds holds.
const SLIM: &str = r#"
[socket]
stuck = "10m"
[deliver]
window_bytes = "1MiB"
unsent = "256KiB"
[[consumer]]
name = "main"
per_lane = 0
[[consumer]]
name = "slow"
from = "start"
per_lane = 0
max_in_flight = 4096
ack_wait = "1h"
"#;
const MIB: u64 = 1 << 20;

#[tokio::test]
async fn row_13_a_reader_that_stops_reading_costs_bounded_memory_and_holds_up_nobody() {
    matrix::row(13, async {
        let store = "ballast = \"0B\"\ncache = \"4MiB\"\nrecent = \"1MiB\"";
        let quick = QUICK.replace("ballast = \"0B\"", store).replace("[lines]", "[lines]\nahead = 1\ncut = \"1d\"");
        // Pages of such messages are much to read again and again, on every connect and from time to time.
        let quick = quick.replace("others = \"500ms\"", "others = \"10m\"");
        let mut house = House::with(documented(), &format!("{quick}{SLIM}")).await;
        let mut agent = house.agent().await;
        let mut slow = house.agent_of("slow").await;
        house.say("warm");
        house.hears_all(&mut agent).await;
        let (before, mut most, mut offered) = (memory(&mut house), 0, 0);
        let text = "x".repeat(50_000);
        while offered < 48 * MIB {
            for _ in 0..20 {
                house.say(&text);
                offered += text.len() as u64;
            }
            hears_in_one(&mut house, &mut agent).await;
            most = memory(&mut house).max(most);
        }
        // Cache and recent; for each of two consumers its window and what is unsent; one batch under way, and what a
        // stream may hold back; and as much again for what the allocator keeps.
        let bound = 2 * (4 * MIB + MIB + 2 * (MIB + MIB / 4) + 2 * MIB + 4 * MIB);
        assert!(most.saturating_sub(before) < bound, "{before} grew to {most} with {offered} offered; bound {bound}");

        // When it reads again, it gets all of it.
        let head = house.store_status().await["head"].as_u64().expect("a number");
        let mut last = 0;
        while last < head {
            let delivery = slow.delivery().await;
            assert_eq!((delivery.seq, delivery.attempt), (last + 1, 1), "whole and in order");
            last = delivery.seq;
            slow.write_line(&json!({ "jsonrpc": "2.0", "method": "ack", "params": { "seq": last } }).to_string()).await;
        }
        house.is_sound(&mut agent, 0).await;
    })
    .await;
}

/// Takes all that is owed and acks it at once.
async fn hears_in_one(house: &mut House, agent: &mut Agent) {
    let mut last = 0;
    while !house.ledger.is_settled() {
        let delivery = agent.delivery().await;
        house.ledger.had(&delivery);
        last = delivery.seq;
    }
    agent.call("ack", json!({ "up_to": last })).await.expect("it is acked");
}

/// Bytes of the daemon's own memory.
fn memory(house: &mut House) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.daemon().pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("RssAnon");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
