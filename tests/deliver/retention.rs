//! Old events go; who missed some is told once.

use agent_bridge_sim::agentunited::burst_text;
use std::time::Duration;

use agent_bridge::consumer::{Consumer, Only};
use agent_bridge::deliver::{Bounds, OnFull, Settle, Subscribe, Subscription, Times};
use agent_bridge::event::{Type, WorkspaceName};
use agent_bridge::store::{Batch, Change, DeadLetter, StoreError};
use serde_json::{Value, json};

use crate::support::{Bridge, ack, ack_with, message, named, next, send, soon, take, up_to};

const TIMES: Times = Times {
    keep: Duration::from_secs(7),
    retain: Duration::from_secs(30),
    every: Duration::from_hours(1),
    on_full: OnFull::Pause,
};

#[tokio::test]
async fn p4_who_missed_events_gets_one_gap_and_nobody_else_does() {
    let bridge = Bridge::new();
    let other = Only { conversations: vec!["other".into()], ..Only::default() };
    let (main, mut reader) = bridge.main().await;
    bridge.consumer(named("behind")).await;
    bridge.consumer(Consumer { only: other, ..named("elsewhere") }).await;
    bridge.says_all("room", &["1", "2", "3"]).await;
    for seq in 1..=3 {
        assert_eq!(next(&mut reader).await, (seq, 1));
        main.settle(ack(seq), None).await.unwrap();
    }
    bridge.clock.jump(31_000);
    bridge.says("room", "4").await;
    bridge.consumers.retain(TIMES).await.unwrap();
    bridge.consumers.retain(TIMES).await.unwrap();

    assert_eq!(
        (bridge.store.oldest().unwrap(), *bridge.store.head().borrow()),
        (4, 5),
        "one gap, in the feed behind 4"
    );
    let behind = bridge.consumers.get("behind").unwrap();
    let mut late = behind.subscribe(Subscribe { per_lane: Some(0), ..Subscribe::default() }).await.unwrap();
    assert_eq!(next(&mut late).await, (4, 1));
    let gap: Value = serde_json::from_slice(&take(&mut late).await.event.bytes).unwrap();
    let data = json!({ "consumer": "behind", "first": 1, "last": 3, "count": 3 });
    assert_eq!((&gap["type"], &gap["data"]), (&json!("consumer.gap"), &data));
    assert_eq!(next(&mut reader).await, (4, 1));
    main.settle(ack(4), None).await.unwrap();
    bridge.until("main", |status| status.mark == 5).await;
    bridge.until("elsewhere", |status| status.lag == 0).await;
}

#[tokio::test]
async fn p4_what_is_out_is_not_taken_away_and_gaps_that_wait_become_one() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.consumer(named("behind")).await;
    bridge.says_all("room", &["1", "2"]).await;
    assert_eq!(next(&mut reader).await, (1, 1));
    bridge.clock.jump(31_000);
    bridge.consumers.retain(TIMES).await.unwrap();
    assert_eq!(bridge.store.oldest().unwrap(), 1, "1 is out");
    main.settle(ack(1), None).await.unwrap();
    assert_eq!(next(&mut reader).await, (2, 1));
    main.settle(ack(2), None).await.unwrap();
    bridge.says("room", "4").await;
    bridge.clock.jump(31_000);
    bridge.consumers.retain(TIMES).await.unwrap();
    let behind = bridge.consumers.get("behind").unwrap();
    let mut late = behind.subscribe(Subscribe { per_lane: Some(0), ..Subscribe::default() }).await.unwrap();
    let gap: Value = serde_json::from_slice(&take(&mut late).await.event.bytes).unwrap();
    assert_eq!(gap["data"], json!({ "consumer": "behind", "first": 1, "last": 4, "count": 3 }));
    assert_eq!(bridge.until("behind", |_| true).await.lag, 1, "one gap, not two");
}

#[tokio::test]
async fn what_all_have_passed_stays_for_keep_and_then_goes() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("room", "1").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    main.settle(ack(1), None).await.unwrap();
    bridge.clock.jump(6_000);
    bridge.consumers.retain(TIMES).await.unwrap();
    assert_eq!(bridge.store.oldest().unwrap(), 1);
    bridge.clock.jump(2_000);
    bridge.says("room", "2").await;
    bridge.consumers.retain(TIMES).await.unwrap();
    assert_eq!(bridge.store.oldest().unwrap(), 2);
    bridge.clock.jump(8_000);
    bridge.consumers.retain(TIMES).await.unwrap();
    assert_eq!(bridge.store.oldest().unwrap(), 2, "2 is not passed");
}

