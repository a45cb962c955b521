//! Webhooks as they should be: headers, signature, retries, the end of a grant.

use std::time::Duration;

use agent_bridge_sim::speakeasy::{Fate, Options};
use tokio::time::Instant;

use crate::support::{Letter, Receiver, Stage};

#[tokio::test(start_paused = true)]
async fn an_event_is_posted_as_polling_has_it_signed_and_named() {
    let stage = Stage::new();
    let receiver = stage.receiving(&[]);
    let event = stage.say("hi");
    let letters = receiver.letters(1).await;
    let [letter] = letters.as_slice() else { panic!("one letter: {letters:?}") };
    let polled = stage.sim.look(|world| world.events_after(stage.grant, None)).unwrap().pop().unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&letter.body).unwrap(), polled.body);
    assert_eq!(letter.header("content-type"), Some("application/json"));
    assert_eq!(letter.header("x-agent-grant-id"), Some(stage.grant.to_string().as_str()));
    assert_eq!(letter.header("x-agent-delivery-id"), Some(format!("agent-event-{event}").as_str()));
    let time = letter.header("x-agent-timestamp").expect("a time");
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    assert!(letter.signed_with(&stage.secret()) && !letter.signed_with("another"));
    stage.sim.wait_for(|world| world.deliveries().all(|it| it.fate == Fate::Delivered)).await;
    let [delivery] = &stage.sim.deliveries()[..] else { panic!("one delivery") };
    assert_eq!((delivery.attempts.len(), delivery.attempts[0].status), (1, Some(204)));
}

#[test]
fn the_signature_is_the_published_one() {
    // RFC 4231, test case 2.
    let body = axum::body::Bytes::from_static(b"what do ya want for nothing?");
    let mut headers = axum::http::HeaderMap::new();
    let digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    headers.insert("x-agent-signature", digits.parse().unwrap());
    assert!(Letter { headers, body }.signed_with("Jefe"));
}

#[tokio::test(start_paused = true)]
async fn whatever_is_not_2xx_is_tried_again_under_the_same_name() {
    let stage = Stage::new();
    stage.sim.set_push(|it| it.hook_retries = [1, 2, 4].map(Duration::from_secs).to_vec());
    let (start, receiver) = (Instant::now(), stage.receiving(&[500, 404, 302]));
    stage.say("in the end");
    let letters = receiver.letters(4).await;
    assert_eq!(start.elapsed().as_secs(), 7);
    assert!(letters.iter().all(|it| it.header("x-agent-delivery-id") == letters[0].header("x-agent-delivery-id")));
    assert!(letters.iter().all(|it| it.body == letters[0].body && it.signed_with(&stage.secret())));
    stage.sim.wait_for(|world| world.deliveries().all(|it| it.fate == Fate::Delivered)).await;
    let statuses: Vec<_> = stage.sim.deliveries()[0].attempts.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [Some(500), Some(404), Some(302), Some(204)]);
}

#[tokio::test(start_paused = true)]
async fn retries_end() {
    let stage = Stage::new();
    stage.sim.set_push(|it| it.hook_retries = vec![Duration::from_secs(1)]);
    let receiver = stage.receiving(&[500, 503]);
    stage.say("in vain");
    stage.sim.wait_for(|world| world.deliveries().any(|it| it.fate == Fate::GivenUp)).await;
    assert_eq!(receiver.letters(2).await.len(), 2);
    // The next event is none the worse for it.
    let next = stage.say("next");
    assert_eq!(receiver.letters(3).await[2].event(), next);
}

#[tokio::test(start_paused = true)]
async fn deliveries_do_not_wait_for_each_other() {
    let stage = Stage::new();
    let receiver = stage.receiving_with(Receiver::together(3));
    let events = ["one", "two", "three"].map(|it| stage.say(it));
    // The first was not answered before the last was there.
    let mut heard: Vec<u64> = receiver.letters(3).await.iter().map(Letter::event).collect();
    heard.sort_unstable();
    assert_eq!(heard, events);
    stage.sim.wait_for(|world| world.deliveries().filter(|it| it.fate == Fate::Delivered).count() == 3).await;
    assert!(stage.sim.deliveries().iter().all(|it| it.attempts.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_ends_and_is_made_again() {
    let stage = Stage::new();
    stage
        .sim
        .set_push(|it| (it.hook_retries, it.hook_timeout) = (vec![Duration::from_secs(1)], Duration::from_secs(5)));
    let (start, receiver) = (Instant::now(), stage.receiving_with(Receiver::together(2)));
    stage.say("heard at last");
    receiver.letters(2).await;
    assert_eq!(start.elapsed().as_secs(), 6);
    stage.sim.wait_for(|world| world.deliveries().any(|it| it.fate == Fate::Delivered)).await;
    let attempts = &stage.sim.deliveries()[0].attempts;
    assert!(attempts[0].error.is_some() && attempts[1].status == Some(204), "{attempts:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_grant_is_delivered_after_it() {
    let stage = Stage::new();
    let receiver = stage.receiving(&[]);
    stage.sim.revoke(stage.grant);
    assert!(stage.sim.look(|world| world.grant(stage.grant).unwrap().revoked));
    let letters = receiver.letters(1).await;
    let body: serde_json::Value = serde_json::from_slice(&letters[0].body).unwrap();
    assert_eq!(body["event_type"], "grant.revoked");
    assert!(letters[0].signed_with(&stage.secret()));
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_out_without_a_callback_url_or_the_capability() {
    let (silent, stage) = (Stage::with(Options::default(), None), Stage::new());
    silent.receiving(&[]);
    silent.say("to polling alone");
    silent.sim.wait_for(|world| world.served_lines().contains("hook.no_callback")).await;
    stage.sim.set_capability(stage.grant, "event_webhooks", false);
    stage.receiving(&[]);
    stage.say("to polling alone");
    stage.sim.wait_for(|world| world.served_lines().contains("hook.no_capability")).await;
    assert!(silent.sim.deliveries().is_empty() && stage.sim.deliveries().is_empty());
}
