//! Over real sockets: the control routes, lost replies, webhooks to loopback.

use agent_bridge_sim::{
    agentworkspace::{DocumentType, Options, World},
    run_agentworkspace, serve,
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{
    socket::{control, parts, raw},
    support::Receiver,
};

#[tokio::test]
async fn another_process_scripts_it_over_http() {
    let (sim, serving) = run_agentworkspace(Options::default(), 0).await.expect("a port");
    let receiver = Receiver::default();
    let hooks = serve::serve(receiver.router(), 0).await.expect("a port");
    let url = serving.url();
    let agent = control(&url, "agent", json!({"agent": "Atlas"})).await;
    let key = agent["api_key"].as_str().expect("a key");
    control(&url, "webhook", json!({"agent": "Atlas", "url": format!("{}/hook", hooks.url())})).await;
    let made =
        control(&url, "document", json!({"agent": "Atlas", "title": "Trip", "type": "draft", "content": "Rome."}))
            .await;
    assert_eq!(made["link"], json!(format!("{url}/share/{}", made["share_token"].as_str().expect("a token"))));
    let asked = json!({"person": "Pierre", "document": made["document"], "agent": "Atlas", "text": "@Atlas hi", "pending": true});
    let mention = control(&url, "mention", asked).await;
    control(&url, "send_mention", mention.clone()).await;
    sim.wait_for(|world| world.deliveries().next().is_some()).await;
    let letter: Value = serde_json::from_slice(&receiver.letters()[0].1).expect("JSON");
    assert_eq!(letter["mentionId"], mention["mention"]);
    let share = format!("/api/share/{}", made["share_token"].as_str().expect("a token"));
    let wish = json!({"action": "replace", "search": "Rome", "replacement": "Milan", "author": "Atlas"}).to_string();
    let (_, suggested) = parts(&raw(&url, "POST", &format!("{share}/suggest"), "-", &wish).await);
    control(&url, "decide", json!({"suggestion": suggested["suggestion"]["id"], "accept": true})).await;
    let (_, read) = parts(&raw(&url, "GET", &share, "-", "").await);
    assert_eq!(read["content"], "Milan.\n\n@Atlas hi");
    control(&url, "email", json!({"agent": "Atlas", "handle": "atlas"})).await;
    control(&url, "mail", json!({"agent": "Atlas", "from": "a@b.example", "subject": "Hi", "text": "?"})).await;
    assert_eq!(parts(&raw(&url, "GET", "/api/v1/email", key, "").await).1["threads"][0]["subject"], "Hi");
    control(&url, "revoke_share", json!({"share_token": made["share_token"]})).await;
    assert_eq!(parts(&raw(&url, "GET", &share, "-", "").await).0, 404);
    let new = control(&url, "regenerate_key", json!({"agent": "Atlas"})).await;
    assert_eq!(parts(&raw(&url, "GET", "/api/v1/docs", key, "").await).0, 401);
    assert_eq!(parts(&raw(&url, "GET", "/api/v1/docs", new["api_key"].as_str().expect("a key"), "").await).0, 200);
    let (_, state) = parts(&raw(&url, "GET", "/_sim/state", "-", "").await);
    assert_eq!(
        (&state["mentions"][0]["status"], &state["suggestions"][0]["verdict"]),
        (&json!("sent"), &json!("accepted"))
    );
    serving.stop().await;
}

#[tokio::test]
async fn a_lost_reply_took_effect_and_left_no_byte() {
    let (sim, serving) = run_agentworkspace(Options::default(), 0).await.expect("a port");
    let url = serving.url();
    let agent = control(&url, "agent", json!({"agent": "Atlas"})).await;
    let key = agent["api_key"].as_str().expect("a key");
    control(&url, "fault", json!({"route": "POST /docs", "fault": {"kind": "reply_lost"}})).await;
    assert_eq!(raw(&url, "POST", "/api/v1/docs", key, r#"{"title":"kept"}"#).await, "");
    control(&url, "fault", json!({"route": "POST /docs", "fault": {"kind": "request_lost"}})).await;
    assert_eq!(raw(&url, "POST", "/api/v1/docs", key, r#"{"title":"gone"}"#).await, "");
    let titles: Vec<String> = sim.look(|world| world.documents().map(|it| it.title.clone()).collect());
    assert_eq!((titles, sim.look(World::faults_left)), (vec!["kept".into()], 0));
    serving.kill().await;
}

#[tokio::test]
async fn another_process_edits_live_over_http() {
    let (sim, serving) = run_agentworkspace(Options::default(), 0).await.expect("a port");
    let url = serving.url();
    let draft =
        json!({"agent": "Atlas", "title": "Trip", "type": "draft", "content": "Rome.", "shape": {"xml": "default"}});
    let document = control(&url, "document", draft).await["document"].clone();
    control(&url, "edit", json!({"document": document, "at": 0, "delete": 4, "text": "Milan"})).await;
    control(&url, "edit", json!({"document": document, "text": "Venice."})).await;
    control(&url, "browser", json!({"document": document, "does": {"arrive": "Pierre"}})).await;
    control(&url, "browser", json!({"document": document, "does": "go_offline"})).await;
    control(&url, "edit", json!({"document": document, "text": "Later."})).await;
    let (_, state) = parts(&raw(&url, "GET", "/_sim/live", "-", "").await);
    let shown = &state["drafts"][document.as_str().expect("an id")];
    assert_eq!(
        (&shown["content"], &shown["seen"]),
        (&json!("Milan.\n\nVenice."), &json!("Milan.\n\nVenice.\n\nLater."))
    );
    assert_eq!(shown["awake"][0]["user"]["name"], "Pierre");
    control(&url, "restart", json!({"memory": "empty"})).await;
    let id = document.as_str().expect("an id");
    assert_eq!(sim.content(id), "");
    control(&url, "browser", json!({"document": document, "does": "come_back"})).await;
    assert_eq!(sim.content(id), "Milan.\n\nVenice.\n\nLater.");
    control(&url, "live_fault", json!({"fault": {"kind": "slow", "millis": 1}, "count": null})).await;
    assert_eq!(sim.look(World::faults_left), 1);
    control(&url, "heal_live", json!({})).await;
    assert_eq!(sim.look(World::faults_left), 0);
    assert_eq!(parts(&raw(&url, "POST", "/_sim/edit", "-", r#"{"document":"none","text":"x"}"#).await).0, 404);
    serving.stop().await;
}

#[tokio::test]
async fn a_draft_is_live_where_its_token_says() {
    let (sim, serving) = run_agentworkspace(Options::default(), 0).await.expect("a port");
    let agent = sim.agent("Atlas");
    let draft = sim.document(&agent, "Trip", DocumentType::Draft, "Rome.");
    let token = sim.share(&draft);
    let wish = format!("/api/share/{token}/draft-token");
    let (_, way) = parts(&raw(&serving.url(), "POST", &wish, "-", r#"{"name":"Atlas"}"#).await);
    let text = |field: &str| way[field].as_str().expect("a text").to_owned();
    // As y-websocket's provider puts it together.
    let url = format!("{}/{}?token={}", text("serverUrl").replacen("http", "ws", 1), text("slug"), text("token"));
    let socket = TcpStream::connect(serving.addr()).await.expect("a server");
    let (mut line, _) = tokio_tungstenite::client_async(url, socket).await.expect("a line");
    let first = line.next().await.expect("a message").expect("a message").into_data();
    assert_eq!(first[..2], [0, 0], "step 1");
    assert_eq!(sim.lines()[0].name, "Atlas");
    serving.stop().await;
    assert!(line.next().await.is_none_or(|it| it.is_err()), "the line ends with its listener");
}