/// What the next delivery tells as a gap: first, last, count.
async fn gap(reader: &mut Subscription) -> [u64; 3] {
    let event: Value = serde_json::from_slice(&take(reader).await.event.bytes).unwrap();
    assert_eq!(event["type"], "consumer.gap", "{event}");
    ["first", "last", "count"].map(|key| event["data"][key].as_u64().unwrap())
}

fn all_at_once() -> Subscribe {
    Subscribe { per_lane: Some(0), ..Subscribe::default() }
}

#[tokio::test]
async fn p4_a_gap_that_was_not_delivered_before_a_restart_joins_the_next_hole() {
    let bridge = Bridge::new();
    bridge.consumer(named("behind")).await;
    bridge.says_all("room", &["1", "2"]).await;
    bridge.clock.jump(31_000);
    bridge.says("room", "3").await;
    bridge.consumers.retain(TIMES).await.unwrap();
    let bridge = bridge.restart().await;
    bridge.clock.jump(31_000);
    bridge.says("room", "5").await;
    bridge.consumers.retain(TIMES).await.unwrap();
    let bridge = bridge.restart().await;
    let behind = bridge.consumers.get("behind").unwrap();
    let mut late = behind.subscribe(all_at_once()).await.unwrap();
    assert_eq!(next(&mut late).await, (5, 1));
    assert_eq!(gap(&mut late).await, [1, 3, 3], "both holes, and not the gap between them");
    behind.settle(up_to(6), None).await.unwrap();
    assert_eq!(bridge.until("behind", |status| status.mark == 6).await.lag, 0, "one gap, not two");
    assert!(bridge.store.progress("behind").unwrap().exceptions.is_empty());
}

#[tokio::test]
async fn p4_an_event_that_waits_and_has_left_the_feed_is_missed_and_told() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says_all("room", &["1", "2", "3"]).await;
    assert_eq!(next(&mut reader).await, (1, 1));
    let nack = Settle::Nack { seq: 1, delay: Some(Duration::from_hours(1)), reason: None };
    main.settle(nack, None).await.unwrap();
    let bridge = bridge.restart().await;
    // Nothing in the bridge does that: a file that was put back, or a bug.
    bridge.store.commit(Batch::new().with(Change::Trim(1))).await.unwrap();
    let bridge = bridge.restart().await;
    let main = bridge.consumers.get("main").unwrap();
    let mut reader = main.subscribe(all_at_once()).await.unwrap();
    assert_eq!([next(&mut reader).await, next(&mut reader).await], [(2, 1), (3, 1)], "its lane goes on");
    assert_eq!(gap(&mut reader).await, [1, 1, 1]);
    main.settle(up_to(4), None).await.unwrap();
    bridge.until("main", |status| status.mark == 4 && status.lag == 0).await;
    assert!(bridge.store.progress("main").unwrap().exceptions.is_empty());
}

#[tokio::test]
async fn p10_a_long_backlog_is_given_up_in_steps_between_which_calls_are_answered() {
    let bridge = Bridge::with(Bounds { events: 8, ..Bounds::default() });
    let (main, mut reader) = bridge.main().await;
    bridge.says("hangs", "held for long").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    main.settle(ack(1), None).await.unwrap();
    drop(reader);
    let texts = vec!["x"; 1_000];
    for _ in 0..40 {
        bridge.says_all("room", &texts).await;
    }
    bridge.clock.jump(31_000);
    let consumers = bridge.consumers.clone();
    let pass = tokio::spawn(async move { consumers.retain(TIMES).await });
    let mut answered = 0;
    while !pass.is_finished() {
        main.status().await.unwrap();
        answered += 1;
    }
    pass.await.unwrap().unwrap();
    assert!(answered > 20, "{answered} calls were answered meanwhile");
    assert_eq!(bridge.store.oldest().unwrap(), 40_002);
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    assert_eq!(gap(&mut reader).await, [2, 40_001, 40_000]);
}

/// A bridge of 256 KiB that prefers new events to old ones.
fn small() -> Bridge {
    let times = Times { keep: Duration::from_hours(24), retain: Duration::from_hours(24), ..TIMES };
    Bridge::within(256 << 10, Times { on_full: OnFull::DropOldest, ..times })
}

