//! What goes out, in which order, and what holds back what.

use std::time::Duration;

use agent_bridge::consumer::{Consumer, Only};
use agent_bridge::deliver::{Bounds, Closed, Subscribe};

use crate::support::{Bridge, ack, nack_now, named, next, soon, take, up_to};

#[tokio::test]
async fn p3_a_failing_event_holds_back_its_own_lane_only() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    for (room, text) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2")] {
        bridge.says(room, text).await;
    }
    assert_eq!(next(&mut reader).await, (1, 1));
    assert_eq!(next(&mut reader).await, (3, 1));
    let nack = agent_bridge::deliver::Settle::Nack { seq: 1, delay: None, reason: None };
    main.settle(nack, Some(reader.id())).await.unwrap();
    main.settle(ack(3), None).await.unwrap();
    assert_eq!(next(&mut reader).await, (4, 1), "b flows while a rests");
    main.settle(ack(4), None).await.unwrap();
    assert_eq!(next(&mut reader).await, (1, 2), "the failed one before what follows it");
    main.settle(ack(1), None).await.unwrap();
    assert_eq!(next(&mut reader).await, (2, 1));
}

#[tokio::test]
async fn p3_other_lanes_flow_however_long_one_is_stuck() {
    let bridge = Bridge::with(Bounds { events: 8, settled: 4, ..Bounds::default() });
    let (main, mut reader) = bridge.main().await;
    bridge.says("stuck", "first").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    for round in 0..40 {
        bridge.says_all("stuck", &["waits"]).await;
        let seq = bridge.says("flows", &round.to_string()).await;
        assert_eq!(next(&mut reader).await, (seq, 1));
        main.settle(ack(seq), None).await.unwrap();
    }
    let status = bridge.until("main", |status| status.mark > 60).await;
    assert!(status.waiting > 20 && status.in_flight == 1, "{status:?}");

    drop(reader);
    let bridge = bridge.restart().await;
    let main = bridge.consumers.get("main").unwrap();
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    for seq in std::iter::once(1).chain((2..82).step_by(2)) {
        let delivery = take(&mut reader).await;
        assert_eq!(delivery.seq, seq, "the stuck lane in its order");
        main.settle(ack(seq), None).await.unwrap();
    }
    let status = bridge.until("main", |status| status.lag == 0 && status.mark == 81).await;
    assert_eq!((status.waiting, bridge.store.progress("main").unwrap().exceptions.len()), (0, 0));
}

#[tokio::test]
async fn p4_a_closed_connection_counts_for_what_it_took_and_not_for_the_rest() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("a", "taken").await;
    bridge.says("b", "not taken").await;
    let id = take(&mut reader).await.event.id();
    bridge.until("main", |status| status.in_flight == 2).await;
    drop(reader);
    bridge.until("main", |status| !status.connected).await;
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    assert_eq!(next(&mut reader).await, (2, 1));
    let again = take(&mut reader).await;
    assert_eq!((again.seq, again.attempt, again.event.id()), (1, 2, id), "a redelivery keeps its id");
}

#[tokio::test]
async fn p4_a_lapsed_lease_is_an_attempt_and_after_the_last_comes_the_dead_letter() {
    let bridge = Bridge::new();
    let quick = Consumer { ack_wait_ms: 1, max_attempts: 2, ..named("main") };
    let main = bridge.consumer(quick).await;
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    bridge.says_all("a", &["poison", "after it"]).await;
    assert_eq!(next(&mut reader).await, (1, 1));
    assert_eq!(next(&mut reader).await, (1, 2));
    assert_eq!(next(&mut reader).await, (2, 1), "the lane goes on");
    let dead = bridge.letters("main", 1).await;
    assert_eq!((dead[0].0, dead[0].1.attempts, dead[0].1.reason.as_str()), (1, 2, "the lease lapsed"));
    assert!(dead[0].1.event.contains("poison"));
}

#[tokio::test]
async fn an_operator_retries_and_drops_dead_letters() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says_all("a", &["one", "two"]).await;
    for seq in [1, 2] {
        assert_eq!(next(&mut reader).await, (seq, 1));
        let reject = agent_bridge::deliver::Settle::Reject { seq, reason: "not mine".into() };
        main.settle(reject, None).await.unwrap();
    }
    assert_eq!(bridge.until("main", |status| status.dead == 2).await.mark, 2);
    main.drop_letter(2).await.unwrap();
    assert_eq!(main.drop_letter(2).await.unwrap_err().kind(), "no_such_letter");
    main.retry(1).await.unwrap();
    assert_eq!(next(&mut reader).await, (1, 1), "no attempts counted");
    main.settle(ack(1), None).await.unwrap();
    assert!(bridge.consumers.dead("main", 10).unwrap().is_empty());
}

