//! The way in and what keeps it open: request, approval, exchange, refresh, expiry, revocation.

use crate::support::{Caller, PIERRE, Served, clocked, close, error, fields, house};
use agent_bridge_sim::speakeasy::{Approval, Options, Reuse, Sim, Tokens};
use serde_json::{Value, json};

fn wish() -> Value {
    json!({"handle": PIERRE, "requester_name": "OpenClaw", "agent_name": "OpenClaw Agent"})
}

/// Asks for access; returns the path of its poll and the request's id.
async fn ask(stranger: &Caller) -> (String, u64) {
    let (status, body) = stranger.post("/agent_connect/requests", wish()).await;
    assert_eq!((status, fields(&body)), (202, vec!["poll_token", "request_id"]));
    let id = body["request_id"].as_u64().expect("an id");
    (format!("/agent_connect/requests/{id}?poll_token={}", body["poll_token"].as_str().expect("a token")), id)
}

async fn exchanged(stranger: &Caller, id: u64, code: &Value) -> (u16, Value) {
    stranger.post("/agent_sessions/exchange", json!({"request_id": id, "exchange_code": code})).await
}

pub async fn requests(served: &mut Served) {
    let (sim, hands) = clocked(Options::default());
    let stranger = Caller::stranger(&sim);
    let asks = async || stranger.post("/agent_connect/requests", wish()).await;
    let refused = stranger.post("/agent_connect/requests", json!({"handle": PIERRE})).await;
    assert_eq!(error(&refused), (400, "missing requester_name, agent_name"));
    assert_eq!(asks().await.0, 404);
    sim.person(PIERRE, "Pierre");
    assert_eq!(error(&asks().await), (403, "agent discovery is not enabled"));
    sim.enable_discovery(PIERRE);
    let (path, id) = ask(&stranger).await;
    let (status, body) = stranger.get(&path).await;
    assert_eq!((status, &body["status"], body.get("exchange_code")), (200, &json!("pending"), None));
    assert_eq!(exchanged(&stranger, id, &json!("xc_guess")).await.0, 401);
    assert_eq!(stranger.get(&format!("/agent_connect/requests/{id}?poll_token=x")).await.0, 401);
    assert_eq!(stranger.get("/agent_connect/requests/9999?poll_token=x").await.0, 404);
    sim.deny(id);
    assert!(sim.look(|world| world.pending().is_none()), "nobody waits any more");
    assert_eq!(stranger.get(&path).await.1["status"], "denied");
    let (path, id) = ask(&stranger).await;
    hands.turn(15);
    sim.approve(id);
    assert_eq!(stranger.get(&path).await.1["status"], "expired", "nobody can say yes any more");
    assert_eq!(error(&asks().await), (403, "agent discovery has ended"));
    close(&sim, served);
}

pub async fn exchange(served: &mut Served) {
    let sim = Sim::new(Options { approval: Approval::AtOnce, ..Options::documented() });
    sim.person(PIERRE, "Pierre");
    sim.enable_discovery(PIERRE);
    let stranger = Caller::stranger(&sim);
    let (path, id) = ask(&stranger).await;
    let (_, body) = stranger.get(&path).await;
    assert_eq!(fields(&body), ["exchange_code", "request_id"], "the document shows no more");
    let code = body["exchange_code"].clone();
    assert_eq!(exchanged(&stranger, id, &json!("xc_guess")).await.0, 401);
    let (status, body) = exchanged(&stranger, id, &code).await;
    let named = vec!["access_token", "agent_handle", "refresh_token", "webhook_secret"];
    assert_eq!((status, fields(&body)), (200, named));
    assert_eq!(exchanged(&stranger, id, &code).await.0, 401, "the code is one-time");
    let token = body["access_token"].as_str().expect("a token").into();
    let (status, me) = Caller { sim: sim.clone(), token }.get("/agent/me").await;
    assert_eq!((status, &me["agent_handle"], &me["owner_handle"]), (200, &body["agent_handle"], &json!(PIERRE)));
    assert_eq!((&me["display_name"], &me["capabilities"]["event_polling"]), (&json!("OpenClaw Agent"), &json!(true)));
    assert_eq!(fields(&stranger.get(&path).await.1), ["request_id"]);
    sim.approve(id);
    assert_eq!(fields(&stranger.get(&path).await.1), ["request_id"], "who has decided has decided");
    sim.reconfigure(|options| {
        (options.approval, options.expires_at, options.poll_status) = (Approval::ByHand, true, true);
    });
    let (path, id) = ask(&stranger).await;
    sim.approve(id);
    let (_, body) = stranger.get(&path).await;
    assert_eq!(body["status"], "approved");
    let code = body["exchange_code"].clone();
    assert!(exchanged(&stranger, id, &code).await.1["expires_at"].is_string());
    close(&sim, served);
}

/// The status of a refresh and the tokens that it gave.
async fn refresh(caller: &Caller, token: &str) -> (u16, Option<String>, Option<String>) {
    let (status, body) = caller.post("/agent_sessions/refresh", json!({"refresh_token": token})).await;
    let named = |field: &str| body[field].as_str().map(String::from);
    (status, named("access_token"), named("refresh_token"))
}

