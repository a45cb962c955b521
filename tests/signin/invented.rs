//! A platform nobody has heard of, described by a file alone, is joined like any other.

use std::sync::Arc;

use agent_bridge::adapter::Manifests;
use agent_bridge::clock::Clock;
use agent_bridge::store::Seat;
use agent_bridge_sim::agentunited::{Options, Sim};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::bench::{Bench, NOW};
use crate::memory_network::MemoryNetwork;

const MANIFEST: &str = r#"
platform: parley
title: Parley
ask:
  settings: { url: { kind: https-origin }, nick: { kind: text, default: Bee } }
  secrets: { ticket: { optional: true, one_use: true }, phrase: { generate: 40, min: 40 } }
  link: { path: /come/in, query: { code: ticket } }
http: { base: "{settings.url}" }
sessions:
  guest:
    flavour: jwt
    header: { x-pass: "{session.token}" }
    expires: { else: 1h, renew_before: 1m }
    login: { post: /again, json: { who: "{facts.who}", phrase: "{secrets.phrase}" }, take: { token: /pass } }
join:
  ways:
    ticket:
      needs: [ticket]
      session: guest
      steps:
        - { post: /enter, json: { code: "{secrets.ticket}", phrase: "{secrets.phrase}", nick: "{settings.nick}" }, take: { token: /pass, who: /you/id } }
  learn:
    - { get: /halls, first: { of: /halls, where: { /main: "yes" } }, take: { direct: /no } }
me: { ids: [who] }
receive:
  flavour: sse
  get: /feed
  silence: 60s
  name: /type
  item: [""]
  resume: last_event_id
events:
  said: { type: message.created, conversation: /hall, object: /no, text: /words, author: { id: /by } }
"#;

fn platform() -> Router {
    let enter = |Json(body): Json<Value>| async move {
        let long = body["phrase"].as_str().is_some_and(|phrase| phrase.len() == 40);
        assert!(long && body["code"] == "a/b=" && body["nick"] == "Bee", "what the manifest promises");
        Json(json!({ "pass": "p1", "you": { "id": "bee-7" } }))
    };
    let halls = |headers: http::HeaderMap| async move {
        assert_eq!(headers["x-pass"], "p1");
        Json(json!({ "halls": [{ "no": "h1", "main": "no" }, { "no": "h2", "main": "yes" }] }))
    };
    Router::new().route("/enter", post(enter)).route("/halls", get(halls))
}

#[tokio::test(start_paused = true)]
async fn an_invented_platform_is_joined_by_its_manifest_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("parley.yaml"), MANIFEST).unwrap();
    let network = MemoryNetwork::default();
    network.serve("https://parley.test", platform());
    let sim = Sim::new(Options::default());
    let mut bench = Bench::over(sim, network.clone(), Arc::new(network), &Clock::paced(NOW));
    bench.manifest = Manifests::load(Some(dir.path())).unwrap().get("parley").unwrap();
    let record = bench.join(bench.wants("https://parley.test/come/in?code=a%2Fb%3D")).await.unwrap();
    assert_eq!((record.seat, record.platform.as_str()), (Seat::SignedIn, "parley"));
    assert_eq!((&record.facts["who"], &record.facts["direct"]), (&json!("bee-7"), &json!("h2")));
    assert_eq!((bench.secret("ticket"), bench.secret("token").as_deref()), (None, Some("p1")));
}
