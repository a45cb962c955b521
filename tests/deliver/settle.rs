//! An ack and what rides on it.

use agent_bridge::action::State;
use agent_bridge::consumer::Consumer;
use agent_bridge::deliver::{Settle, Subscribe, Which};
use agent_bridge::event::WorkspaceName;
use agent_bridge::store::Exception;

use crate::support::{Bridge, ack, ack_with, named, next, send};

fn outbox(bridge: &Bridge) -> Vec<agent_bridge::action::Action> {
    bridge.store.outbox(&WorkspaceName::new("acme").unwrap()).unwrap()
}

#[tokio::test]
async fn p5_an_ack_and_its_actions_commit_together() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("room", "hello").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    let settled = main.settle(ack_with(1, vec![send("one"), send("two")]), None).await.unwrap();
    assert_eq!(bridge.store.progress("main").unwrap().mark, 1);
    let stored = outbox(&bridge);
    assert_eq!(stored.iter().map(|action| &action.id).collect::<Vec<_>>().len(), 2);
    assert!(settled.actions.iter().all(|id| stored.iter().any(|action| action.id == *id)));
    assert!(stored.iter().all(|action| action.answers == Some(1) && action.state == State::Accepted));
}

#[tokio::test]
async fn p5_the_first_ack_counts_and_later_ones_tell_its_actions() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("room", "hello").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    // Both are in line before either is committed.
    let first = main.submit(ack_with(1, vec![send("first")]), None).await.unwrap();
    let second = main.submit(ack_with(1, vec![send("second")]), None).await.unwrap();
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!(first, second);
    let bridge = bridge.restart().await;
    let main = bridge.consumers.get("main").unwrap();
    let third = main.settle(ack_with(1, vec![send("third")]), None).await.unwrap();
    assert_eq!(first, third);
    assert_eq!(outbox(&bridge).len(), 1);
}

#[tokio::test]
async fn p5_the_first_ack_counts_with_its_lease_lapsed_and_even_from_among_the_dead() {
    let bridge = Bridge::new();
    let quick = Consumer { ack_wait_ms: 1, max_attempts: 1, ..named("main") };
    let main = bridge.consumer(quick).await;
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    bridge.says("room", "hello").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    bridge.until("main", |status| status.dead == 1).await;
    let first = main.settle(ack_with(1, vec![send("late but first")]), Some(reader.id())).await.unwrap();
    assert_eq!((first.actions.len(), outbox(&bridge).len()), (1, 1));
    assert_eq!(bridge.until("main", |status| status.dead == 0).await.mark, 1);
    assert_eq!(main.settle(ack_with(1, vec![send("again")]), None).await.unwrap(), first);
}

#[tokio::test]
async fn p5_an_ack_after_a_restart_counts_although_nothing_is_leased() {
    let bridge = Bridge::new();
    let (_, mut reader) = bridge.main().await;
    bridge.says_all("room", &["one", "two"]).await;
    assert_eq!(next(&mut reader).await, (1, 1));
    drop(reader);
    let bridge = bridge.restart().await;
    let main = bridge.consumers.get("main").unwrap();
    assert_eq!(main.settle(ack_with(1, vec![send("done")]), None).await.unwrap().actions.len(), 1);
    let mut reader = main.subscribe(Subscribe::default()).await.unwrap();
    assert_eq!(next(&mut reader).await, (2, 1));
}

#[tokio::test]
async fn a_malformed_action_commits_nothing() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("room", "hello").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    let mut nowhere = send("x");
    nowhere.workspace = Some(WorkspaceName::new("elsewhere").unwrap());
    let refusal = main.settle(ack_with(1, vec![send("good"), nowhere]), None).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.to_string().contains("action 1")), ("no_such_workspace", true));
    assert!(outbox(&bridge).is_empty());
    let status = bridge.until("main", |_| true).await;
    assert_eq!((status.mark, status.in_flight), (0, 1), "the lease stands");
    main.settle(ack(1), None).await.unwrap();
}

#[tokio::test]
async fn p10_a_reason_is_kept_short() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("room", "hello").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    let nack = Settle::Nack { seq: 1, delay: None, reason: Some("ü".repeat(100_000)) };
    main.settle(nack, None).await.unwrap();
    let progress = bridge.store.progress("main").unwrap();
    let Some(Exception::Waiting { reason, .. }) = progress.exceptions.get(&1) else { panic!("{progress:?}") };
    assert_eq!(reason.len(), 2_000);
    main.settle(Settle::Reject { seq: 1, reason: "x".repeat(100_000) }, None).await.unwrap();
    assert_eq!(bridge.letters("main", 1).await[0].1.reason.len(), 2_000);
}

#[tokio::test]
async fn a_reply_goes_into_the_same_conversation() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says("room", "hello").await;
    assert_eq!(next(&mut reader).await, (1, 1));
    let reply = Settle::Reply { seq: 1, text: "hi".into(), actions: Vec::new() };
    main.settle(reply, None).await.unwrap();
    let stored = outbox(&bridge);
    assert_eq!(
        (stored[0].verb.as_str(), stored[0].conversation(), &stored[0].args["text"]),
        ("send", "room", &"hi".into())
    );
}

#[tokio::test]
async fn a_key_that_is_known_answers_with_the_first_action_also_to_a_later_ack() {
    let bridge = Bridge::new();
    let (main, mut reader) = bridge.main().await;
    bridge.says_all("room", &["one", "two"]).await;
    let keyed = || vec![agent_bridge::action::Request { key: Some("k".into()), ..send("once") }];
    assert_eq!(next(&mut reader).await, (1, 1));
    let first = main.settle(ack_with(1, keyed()), None).await.unwrap();
    assert_eq!(next(&mut reader).await, (2, 1));
    assert_eq!(main.settle(ack_with(2, keyed()), None).await.unwrap(), first);
    assert_eq!(main.settle(ack_with(2, keyed()), None).await.unwrap(), first);
    assert_eq!(outbox(&bridge).len(), 1);
}

#[tokio::test]
async fn an_ack_of_what_never_was_is_refused() {
    let bridge = Bridge::new();
    let (main, _reader) = bridge.main().await;
    for seq in [0, 7] {
        assert_eq!(main.settle(ack(seq), None).await.unwrap_err().kind(), "not_delivered");
    }
    let none = Settle::Ack { which: Which::Seqs(Vec::new()), actions: Vec::new() };
    assert_eq!(main.settle(none, None).await.unwrap_err().kind(), "bad_parameter");
    let act = Settle::Ack { which: Which::UpTo(7), actions: vec![send("x")] };
    assert_eq!(main.settle(act, None).await.unwrap_err().kind(), "not_leased");
}
