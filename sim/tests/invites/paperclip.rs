//! `paperclip`: its refusals in the source's order, what the summary tells after an accept, and the agent's own route.

use agent_bridge_sim::{
    contract,
    paperclip::{Call, Joins, NewInvite, Options, Sim},
};
use serde_json::{Value, json};

use crate::lines;
use crate::support::{DAY, Reply, Served, ask, clocked, get, no, post, says, text};

fn echo() -> Value {
    json!({"requestType": "agent", "agentName": "Echo", "adapterType": "process", "capabilities": "talks"})
}

async fn accept(sim: &Sim, token: &str, body: Value) -> Reply {
    post(sim, &format!("/api/invites/{token}/accept"), body).await
}

/// Invites and accepts; the invite's token, the request's id, the path of its claim, its secret.
async fn joined(sim: &Sim) -> (String, String, String, String) {
    let token = sim.invite("ignored").token;
    let (status, body) = accept(sim, &token, echo()).await;
    assert_eq!((status, &body["status"]), (202, &json!("pending_approval")), "{body}");
    (token, text(&body, "/id"), text(&body, "/claimApiKeyPath"), text(&body, "/claimSecret"))
}

async fn claim(sim: &Sim, path: &str, secret: &str) -> Reply {
    post(sim, path, json!({"claimSecret": secret})).await
}

async fn me(sim: &Sim, key: &str) -> Reply {
    ask(sim, "GET", "/api/agents/me", key, None).await.expect("a reply")
}

const BEFORE: &str = "Join request must be approved before key claim";

/// From the link to the key, and the key's end.
pub async fn way_in(served: &mut Served) {
    let (sim, _) = clocked(Options::default());
    let invite = sim.invite_with(&NewInvite { max_uses: 5, message: Some("Welcome.".into()), ..NewInvite::default() });
    let path = format!("/api/invites/{}", invite.token);
    let (status, shown) = get(&sim, &path).await;
    assert_eq!((status, &shown["joinRequestStatus"], &shown["inviteMessage"]), (200, &Value::Null, &json!("Welcome.")));
    assert_eq!(text(&shown, "/expiresAt"), "2026-03-23T10:00:00.000Z");
    assert_eq!(text(&shown, "/inviteUrl"), invite.link);
    let (status, told) = get(&sim, &text(&shown, "/onboardingTextPath")).await;
    assert!(status == 200 && told.as_str().is_some_and(|it| it.contains(&format!("{path}/accept"))), "{told}");
    let (_, steps) = get(&sim, &text(&shown, "/onboardingPath")).await;
    assert_eq!(text(&steps, "/onboarding/registrationEndpoint/path"), format!("{path}/accept"));

    let (_, body) = accept(&sim, &invite.token, echo()).await;
    let (request, secret) = (text(&body, "/id"), text(&body, "/claimSecret"));
    assert!(secret.starts_with("pcp_claim_"), "{secret}");
    let at = text(&body, "/claimApiKeyPath");
    assert_eq!(at, format!("/api/join-requests/{request}/claim-api-key"));
    assert_eq!(
        no(accept(&sim, &invite.token, echo()).await),
        says(404, "Invite not found"),
        "once, whatever was asked"
    );
    let status = async || text(&get(&sim, &path).await.1, "/joinRequestStatus");
    assert_eq!(status().await, "pending_approval");
    assert!(!get(&sim, &path).await.1.to_string().contains(&secret), "the secret is told once");
    assert!(sim.approve(&request));
    assert_eq!(status().await, "approved");
    let (created, body) = claim(&sim, &at, &secret).await;
    let key = text(&body, "/token");
    assert!(created == 201 && key.starts_with("pcp_"), "{body}");
    let (found, myself) = me(&sim, &key).await;
    assert_eq!((found, &myself["id"], &myself["name"]), (200, &body["agentId"], &json!("Echo")));
    assert_eq!(no(claim(&sim, &at, &secret).await), says(409, "Claim secret already used"));
    assert_eq!(sim.look(|world| world.keys().count()), 1, "a second claim makes no second key");

    let stranger = says(401, "Agent authentication required");
    for wrong in ["", "pcp_nobody's", secret.as_str()] {
        assert_eq!(no(me(&sim, wrong).await), stranger, "{wrong}");
    }
    assert!(sim.revoke(&request));
    assert_eq!(no(me(&sim, &key).await), stranger);
    assert_eq!(sim.calls(Call::Myself), 5);
    assert_eq!(no(get(&sim, "/api/companies").await), says(404, "API route not found"));
    assert!(get(&sim, &format!("/invite/{}", invite.token)).await.1.is_string(), "the link is a page");
    lines::close(contract::PAPERCLIP, &sim, served);
}