#[tokio::test]
async fn a_position_and_its_attempts_outlive_a_restart() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    for room in ["a", "b", "c"] {
        bridge.says(room, room).await;
    }
    for seq in 1..=3 {
        assert_eq!(next(&mut reader).await, (seq, 1));
    }
    main.settle(ack(3), None).await.unwrap();
    main.settle(nack_now(1), None).await.unwrap();
    drop(reader);
    let bridge = bridge.restart().await;
    let main = bridge.consumers.get("main").unwrap();
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    let mut got = [next(&mut reader).await, next(&mut reader).await];
    got.sort_unstable();
    assert_eq!((got[0], got[1].0), ((1, 2), 2), "3 was settled out of order and stays settled");
    main.settle(ack(1), None).await.unwrap();
    main.settle(ack(2), None).await.unwrap();
    bridge.until("main", |status| status.mark == 3).await;
}

#[tokio::test]
async fn p4_a_stop_of_the_bridge_is_nobodys_failed_attempt() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("a", "one").await;
    bridge.says("b", "two").await;
    assert_eq!((next(&mut reader).await, next(&mut reader).await), ((1, 1), (2, 1)));
    bridge.consumers.end_readers().await;
    assert_eq!(reader.next().await.unwrap_err(), Closed::Stopped);
    // What the agent said before it heard of the stop still counts.
    main.settle(up_to(1), Some(reader.id())).await.unwrap();
    drop(reader);
    assert_eq!(bridge.until("main", |_| true).await.waiting, 0, "nothing failed");
    let bridge = bridge.restart().await;
    let main = bridge.consumers.get("main").unwrap();
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    assert_eq!(next(&mut reader).await, (2, 1));
}

#[tokio::test]
async fn one_reader_at_a_time_unless_one_takes_over() {
    let bridge = Bridge::new();
    let (main, mut old) = bridge.main().await;
    bridge.says("a", "one").await;
    assert_eq!(next(&mut old).await, (1, 1));
    assert_eq!(main.subscribe(Subscribe::default()).await.unwrap_err().kind(), "consumer_busy");
    let options = Subscribe { take_over: true, ..Subscribe::default() };
    let mut reader = main.subscribe(options).await.unwrap();
    assert_eq!(soon(old.next()).await.unwrap_err(), Closed::TakenOver);
    assert_eq!(next(&mut reader).await, (1, 2), "its connection was closed");
    assert_eq!(old.submit(nack_now(1)).await.unwrap().await.unwrap_err().kind(), "not_leased");
    assert_eq!(bridge.consumers.get("mian").unwrap_err().kind(), "no_such_consumer");
    let unbounded = Subscribe { max_in_flight: Some(0), take_over: true, ..Subscribe::default() };
    assert_eq!(main.subscribe(unbounded).await.unwrap_err().kind(), "bad_parameter");
}

#[tokio::test]
async fn up_to_settles_what_this_connection_took_and_nothing_nacked() {
    let bridge = Bridge::new();
    let main = bridge.consumer(named("main")).await;
    let options = Subscribe { per_lane: Some(0), ..Subscribe::default() };
    let mut reader = main.subscribe(options).await.unwrap();
    bridge.says_all("a", &["1", "2", "3", "4", "5"]).await;
    for seq in 1..=4 {
        assert_eq!(next(&mut reader).await, (seq, 1));
    }
    let later = agent_bridge::deliver::Settle::Nack { seq: 2, delay: Some(Duration::from_mins(50)), reason: None };
    reader.submit(later).await.unwrap().await.unwrap();
    reader.submit(up_to(5)).await.unwrap().await.unwrap();
    let status = bridge.until("main", |status| status.in_flight == 1).await;
    assert_eq!((status.mark, status.waiting, status.lag), (1, 1, 2), "2 was nacked, 5 is not taken");
    assert_eq!(next(&mut reader).await, (5, 1));
}

#[tokio::test]
async fn up_to_does_not_settle_what_is_not_written_yet() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says_all("a", &["1", "2"]).await;
    bridge.says("b", "3").await;
    assert_eq!((next(&mut reader).await, next(&mut reader).await), ((1, 1), (3, 1)));
    main.settle(ack(1), Some(reader.id())).await.unwrap();
    // Number 2 is on its way while the agent, which has not seen it, speaks of all up to 3.
    let unsent = take(&mut reader).await;
    assert_eq!(unsent.seq, 2);
    reader.submit(up_to(3)).await.unwrap().await.unwrap();
    let status = bridge.until("main", |_| true).await;
    assert_eq!((status.mark, status.in_flight), (1, 1), "2 is still to be settled");
    drop(unsent);
    reader.submit(up_to(3)).await.unwrap().await.unwrap();
    assert_eq!(bridge.until("main", |_| true).await.mark, 3);
}

