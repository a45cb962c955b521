//! An action with a file and an idempotency key, killed by SIGKILL at every commit and every request on its way: asked for
//! again under the agent's own key, it has one effect on the platform (P5, P6).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use agent_bridge::failpoint::Point;
use agent_bridge_sim::serve;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::bridge::{Daemon, Home};

/// The magpies' tree: it keeps answers by key, as platforms do that take keys.
#[derive(Clone, Default)]
struct Tree(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    origin: String,
    /// By key: the body and the answer.
    answered: BTreeMap<String, (Bytes, Value)>,
    chirps: Vec<Value>,
    /// Requests that repeated a key with its body, and with another one.
    repeated: usize,
    conflicts: usize,
    puts: usize,
}

impl Tree {
    fn with<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often this was said.
    fn said(&self, text: &str) -> usize {
        self.with(|kept| kept.chirps.iter().filter(|chirp| chirp["noise"] == text).count())
    }
}

async fn answer(State(tree): State<Tree>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let key = parts.headers.get("chirp-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let answer = tree.with(|kept| match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/me") => Ok(json!({ "no": "me", "plumage": "Mag", "may": { "keys": true, "flutter": true } })),
        (&Method::GET, "/nests") => Ok(json!({ "nests": [{ "no": "n1" }] })),
        (&Method::GET, "/nests/n1/chirps") => Ok(json!({ "chirps": kept.chirps.iter().rev().collect::<Vec<_>>() })),
        (&Method::POST, "/sticks") => {
            let place = json!({ "where": format!("{}/bucket?sig=1", kept.origin), "with": { "x-sig": "1" } });
            Ok(json!({ "stick": { "mark": format!("mark-{}", kept.puts) }, "put": place }))
        }
        (&Method::PUT, "/bucket") => {
            kept.puts += 1;
            Ok(json!({}))
        }
        (&Method::PATCH, "/nests/n1/flutter") => Ok(json!({})),
        (&Method::POST, "/nests/n1/chirps") => kept.chirp(key.as_deref(), body),
        _ => Err(StatusCode::NOT_FOUND),
    });
    match answer {
        Ok(body) => Json(body).into_response(),
        Err(_) if parts.uri.path() == "/songs" => {
            let songs = futures_util::stream::once(async { Ok::<_, std::io::Error>(Bytes::from(": la\n\n")) });
            let songs = Body::from_stream(songs.chain(futures_util::stream::pending()));
            ([(header::CONTENT_TYPE, "text/event-stream")], songs).into_response()
        }
        Err(status) => (status, Json(json!({}))).into_response(),
    }
}

impl Kept {
    fn chirp(&mut self, key: Option<&str>, body: Bytes) -> Result<Value, StatusCode> {
        let key = key.ok_or(StatusCode::BAD_REQUEST)?;
        if let Some((first, answer)) = self.answered.get(key) {
            if *first != body {
                self.conflicts += 1;
                return Err(StatusCode::CONFLICT);
            }
            self.repeated += 1;
            return Ok(answer.clone());
        }
        let asked: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
        let no = self.chirps.len() + 1;
        let noise = asked["chirp"]["noise"].clone();
        self.chirps.push(json!({ "no": no, "nest": "n1", "noise": noise, "from": "me" }));
        let answer = json!({ "chirp": { "no": no } });
        self.answered.insert(key.to_owned(), (body, answer.clone()));
        Ok(answer)
    }
}

/// A joined workspace `nest` on a tree that is served.
async fn joined(tree: &Tree) -> (Home, serve::Serving) {
    let serving = serve::serve(Router::new().fallback(answer).with_state(tree.clone()), 0).await.expect("a free port");
    tree.with(|kept| kept.origin = serving.url());
    let home = super::invented::home_with("magpie.yaml", include_str!("../fixtures/adapters/magpie.yaml"));
    std::fs::write(home.path("twig"), "CANARY-twig").expect("a file");
    let twig = format!("twig=@{}", home.path("twig").display());
    let daemon = home.start().await;
    home.ok(&["join", "magpie", &serving.url(), "--as", "nest", "--secret", &twig]).await;
    assert_eq!(daemon.stop().await, Some(0));
    (home, serving)
}

/// Asks for it under the agent's key; `None` where the daemon has gone.
async fn wish(home: &Home, daemon: &mut Daemon, text: &str) -> Option<Value> {
    if !home.is_ready(daemon).await {
        return None;
    }
    let files = json!([{ "name": "a.txt", "content": "aGVsbG8=" }]);
    let args = json!({ "conversation": "n1", "text": text, "files": files });
    let act = json!({ "workspace": "nest", "verb": "send", "args": args, "key": text, "wait": "30s" });
    let receipt = home.try_agent().await?.try_call("act", act).await?;
    Some(receipt.expect("it is taken"))
}

#[tokio::test]
async fn p6_an_action_with_a_key_killed_anywhere_has_one_effect() {
    let tree = Tree::default();
    let (home, _serving) = joined(&tree).await;
    let mut killed = 0;
    for point in [Point::StoreCommitBefore, Point::StoreCommitAfter, Point::HttpRequestBefore, Point::HttpRequestAfter]
    {
        for time in 1..=12 {
            let cut = format!("{}@{time}", point.name());
            let mut daemon = home.spawn(&[("AGENT_BRIDGE_KILL_AT", &cut)]);
            let first = wish(&home, &mut daemon, &cut).await;
            if first.is_some() && !daemon.has_ended() {
                daemon.kill().await;
                break;
            }
            daemon.ended().await;
            killed += 1;
            let mut daemon = home.start().await;
            let receipt = wish(&home, &mut daemon, &cut).await.expect("nobody kills this one");
            assert_eq!(receipt["state"], "confirmed", "{cut}: {receipt}\n{}", home.log());
            assert_eq!(tree.said(&cut), 1, "{cut}");
            daemon.kill().await;
        }
    }
    let (repeated, conflicts) = tree.with(|kept| (kept.repeated, kept.conflicts));
    assert!(
        killed >= 12 && repeated > 0 && conflicts == 0,
        "{killed} kills, {repeated} repeated, {conflicts} conflicts"
    );
    assert!(!home.log().contains("CANARY"), "secrets stay (P8)");
}

#[tokio::test]
async fn what_is_never_stored_answers_without_an_id_and_what_the_grant_lacks_is_refused() {
    let tree = Tree::default();
    let (home, _serving) = joined(&tree).await;
    let _daemon = home.start().await;
    let told = home.ok(&["act", "nest", "typing", "conversation=n1", "state:=true", "--json"]).await;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told, json!({ "workspace": "nest", "verb": "typing", "state": "confirmed", "remote_ids": [] }));
    let refused = home.cli(&["act", "nest", "topic.create", "title=t"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(77) && said.contains("lacks `nesting`"), "{said}");
}