/// What keeps an invite from being accepted, and spends nothing.
pub async fn refusals(served: &mut Served) {
    let (sim, hands) = clocked(Options::default());
    let token = sim.invite("ignored").token;
    let with = |field: &str, value: Value| {
        let mut body = echo();
        body[field] = value;
        body
    };
    for (field, value) in [
        ("requestType", json!(null)),
        ("requestType", json!("robot")),
        ("agentName", json!("")),
        ("agentName", json!("e".repeat(121))),
        ("adapterType", json!(" ")),
        ("capabilities", json!(["chat"])),
        ("agentDefaultsPayload", json!("url")),
    ] {
        let (status, body) = accept(&sim, &token, with(field, value)).await;
        assert_eq!(
            (status, &body["error"], &body["details"][0]["path"]),
            (400, &json!("Validation error"), &json!([field]))
        );
    }
    let refused = accept(&sim, &token, json!({"requestType": "agent"})).await;
    assert_eq!(no(refused), says(400, "agentName is required for agent join requests"));
    let refused = accept(&sim, &token, json!({"requestType": "human"})).await;
    assert_eq!(no(refused), says(401, "Human invite acceptance requires authenticated user"));
    let path = format!("/api/invites/{token}/accept");
    assert_eq!(ask(&sim, "POST", &path, "", Some("[]")).await.unwrap().0, 400);
    assert_eq!(get(&sim, &format!("/api/invites/{token}")).await.1["joinRequestStatus"], Value::Null);
    let people = sim.invite_with(&NewInvite { joins: Joins::Human, ..NewInvite::default() }).token;
    assert_eq!(no(accept(&sim, &people, echo()).await), says(400, "Invite does not allow agent joins"));

    let gone = says(404, "Invite not found");
    let taken_back = sim.invite("ignored").token;
    assert!(sim.withdraw(&taken_back));
    let (deleted, request, ..) = joined(&sim).await;
    assert!(sim.forget(&request) && !sim.forget(&request));
    assert_eq!(no(get(&sim, &format!("/api/invites/{deleted}")).await), gone, "accepted, and its request deleted");
    hands.turn(3 * DAY);
    for token in ["nobody's", &taken_back, &token] {
        for path in ["", "/onboarding", "/onboarding.txt"] {
            assert_eq!(no(get(&sim, &format!("/api/invites/{token}{path}")).await), gone);
        }
        assert_eq!(no(accept(&sim, token, echo()).await), gone);
    }
    lines::close(contract::PAPERCLIP, &sim, served);
}

/// The checks of a claim, in the source's order: the secret is looked at only after approval.
pub async fn claims(served: &mut Served) {
    let (sim, hands) = clocked(Options::default());
    let (token, request, at, secret) = joined(&sim).await;
    let wrong = "pcp_claim_nobody's, and long enough";
    for short in [json!({}), json!({"claimSecret": "too short"}), json!({"claimSecret": "s".repeat(257)})] {
        assert_eq!(no(post(&sim, &at, short).await), says(400, "Validation error"));
    }
    let refused = claim(&sim, "/api/join-requests/nobody's/claim-api-key", &secret).await;
    assert_eq!(no(refused), says(404, "Join request not found"));
    assert_eq!(no(claim(&sim, &at, wrong).await), says(409, BEFORE));
    assert!(sim.reject(&request));
    assert_eq!(no(claim(&sim, &at, &secret).await), says(409, BEFORE), "rejected looks alike");
    assert_eq!(text(&get(&sim, &format!("/api/invites/{token}")).await.1, "/joinRequestStatus"), "rejected");

    let (_, request, at, secret) = joined(&sim).await;
    assert!(sim.approve_without_agent(&request));
    assert_eq!(no(claim(&sim, &at, wrong).await), says(409, "Join request has no created agent"));
    assert_eq!(no(claim(&sim, &at, &secret).await), says(409, "Join request has no created agent"));

    let (_, request, at, secret) = joined(&sim).await;
    assert!(sim.approve(&request));
    assert_eq!(no(claim(&sim, &at, wrong).await), says(403, "Invalid claim secret"));
    assert!(sim.make_key(&request).is_some());
    assert_eq!(no(claim(&sim, &at, &secret).await), says(409, "API key already claimed"));
    hands.turn(7 * DAY);
    assert_eq!(no(claim(&sim, &at, &secret).await), says(409, "Claim secret expired"));
    lines::close(contract::PAPERCLIP, &sim, served);
}
