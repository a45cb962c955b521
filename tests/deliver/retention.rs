//! Old events go; who missed some is told once.

use std::time::Duration;

use agent_bridge::consumer::{Consumer, Only};
use agent_bridge::deliver::{Subscribe, Times};
use serde_json::{Value, json};

use crate::support::{Bridge, ack, named, next, take};

const TIMES: Times =
    Times { keep: Duration::from_secs(7), retain: Duration::from_secs(30), every: Duration::from_hours(1) };

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