#[tokio::test]
async fn p11_at_the_budget_the_oldest_events_go_and_only_who_missed_some_is_told() {
    let bridge = small();
    let (main, mut reader) = bridge.main().await;
    bridge.consumer(named("behind")).await;
    let text = burst_text(0, 0, 1_000);
    for seq in 1..=800 {
        soon(async {
            // Where it is refused for a moment, it is offered again, as a line does.
            while bridge.store.commit(Batch::intake().event(message("room", &text))).await.is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let delivery = take(&mut reader).await;
        assert_eq!(delivery.event.head.kind, Type::MessageCreated, "who is not behind misses nothing: {seq}");
        main.settle(ack(delivery.seq), None).await.unwrap();
    }
    let (bytes, budget) = bridge.store.size();
    assert!(bytes < budget, "{bytes}");
    let oldest = bridge.store.oldest().unwrap();
    assert!(oldest > 500 && bridge.consumers.dropped() >= oldest - 1, "{oldest}");
    assert!(bridge.consumers.dropped() < 900, "and no more than it takes");
    let behind = bridge.consumers.get("behind").unwrap();
    let mut late = behind.subscribe(all_at_once()).await.unwrap();
    let (mut had, mut missed) = (0, 0);
    while had + missed < 800 {
        let delivery = take(&mut late).await;
        let event: Value = serde_json::from_slice(&delivery.event.bytes).unwrap();
        match delivery.event.head.kind {
            Type::MessageCreated => had += 1,
            _ => missed += event["data"]["count"].as_u64().unwrap(),
        }
        behind.settle(ack(delivery.seq), None).await.unwrap();
    }
    assert_eq!(had + missed, 800, "every event was had or is told as missed, once");
    assert!(missed >= 500, "{missed}");
}

#[tokio::test]
async fn p11_what_is_out_is_dropped_from_the_feed_and_can_still_be_acked_or_is_told() {
    let bridge = small();
    let main = bridge.consumer(named("main")).await;
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    bridge.says("a", "to be acked").await;
    bridge.says("b", "never acked").await;
    assert_eq!([next(&mut reader).await, next(&mut reader).await], [(1, 1), (2, 1)]);
    let text = burst_text(0, 0, 1_000);
    let mut said = 2;
    while bridge.store.oldest().unwrap() < 3 {
        if bridge.store.commit(Batch::intake().event(message("c", &text))).await.is_ok() {
            said += 1;
        }
    }
    main.settle(ack_with(1, vec![send("late, but heard")]), None).await.unwrap();
    assert_eq!(bridge.store.outbox(&WorkspaceName::new("acme").unwrap()).unwrap().len(), 1);
    drop(reader);
    let bridge = bridge.restart().await;
    let main = bridge.consumers.get("main").unwrap();
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    let (mut had, mut missed) = (0, 0);
    while had + missed < said - 1 {
        let delivery = take(&mut reader).await;
        let event: Value = serde_json::from_slice(&delivery.event.bytes).unwrap();
        match delivery.event.head.kind {
            Type::MessageCreated => had += 1,
            _ => missed += event["data"]["count"].as_u64().unwrap(),
        }
        assert_ne!(delivery.seq, 1, "it was acked");
        main.settle(ack(delivery.seq), None).await.unwrap();
    }
    assert_eq!(had + missed, said - 1, "all but the one that was acked");
}

#[tokio::test]
async fn p11_where_nothing_can_be_dropped_intake_pauses() {
    let bridge = small();
    let letter =
        DeadLetter { at: 1, reason: "no".into(), attempts: 1, failures: Vec::new(), event: "x".repeat(195_000) };
    let dead = Change::Dead { consumer: "main".into(), seq: 1, letter: Some(Box::new(letter)) };
    bridge.store.commit(Batch::new().with(dead)).await.unwrap();
    let text = burst_text(0, 0, 1_000);
    let refused = loop {
        if let Err(error) = bridge.store.commit(Batch::intake().event(message("room", &text))).await {
            break error;
        }
    };
    assert!(matches!(refused, StoreError::Full), "{refused}");
    assert_eq!((bridge.consumers.dropped(), bridge.store.oldest().unwrap()), (0, 1), "in vain nothing is dropped");
}