pub async fn rotation(served: &mut Served) {
    let house = house(Options::default());
    let (sim, nobody) = (&house.sim, Caller::stranger(&house.sim));
    assert_eq!(nobody.post("/agent_sessions/refresh", json!({})).await.0, 401);
    assert_eq!(refresh(&nobody, "refresh_guess").await.0, 401);
    let first = sim.refresh_token(house.grant);
    let other = sim.grant(PIERRE, "Other", None);
    let others = Caller { sim: sim.clone(), token: sim.access_token(other) };
    assert_eq!(refresh(&others, &first).await.0, 401, "sent with another grant's access token");
    let (status, access, second) = refresh(&house.agent, &first).await;
    let second = second.expect("a new refresh token");
    assert!(status == 200 && access.is_some_and(|it| it != house.agent.token) && second != first);
    assert_eq!(house.agent.get("/agent/me").await.0, 200, "the old access token lives on");
    assert_eq!(refresh(&nobody, &first).await.0, 401, "a spent one");
    assert_eq!(refresh(&nobody, &second).await.0, 200, "whose use did no harm");

    sim.reconfigure(|options| (options.reuse, options.old_access_dies) = (Reuse::KillTokens, true));
    let (_, access, third) = refresh(&nobody, &sim.refresh_token(house.grant)).await;
    assert_eq!(house.agent.get("/agent/me").await.0, 401, "the old access token died");
    let agent = Caller { token: access.expect("a token"), ..house.agent.clone() };
    assert_eq!(agent.get("/agent/me").await.0, 200);
    assert_eq!(refresh(&nobody, &second).await.0, 401);
    assert_eq!(agent.get("/agent/me").await.0, 401, "the reuse killed every token");
    assert_eq!(refresh(&nobody, &third.expect("a token")).await.0, 401);
    close(sim, served);
}

pub async fn grace(served: &mut Served) {
    let house = house(Options { grace: 1, ..Options::default() });
    let (sim, nobody) = (&house.sim, Caller::stranger(&house.sim));
    let first = sim.refresh_token(house.grant);
    let (_, _, lost) = refresh(&nobody, &first).await;
    let (status, _, again) = refresh(&nobody, &first).await;
    assert_eq!(status, 200, "once more, as after a lost reply");
    assert_eq!(refresh(&nobody, &first).await.0, 401, "and only once");
    assert_eq!(refresh(&nobody, &lost.expect("a token")).await.0, 401, "what was lost is spent");
    assert_eq!(refresh(&nobody, &again.expect("a token")).await.0, 200);

    sim.reconfigure(|options| options.rotation = false);
    let kept = sim.refresh_token(house.grant);
    let (status, access, none) = refresh(&nobody, &kept).await;
    assert_eq!((status, access.is_some(), none), (200, true, None));
    assert_eq!(refresh(&nobody, &kept).await.0, 200);
    sim.expire_refresh(house.grant);
    assert_eq!(refresh(&nobody, &kept).await.0, 401);
    close(sim, served);
}

pub async fn ends(served: &mut Served) {
    let (sim, hands) = clocked(Options { tokens: Tokens::Jwt, ..Options::default() });
    let grant = sim.grant(PIERRE, "Echo", None);
    let token = sim.access_token(grant);
    assert_eq!(token.split('.').count(), 3, "{token}");
    let agent = Caller { sim: sim.clone(), token };
    let nobody = Caller::stranger(&sim);
    assert_eq!(agent.get("/agent/me").await.0, 200);
    assert_eq!(nobody.get("/agent/me").await.0, 401);
    assert_eq!(Caller { token: "guess".into(), ..nobody.clone() }.post("/files", json!({})).await.0, 401);
    let bearer = [("authorization", "Bearer x")];
    assert_eq!(nobody.ask("GET", "/agent/me", &bearer, "").await.0, 401);
    hands.turn(60);
    assert_eq!(agent.get("/agent/me").await.0, 401, "an hour is over");
    sim.reconfigure(|options| options.tokens = Tokens::JwtExpiresAt);
    let (_, access, _) = refresh(&nobody, &sim.refresh_token(grant)).await;
    let agent = Caller { token: access.expect("a token"), ..agent };
    assert_eq!(agent.get("/agent/me").await.0, 200);
    sim.expire_access(grant);
    assert_eq!(agent.get("/agent/me").await.0, 401);
    let (_, access, _) = refresh(&nobody, &sim.refresh_token(grant)).await;
    let agent = Caller { token: access.expect("a token"), ..agent };
    assert!(sim.revoke(grant) && !sim.revoke(grant));
    assert_eq!(agent.get("/agent/me").await.0, 401);
    assert_eq!(refresh(&nobody, &sim.refresh_token(grant)).await.0, 401);
    close(&sim, served);
}

#[tokio::test]
async fn a_request_waits_for_its_person() {
    requests(&mut Served::new()).await;
}

#[tokio::test]
async fn an_approval_is_exchanged_once() {
    exchange(&mut Served::new()).await;
}

#[tokio::test]
async fn a_rotated_refresh_token_is_spent() {
    rotation(&mut Served::new()).await;
}

#[tokio::test]
async fn a_spent_token_may_work_once_more() {
    grace(&mut Served::new()).await;
}

#[tokio::test]
async fn tokens_end() {
    ends(&mut Served::new()).await;
}
