//! `thinkwork`: both forms of its routes, every refusal, and what an invite is worth after each.

use agent_bridge_sim::{
    contract,
    thinkwork::{Call, Claimed, NewInvite, Options, Sim, Spent, Thinkwork, Times},
};
use serde_json::{Value, json};

use crate::lines;
use crate::support::{DAY, Hands, Reply, Served, clocked, get, no, post, says, text};

fn observed(change: impl FnOnce(&mut Thinkwork)) -> (Sim, Hands) {
    let mut options = Options::default();
    change(&mut options.dialect);
    clocked(options)
}

fn echo() -> Value {
    json!({"agentName": "Echo", "adapterType": "HTTP", "capabilities": ["chat"], "adapterConfig": {"url": "x"}})
}

async fn accept(sim: &Sim, token: &str, body: Value) -> Reply {
    post(sim, &format!("/api/invites/{token}/accept"), body).await
}

/// Accepts; the request's id and its secret.
async fn joined(sim: &Sim, token: &str) -> (String, String) {
    let (status, body) = accept(sim, token, echo()).await;
    assert_eq!((status, &body["status"]), (202, &json!("pending_approval")), "{body}");
    (text(&body, "/joinRequestId"), text(&body, "/claimSecret"))
}

async fn claim(sim: &Sim, request: &str, secret: &str) -> Reply {
    post(sim, &format!("/api/join-requests/{request}/claim-api-key"), json!({"claimSecret": secret})).await
}

const NOT_YET: &str = "Join request not yet approved";

/// From the link to the key, and the key's end.
pub async fn way_in(served: &mut Served) {
    let (sim, _) = observed(|_| ());
    let invite = sim.invite("Echo");
    assert_eq!(invite.link, format!("http://thinkwork.test/invite/{}", invite.token));
    let path = format!("/api/invites/{}", invite.token);
    let shown = json!({
        "id": invite.id, "inviteType": "agent", "agentName": "Echo",
        "expiresAt": "2026-03-20T10:10:00.000Z", "usedCount": 0, "maxUses": 1,
    });
    assert_eq!(get(&sim, &path).await, (200, shown));
    let (status, told) = get(&sim, &format!("{path}/onboarding.txt")).await;
    assert!(status == 200 && told.as_str().is_some_and(|it| it.contains(&format!("{path}/accept"))), "{told}");

    let (request, secret) = joined(&sim, &invite.token).await;
    assert!(secret.starts_with("mf_claim_"), "{secret}");
    assert_eq!(get(&sim, &path).await.1["usedCount"], 1);
    assert_eq!(no(accept(&sim, &invite.token, echo()).await), says(409, "Invite usage limit reached"));
    assert_eq!(no(claim(&sim, &request, &secret).await), says(409, NOT_YET));
    assert!(sim.approve(&request) && !sim.approve(&request) && !sim.reject(&request));
    let (status, body) = claim(&sim, &request, &secret).await;
    let key = text(&body, "/plainTextKey");
    assert!(
        status == 201 && key.starts_with("mf_key_") && key.starts_with(&text(&body, "/apiKey/keyPrefix")),
        "{body}"
    );
    let agent = sim.look(|world| world.agents().next().unwrap().clone());
    assert_eq!((text(&body, "/apiKey/agentId"), agent.name.as_str()), (agent.id, "Echo"));
    assert_eq!(sim.key(&request).as_deref(), Some(key.as_str()));
    assert_eq!(no(claim(&sim, &request, &secret).await), says(409, NOT_YET), "claimed looks like pending");
    assert_eq!(sim.look(|world| world.keys().count()), 1, "a second claim makes no second key");

    let with_key = async || crate::support::ask(&sim, "GET", &path, &key, None).await.unwrap().0;
    assert_eq!(with_key().await, 200);
    assert!(sim.revoke(&request) && !sim.revoke(&request));
    assert_eq!(with_key().await, 401, "the next call with a revoked key");
    assert_eq!(get(&sim, "/internal/invites").await.0, 401);
    assert_eq!(sim.calls(Call::Internal), 1);
    lines::close(contract::THINKWORK, &sim, served);
}

