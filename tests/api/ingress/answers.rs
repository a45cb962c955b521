//! What the platform is told when its delivery cannot be taken now: send it again.

use std::time::Duration;

use agent_bridge::ingress::{Answer, Taken, router};
use agent_bridge::store::Health;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt;

use super::gate::{Gate, SECRET, name, sign};

const EVENT: &str = r#"{"event_id":42}"#;

/// Delivers in process: paused time would run ahead of a socket.
async fn delivers(routes: &Router, path: &str) -> u16 {
    let request = Request::post(path).header("x-agent-signature", sign(SECRET, EVENT.as_bytes()));
    let answer = routes.clone().oneshot(request.body(Body::from(EVENT)).unwrap()).await.unwrap();
    answer.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn p3_a_delivery_whose_commit_does_not_come_is_answered_503_after_the_bound() {
    let gate = Gate::new().await;
    let (routes, path) = (router(gate.door()), gate.path("acme").await);
    let mut hooks = gate.hooks.register(&name("acme"));
    let begun = Instant::now();
    assert_eq!(delivers(&routes, &path).await, 503);
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    assert_eq!(gate.counted(Answer::TooLate), 1);
    let hook = hooks.recv().await.unwrap();
    assert!(!hook.is_waited_for(), "a hint all the same, of which nobody hears");
    hook.answer(Taken::Committed);
    assert_eq!(gate.counted(Answer::Taken), 0);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_nobody_can_take_is_answered_503_at_once() {
    let gate = Gate::new().await;
    let (routes, path, begun) = (router(gate.door()), gate.path("acme").await, Instant::now());
    assert_eq!(delivers(&routes, &path).await, 503, "no line was ever there");
    drop(gate.hooks.register(&name("acme")));
    assert_eq!(delivers(&routes, &path).await, 503, "it has ended");
    let mut hooks = gate.hooks.register(&name("acme"));
    let ends = tokio::spawn(async move { drop(hooks.recv().await.unwrap()) });
    assert_eq!(delivers(&routes, &path).await, 503, "it ends over it");
    ends.await.unwrap();
    assert_eq!((gate.counted(Answer::Nobody), begun.elapsed()), (3, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn p10_deliveries_that_wait_are_bounded_and_no_other_workspace_suffers() {
    let gate = Gate::new().await;
    let (routes, path) = (router(gate.door()), gate.path("acme").await);
    let deliver = |waiting: &mut JoinSet<u16>, count: usize| {
        for _ in 0..count {
            let (routes, path) = (routes.clone(), path.clone());
            waiting.spawn(async move { delivers(&routes, &path).await });
        }
    };
    // A line that does not even take them.
    let (idle, mut waiting) = (gate.hooks.register(&name("acme")), JoinSet::new());
    deliver(&mut waiting, 17);
    assert!(waiting.join_all().await.into_iter().all(|status| status == 503));
    assert_eq!((gate.counted(Answer::Busy), gate.counted(Answer::TooLate)), (1, 16));
    drop(idle);

    // A line that takes them and answers none.
    let (mut hooks, mut waiting, mut kept) = (gate.hooks.register(&name("acme")), JoinSet::new(), Vec::new());
    deliver(&mut waiting, 16);
    while kept.len() < 16 {
        kept.push(hooks.recv().await.unwrap());
    }
    let begun = Instant::now();
    assert_eq!((delivers(&routes, &path).await, begun.elapsed()), (503, Duration::ZERO));
    assert!(!hooks.recv().await.unwrap().is_waited_for(), "a hint all the same");
    let _other = gate.line("former", Taken::Committed);
    assert_eq!(delivers(&routes, &gate.path("former").await).await, 204);
    assert!(waiting.join_all().await.into_iter().all(|status| status == 503));
    assert_eq!((gate.counted(Answer::Busy), gate.counted(Answer::TooLate)), (2, 32));
}

#[tokio::test(start_paused = true)]
async fn who_registers_last_gets_what_comes() {
    let gate = Gate::new().await;
    let (routes, path) = (router(gate.door()), gate.path("acme").await);
    let first = gate.line("acme", Taken::Gone);
    let second = gate.line("acme", Taken::Committed);
    assert_eq!(delivers(&routes, &path).await, 204);
    assert_eq!((first.heard().len(), second.heard().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn p11_at_the_disk_budget_and_with_a_store_that_failed_nothing_is_taken() {
    let gate = Gate::new().await;
    let line = gate.line("acme", Taken::Committed);
    let (health, mut door) = (watch::Sender::new(Health::Full), gate.door());
    door.health = health.subscribe();
    let (routes, path) = (router(door), gate.path("acme").await);
    assert_eq!(delivers(&routes, &path).await, 503);
    health.send_replace(Health::Failed("EIO".into()));
    assert_eq!(delivers(&routes, &path).await, 503);
    assert!(line.heard().is_empty());
    health.send_replace(Health::Open);
    assert_eq!(delivers(&routes, &path).await, 204);
    assert_eq!((gate.counted(Answer::Full), gate.counted(Answer::Stopping)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_revocation_what_is_signed_is_still_verified_and_ends() {
    let gate = Gate::new().await;
    let (routes, path) = (router(gate.door()), gate.path("former").await);
    assert_eq!(delivers(&routes, &path).await, 204, "it need not come again");
    assert_eq!(gate.counted(Answer::Gone), 1);
    assert_eq!(delivers(&routes, &path.replace("former", "nobody")).await, 401);
    let line = gate.line("former", Taken::Committed);
    assert_eq!(delivers(&routes, &path).await, 204, "whoever still runs its line decides");
    drop(line);
    let _line = gate.line("former", Taken::Gone);
    assert_eq!(delivers(&routes, &path).await, 204);
    assert_eq!(gate.counted(Answer::Gone), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_answers_who_waits() {
    let gate = Gate::new().await;
    let (routes, path) = (router(gate.door()), gate.path("acme").await);
    let mut hooks = gate.hooks.register(&name("acme"));
    let begun = Instant::now();
    let waits = tokio::spawn(async move { delivers(&routes, &path).await });
    let _hook = hooks.recv().await.unwrap();
    gate.token.cancel();
    assert_eq!((waits.await.unwrap(), begun.elapsed()), (503, Duration::ZERO));
    assert_eq!(gate.counted(Answer::Stopping), 1);
}
