//! How fast events come through, within what a debug build allows.

use agent_bridge::deliver::Subscribe;

use crate::support::{Bridge, named, soon, up_to};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_events_come_through_in_order_with_few_acks() {
    let bridge = Bridge::new();
    let texts = vec!["x"; 1_000];
    let main = bridge.consumer(named("main")).await;
    let options = Subscribe { per_lane: Some(0), max_in_flight: Some(2_048), ..Subscribe::default() };
    let mut reader = main.subscribe(options).await.unwrap();
    for _ in 0..20 {
        bridge.says_all("room", &texts).await;
    }
    let (mut expected, mut batch) = (1, Vec::new());
    while expected <= 20_000 {
        soon(reader.next_many(&mut batch, 512)).await.unwrap();
        for delivery in batch.drain(..) {
            assert_eq!((delivery.seq, delivery.attempt), (expected, 1));
            expected += 1;
        }
        drop(reader.submit(up_to(expected - 1)).await.unwrap());
    }
    let status = bridge.until("main", |status| status.mark == 20_000).await;
    assert_eq!((status.lag, status.in_flight), (0, 0));
    assert!(bridge.store.progress("main").unwrap().exceptions.is_empty(), "in order, only the mark is written");
}