/// What keeps an invite from being accepted, and spends nothing.
pub async fn refusals(served: &mut Served) {
    let (sim, hands) = observed(|_| ());
    let invite = sim.invite_with(&NewInvite { max_uses: 9, ..NewInvite::default() });
    let with = |field: &str, value: Value| {
        let mut body = echo();
        body[field] = value;
        body
    };
    for name in [json!(null), json!(""), json!(7), json!(" ")] {
        let refused = accept(&sim, &invite.token, with("agentName", name)).await;
        assert_eq!(no(refused), says(400, "agentName is required"));
    }
    let refused = accept(&sim, &invite.token, with("agentName", json!("Mallory"))).await;
    assert_eq!(no(refused), says(400, "agentName does not match the invite"));
    for (field, value) in [
        ("adapterType", json!(1)),
        ("capabilities", json!("chat")),
        ("capabilities", json!([1])),
        ("adapterConfig", json!([])),
    ] {
        assert_eq!(accept(&sim, &invite.token, with(field, value)).await.0, 400, "{field}");
    }
    let path = format!("/api/invites/{}/accept", invite.token);
    let broken = crate::support::ask(&sim, "POST", &path, "", Some("{")).await.unwrap();
    assert_eq!(no(broken), says(400, "Invalid JSON body"));
    assert_eq!(get(&sim, &format!("/api/invites/{}", invite.token)).await.1["usedCount"], 0);
    for word in ["HTTP", "http", "Webhook", "CUSTOM", "carrier pigeon"] {
        assert_eq!(accept(&sim, &invite.token, with("adapterType", json!(word))).await.0, 202, "{word}");
    }
    let declared = sim.look(|world| world.requests().filter_map(|it| it.adapter_type.clone()).collect::<Vec<_>>());
    assert_eq!(declared, ["HTTP", "http", "Webhook", "CUSTOM", "carrier pigeon"], "letter by letter");
    sim.reconfigure(|options| options.dialect.any_name = true);
    assert_eq!(accept(&sim, &invite.token, json!({"agentName": "Mallory"})).await.0, 202);

    let gone = says(404, "Invite not found or expired");
    let stale = sim.invite("Echo");
    let withdrawn = sim.invite("Echo");
    assert!(sim.withdraw(&withdrawn.token) && !sim.withdraw("nobody's"));
    assert_eq!(no(accept(&sim, &withdrawn.token, echo()).await), gone);
    hands.turn(600_000);
    for (token, path) in [(stale.token.as_str(), ""), (stale.token.as_str(), "/onboarding.txt"), ("nobody's", "")] {
        assert_eq!(no(get(&sim, &format!("/api/invites/{token}{path}")).await), gone);
    }
    assert_eq!(no(accept(&sim, &stale.token, echo()).await), gone);
    lines::close(contract::THINKWORK, &sim, served);
}

/// The notes' errors of a claim, in their order.
pub async fn claims(served: &mut Served) {
    let (sim, hands) = observed(|_| ());
    let token = sim.invite_with(&NewInvite { max_uses: 3, ..NewInvite::default() }).token;
    let (request, secret) = joined(&sim, &token).await;
    let (rejected, its_secret) = joined(&sim, &token).await;
    assert_ne!((&request, &secret), (&rejected, &its_secret), "each accept is a request of its own");
    let path = format!("/api/join-requests/{request}/claim-api-key");
    assert_eq!(no(post(&sim, &path, json!({})).await), says(400, "claimSecret is required"));
    assert_eq!(no(claim(&sim, &request, &its_secret).await), says(403, "Invalid claim"), "of another request");
    assert_eq!(no(claim(&sim, "nobody's", &secret).await), says(403, "Invalid claim"));
    assert!(sim.reject(&rejected));
    assert_eq!(no(claim(&sim, &rejected, &its_secret).await), says(409, NOT_YET), "rejected looks like pending");
    let refused = accept(&sim, &token, echo()).await;
    assert_eq!(no(refused), says(409, "Invite usage limit reached"), "rejecting spent the third use");

    assert!(sim.approve_without_agent(&request));
    assert_eq!(no(claim(&sim, &request, &secret).await), says(409, "No agent created for this request"));
    let token = sim.invite("Echo").token;
    let (late, secret) = joined(&sim, &token).await;
    hands.turn(7 * DAY);
    assert_eq!(no(claim(&sim, &late, &secret).await), says(409, NOT_YET), "pending comes before expired");
    assert!(sim.approve(&late));
    assert_eq!(no(claim(&sim, &late, &secret).await), says(410, "Claim secret expired"));
    assert_eq!(sim.key(&late), None);

    sim.reconfigure(|options| options.dialect.claimed = Claimed::Told);
    let (twice, secret) = joined(&sim, &sim.invite("Echo").token).await;
    assert!(sim.approve(&twice));
    assert_eq!(claim(&sim, &twice, &secret).await.0, 201);
    assert_eq!(no(claim(&sim, &twice, &secret).await), says(409, "Claim already used"));
    lines::close(contract::THINKWORK, &sim, served);
}

