//! Over real sockets: lost replies, the control routes, uploads under the same listener.

use agent_bridge_sim::{
    run_speakeasy,
    speakeasy::{Fault, Options, World},
};
use serde_json::json;

use crate::socket::{control, parts, raw};

#[tokio::test]
async fn another_process_scripts_it_over_http() {
    let (sim, serving) = run_speakeasy(Options::default(), 0).await.expect("a port");
    let url = serving.url();
    control(&url, "discovery", json!({"handle": "owner@example.com"})).await;
    let wish = json!({"handle": "owner@example.com", "requester_name": "x", "agent_name": "Echo"}).to_string();
    let (status, asked) = parts(&raw(&url, "POST", "/api/v1/agent_connect/requests", "-", &wish).await);
    assert_eq!(status, 202);
    control(&url, "approve", json!({})).await;
    for again in [json!({}), json!({"request_id": asked["request_id"]})] {
        let (status, _) = parts(&raw(&url, "POST", "/_sim/approve", "-", &again.to_string()).await);
        assert_eq!(status, 404, "nobody waits any more");
    }
    let path = format!(
        "/api/v1/agent_connect/requests/{}?poll_token={}",
        asked["request_id"],
        asked["poll_token"].as_str().expect("a token")
    );
    let (_, polled) = parts(&raw(&url, "GET", &path, "-", "").await);
    let body = json!({"request_id": asked["request_id"], "exchange_code": polled["exchange_code"]}).to_string();
    let (_, session) = parts(&raw(&url, "POST", "/api/v1/agent_sessions/exchange", "-", &body).await);
    let token = session["access_token"].as_str().expect("a token");

    let said = control(&url, "say", json!({"handle": "owner@example.com", "text": "hi"})).await;
    control(&url, "edit", json!({"chat": said["chat"], "text": "hi!"})).await;
    let (_, log) = parts(&raw(&url, "GET", "/api/v1/agent/events", token, "").await);
    assert_eq!(log["events"].as_array().map(Vec::len), Some(3), "{log}");
    control(&url, "capability", json!({"capability": "event_polling", "on": false})).await;
    assert_eq!(parts(&raw(&url, "GET", "/api/v1/agent/events", token, "").await).0, 403);
    control(&url, "expire_access", json!({})).await;
    assert_eq!(parts(&raw(&url, "GET", "/api/v1/agent/me", token, "").await).0, 401);
    control(&url, "revoke", json!({})).await;
    assert_eq!(parts(&raw(&url, "POST", "/_sim/revoke", "-", "{}").await).0, 404, "none is left that stands");
    let (_, state) = parts(&raw(&url, "GET", "/_sim/state", "-", "").await);
    assert_eq!((&state["grants"][0]["revoked"], &state["chats"][0]["plain"]), (&json!(true), &json!("hi!")));
    let entry = sim.log().into_iter().find(|it| it.path.ends_with("/exchange")).expect("an entry");
    assert_eq!((entry.status, entry.method.as_str()), (200, "POST"));
    let logged = serde_json::to_string(&sim.log()).expect("JSON");
    assert!(!logged.contains(asked["poll_token"].as_str().expect("a token")), "no secret is logged");
    serving.stop().await;
}

#[tokio::test]
async fn a_lost_reply_took_effect_and_left_no_byte() {
    let (sim, serving) = run_speakeasy(Options::default(), 0).await.expect("a port");
    let url = serving.url();
    let grant = control(&url, "grant", json!({"owner": "owner@example.com", "name": "Echo"})).await;
    let handles = json!([grant["agent_handle"], "owner@example.com"]);
    let topic = control(&url, "topic", json!({"subject": "s", "handles": handles})).await;
    let (token, path) = (grant["access_token"].as_str().expect("a token"), "POST /agent/topics/{topic_id}/chats");
    let place = format!("/api/v1/agent/topics/{}/chats", topic["topic"]);
    sim.fault(path, Fault::ReplyLost);
    assert_eq!(raw(&url, "POST", &place, token, r#"{"chat":{"text":"kept"}}"#).await, "");
    control(&url, "fault", json!({"route": path, "fault": {"kind": "request_lost"}})).await;
    assert_eq!(raw(&url, "POST", &place, token, r#"{"chat":{"text":"gone"}}"#).await, "");
    let said: Vec<String> = sim.chats_by_agents().into_iter().map(|it| it.plain).collect();
    assert_eq!((said, sim.look(World::faults_left)), (vec!["kept".into()], 0));

    let blob = json!({"blob": {"filename": "a", "byte_size": 3, "checksum": "kAFQmDzST7DWlj99KOF/cg==", "content_type": "text/plain"}});
    let (_, announced) = parts(&raw(&url, "POST", "/api/v1/files", token, &blob.to_string()).await);
    let upload = announced["direct_upload"]["url"].as_str().expect("a URL");
    assert!(upload.starts_with(&format!("{url}/storage/")), "{upload}");
    control(&url, "events", json!({"hold": 1})).await;
    control(&url, "poll_fault", json!({"kind": "repeat_cursor", "polls": 1})).await;
    assert_eq!(sim.look(World::faults_left), 1);
    serving.kill().await;
}