#[tokio::test]
async fn extending_keeps_a_lease_and_what_is_not_leased_cannot_be_extended() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("a", "one").await;
    let first = take(&mut reader).await.lease_until;
    bridge.clock.jump(1_000);
    let extend = agent_bridge::deliver::Settle::Extend { seq: 1 };
    let until = main.settle(extend.clone(), None).await.unwrap().lease_until.unwrap();
    assert!(until >= first + 1_000);
    main.settle(ack(1), None).await.unwrap();
    assert_eq!(main.settle(extend, None).await.unwrap_err().kind(), "already_settled");
    let never = agent_bridge::deliver::Settle::Extend { seq: 9 };
    assert_eq!(main.settle(never, None).await.unwrap_err().kind(), "not_delivered");
}

#[tokio::test]
async fn filters_pass_over_and_a_change_governs_what_was_not_passed() {
    let bridge = Bridge::new();
    let only = |room: &str| Only { conversations: vec![room.to_owned()], ..Only::default() };
    let main = bridge.consumer(Consumer { only: only("a"), ..named("main") }).await;
    bridge.says_all("b", &["1", "2", "3"]).await;
    bridge.says("a", "4").await;
    bridge.says("a", "5").await;
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    assert_eq!(next(&mut reader).await, (4, 1));
    bridge.consumers.put(Consumer { only: only("b"), ..named("main") }).await.unwrap();
    bridge.says("b", "6").await;
    assert_eq!(next(&mut reader).await, (6, 1), "5 is wanted no longer, 1 to 3 were passed");
    main.settle(ack(4), None).await.unwrap();
    main.settle(ack(6), None).await.unwrap();
    drop(reader);
    let bridge = bridge.restart().await;
    bridge.until("main", |status| status.mark == 6 && status.lag == 0).await;
}

#[tokio::test]
async fn at_most_a_mebibyte_is_unsent() {
    let bridge = Bridge::new();
    let main = bridge.consumer(named("main")).await;
    let options = Subscribe { per_lane: Some(0), ..Subscribe::default() };
    let mut reader = main.subscribe(options).await.unwrap();
    let text = "x".repeat(300 << 10);
    bridge.says_all("a", &[text.as_str(); 6]).await;
    let held = [take(&mut reader).await, take(&mut reader).await, take(&mut reader).await];
    let status = bridge.until("main", |status| status.lag == 6).await;
    assert_eq!(status.in_flight, 3, "the fourth does not fit beside three that are not written");
    drop(held);
    assert_eq!(next(&mut reader).await, (4, 1));
}

#[tokio::test]
async fn a_removed_consumer_tells_its_reader_and_a_new_one_of_the_name_starts_afresh() {
    let bridge = Bridge::new();
    let (_, mut reader) = bridge.main().await;
    bridge.says("a", "one").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    bridge.consumers.remove("main").await.unwrap();
    assert_eq!(soon(reader.next()).await.unwrap_err(), Closed::Removed);
    assert_eq!(bridge.consumers.get("main").unwrap_err().kind(), "no_such_consumer");
    let (_, mut reader) = bridge.main().await;
    assert_eq!(next(&mut reader).await, (1, 1));
}

#[tokio::test]
async fn a_change_is_done_whole_although_its_caller_goes_away() {
    let bridge = Bridge::new();
    // The caller is gone as soon as the change has begun.
    let begun = bridge.consumers.put(named("main"));
    assert!(futures_util::poll!(std::pin::pin!(begun)).is_pending());
    let main = soon(async {
        loop {
            tokio::task::yield_now().await;
            if let Ok(main) = bridge.consumers.get("main") {
                return main;
            }
        }
    })
    .await;
    main.subscribe(Subscribe::default()).await.unwrap();
    assert!(futures_util::poll!(std::pin::pin!(bridge.consumers.remove("main"))).is_pending());
    soon(async {
        while bridge.consumers.get("main").is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    bridge.main().await;
}

#[tokio::test]
async fn a_disabled_consumer_delivers_nothing_until_it_is_enabled() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.consumers.switch("main", Some("on holiday".into())).await.unwrap();
    assert_eq!(soon(reader.next()).await.unwrap_err(), Closed::Disabled);
    assert_eq!(main.subscribe(Subscribe::default()).await.unwrap_err().kind(), "consumer_disabled");
    bridge.consumers.put(named("main")).await.unwrap();
    let bridge = bridge.restart().await;
    let main = bridge.consumers.get("main").unwrap();
    assert_eq!(main.subscribe(Subscribe::default()).await.unwrap_err().kind(), "consumer_disabled");
    bridge.consumers.switch("main", None).await.unwrap();
    bridge.says("a", "one").await;
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    assert_eq!(next(&mut reader).await, (1, 1));
}