/// The document's own forms, and no others.
pub async fn documented(served: &mut Served) {
    let (sim, hands) = clocked(Options::documented());
    let invite = sim.invite("Echo");
    let (link, api) = (format!("/invite/{}", invite.token), format!("/api/invites/{}", invite.token));
    assert!(invite.token.len() == 32 && invite.link.ends_with(&link), "{}", invite.link);
    let (status, page) = get(&sim, &api).await;
    assert!(status == 200 && page.as_str().is_some_and(|it| it.starts_with("<!doctype html>")), "no API there: {page}");
    assert_eq!(post(&sim, &format!("{api}/accept"), echo()).await.0, 404);
    assert_eq!(get(&sim, &link).await.1["expiresAt"], "2026-03-21T10:00:00.000Z");
    assert_eq!(get(&sim, &format!("{link}/onboarding.txt")).await.0, 200);
    hands.turn(DAY - 1);
    let (status, body) = post(&sim, &format!("{link}/accept"), echo()).await;
    assert_eq!((status, &body["status"]), (202, &json!("PENDING")));
    let gone = says(404, "Invite not found or expired");
    assert_eq!(no(get(&sim, &link).await), gone, "used up is expired");
    assert_eq!(no(post(&sim, &format!("{link}/accept"), echo()).await), gone);
    let (request, secret) = (text(&body, "/joinRequestId"), text(&body, "/claimSecret"));
    sim.approve(&request);
    let path = format!("/join-requests/{request}/claim-api-key");
    assert_eq!(post(&sim, &path, json!({"claimSecret": secret})).await.0, 201);
    assert_eq!(no(claim(&sim, &request, &secret).await), says(409, NOT_YET), "the same route under /api");
    assert_eq!((sim.calls(Call::Link), sim.calls(Call::Summary)), (2, 1));

    let observed = Sim::new(Options::default());
    let link = format!("/invite/{}", observed.invite("Echo").token);
    let (status, page) = get(&observed, &link).await;
    assert!(status == 200 && page.is_string(), "the link is a page on a host of the other forms");
    lines::close(contract::THINKWORK, &sim, served);
}

/// Times in three units, and answers in arrays.
pub async fn shapes(served: &mut Served) {
    for (times, expires) in [(Times::Seconds, json!(1_774_001_400)), (Times::Millis, json!(1_774_001_400_000_u64))] {
        let (sim, _) = observed(|ways| (ways.times, ways.in_arrays) = (times, true));
        let token = sim.invite("Echo").token;
        let (_, body) = get(&sim, &format!("/api/invites/{token}")).await;
        assert_eq!((body.as_array().map(Vec::len), &body[0]["expiresAt"]), (Some(1), &expires));
        let (status, body) = accept(&sim, &token, echo()).await;
        let request = text(&body, "/0/joinRequestId");
        assert!(status == 202 && sim.approve(&request));
        let (_, body) = claim(&sim, &request, &text(&body, "/0/claimSecret")).await;
        assert!(body[0]["apiKey"]["createdAt"].is_u64(), "{body}");
        lines::close(contract::THINKWORK, &sim, served);
    }
}

#[tokio::test]
async fn used_up_may_be_expired_under_api_as_well() {
    let (sim, _) = observed(|ways| ways.spent = Spent::Expired);
    let token = sim.invite("Echo").token;
    joined(&sim, &token).await;
    let gone = says(404, "Invite not found or expired");
    assert_eq!(no(get(&sim, &format!("/api/invites/{token}")).await), gone);
    assert_eq!(no(accept(&sim, &token, echo()).await), gone);
}
