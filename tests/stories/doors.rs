//! Agents that are called instead of calling: webhooks on http and on a Unix socket.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::bridge::Delivery;
use crate::house::{House, QUICK, documented, observed};

type Got = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// An agent that answers each message with its text, in the answer to the delivery.
fn agent() -> (Got, Router) {
    let got = Got::default();
    let router = Router::new().fallback(answer).with_state(got.clone());
    (got, router)
}

async fn answer(State(got): State<Got>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let event: Value = serde_json::from_slice(&body).expect("an event is JSON");
    got.lock().expect("nobody panicked").push((headers, body));
    match event["data"]["message"]["text"].as_str() {
        Some(text) => Json(json!({ "reply": format!("You said: {text}") })),
        None => Json(json!({})),
    }
}

#[tokio::test]
async fn a_webhook_acks_with_its_reply_over_http() {
    let mut house = House::new(observed()).await;
    let (got, router) = agent();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let secret = house.home.ok(&["consumer", "add", "hook", "--url", &url]).await;
    it_answers(&mut house, &got, secret.trim()).await;
}

#[tokio::test]
async fn a_webhook_acks_with_its_reply_over_a_unix_socket() {
    let mut house = House::new(documented()).await;
    let (got, router) = agent();
    let path = house.home.path("hook.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let url = format!("unix:{}:/events", path.display());
    let secret = house.home.ok(&["consumer", "add", "hook", "--url", &url]).await;
    it_answers(&mut house, &got, secret.trim()).await;
}

async fn it_answers(house: &mut House, got: &Got, secret: &str) {
    for n in 0..3 {
        house.say(&format!("{n}"));
        house.sim.wait_for(|world| world.messages_by_agent().len() == n + 1).await;
    }
    let said: Vec<_> = house.answers().into_iter().map(|message| message.text).collect();
    assert_eq!(said, ["You said: 0", "You said: 1", "You said: 2"]);
    let library = standardwebhooks::Webhook::new(secret).expect("a signing secret");
    for (headers, body) in got.lock().expect("nobody panicked").iter() {
        library.verify(body, headers).expect("it is signed");
        let number = |name: &str| headers[name].to_str().expect("text").parse().expect("a number");
        let event = serde_json::from_slice(body).expect("an event is JSON");
        house.ledger.had(&Delivery { seq: number("bridge-seq"), attempt: number("bridge-attempt"), event });
    }
    house.ledger.verify(0);
}

#[tokio::test]
async fn a_webhook_of_the_config_that_is_away_gets_everything_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hook.sock");
    let config = format!(
        "{QUICK}\n[[consumer]]\nname = \"hook\"\n[consumer.webhook]\nurl = \"unix:{}:/events\"\ntimeout = \"5s\"\n",
        path.display()
    );
    let mut house = House::with(documented(), &config).await;
    house.say("while the agent is away");
    let lags = || async {
        let listed: Value = serde_json::from_str(&house.home.ok(&["consumer", "list", "--json"]).await).unwrap();
        (!listed["consumers"][0]["status"]["paused"].is_null()).then_some(())
    };
    crate::bridge::until(lags, || house.home.log()).await;
    let (got, router) = agent();
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    house.sim.wait_for(|world| world.messages_by_agent().len() == 1).await;
    let attempts: Vec<_> =
        got.lock().unwrap().iter().map(|(headers, _)| headers["bridge-attempt"].to_str().unwrap().to_owned()).collect();
    assert!(attempts.iter().all(|attempt| attempt == "1"), "an agent that is away fails no event: {attempts:?}");
}
