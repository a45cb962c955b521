//! The bodies, and the onboarding text.

use serde_json::{Value, json};

use super::{Options, World};
use crate::{
    invites::{Agent, Invite, JoinRequest, Key, Status},
    wall::iso,
};

fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending_approval",
        Status::Approved => "approved",
        Status::Rejected => "rejected",
    }
}

/// An invite, with where everything about it is.
fn summary(world: &World, invite: &Invite) -> Value {
    let url = &world.options.url;
    let page = format!("/invite/{}", invite.token);
    let api = format!("/api/invites/{}", invite.token);
    json!({
        "id": invite.id,
        "companyId": world.tenant,
        "companyName": world.options.dialect.company,
        "companyLogoUrl": null,
        "inviteType": "company_join",
        "allowedJoinTypes": invite.joins.word(),
        "humanRole": null,
        "expiresAt": iso(invite.expires),
        "invitePath": page,
        "inviteUrl": format!("{url}{page}"),
        "onboardingPath": format!("{api}/onboarding"),
        "onboardingUrl": format!("{url}{api}/onboarding"),
        "onboardingTextPath": format!("{api}/onboarding.txt"),
        "onboardingTextUrl": format!("{url}{api}/onboarding.txt"),
        "inviteMessage": invite.message,
    })
}

/// The same, with what became of the request that it led to.
pub(super) fn summary_and(world: &World, invite: &Invite, request: Option<&JoinRequest>) -> Value {
    let mut body = summary(world, invite);
    body["invitedByUserName"] = Value::Null;
    body["joinRequestStatus"] = json!(request.map(|it| status(it.status)));
    body["joinRequestType"] = json!(request.map(|_| "agent"));
    body
}

/// The steps as JSON.
pub(super) fn manifest(world: &World, invite: &Invite) -> Value {
    json!({"invite": summary(world, invite), "onboarding": steps(&world.options, invite)})
}

fn steps(options: &Options, invite: &Invite) -> Value {
    let accept = format!("/api/invites/{}/accept", invite.token);
    let text = format!("/api/invites/{}/onboarding.txt", invite.token);
    json!({
        "instructions": "Request to join as an agent, keep the claim secret, wait for the board, claim the key.",
        "inviteMessage": invite.message,
        "requiredFields": {"requestType": "agent", "agentName": "A name for this agent"},
        "registrationEndpoint": {"method": "POST", "path": accept, "url": format!("{}{accept}", options.url)},
        "claimEndpointTemplate": {
            "method": "POST",
            "path": "/api/join-requests/{requestId}/claim-api-key",
            "body": {"claimSecret": "the secret that the join request answered"},
        },
        "textInstructions": {"path": text, "url": format!("{}{text}", options.url), "contentType": "text/plain"},
    })
}

/// A join request, without its secret.
fn request(world: &World, request: &JoinRequest) -> Value {
    let decided = |when: Status| request.decided.filter(|_| request.status == when).map(iso);
    json!({
        "id": request.id,
        "inviteId": request.invite,
        "companyId": world.tenant,
        "requestType": "agent",
        "status": status(request.status),
        "requestingUserId": null,
        "requestEmailSnapshot": null,
        "agentName": request.agent_name,
        "adapterType": request.adapter_type,
        "capabilities": request.capabilities,
        "agentDefaultsPayload": request.config,
        "claimSecretExpiresAt": iso(request.secret_expires),
        "claimSecretConsumedAt": request.claimed.map(iso),
        "createdAgentId": request.agent,
        "approvedAt": decided(Status::Approved),
        "rejectedAt": decided(Status::Rejected),
        "createdAt": iso(request.created),
        "updatedAt": iso(request.decided.unwrap_or(request.created)),
    })
}

/// What accepting answers: the only place where the claim secret stands.
pub(super) fn accepted(world: &World, invite: &Invite, made: &JoinRequest) -> Value {
    let mut body = request(world, made);
    body["claimSecret"] = json!(made.secret);
    body["claimApiKeyPath"] = json!(format!("/api/join-requests/{}/claim-api-key", made.id));
    body["onboarding"] = steps(&world.options, invite);
    body["diagnostics"] = json!([]);
    body
}

/// What claiming answers: the only place where the key stands.
pub(super) fn claimed(key: &Key) -> Value {
    json!({"keyId": key.id, "token": key.text, "agentId": key.agent, "createdAt": iso(key.created)})
}

/// An agent, as it sees itself.
pub(super) fn agent(world: &World, agent: &Agent) -> Value {
    let joined = world.requests.iter().find(|it| it.agent.as_ref() == Some(&agent.id));
    json!({
        "id": agent.id,
        "companyId": world.tenant,
        "name": agent.name,
        "role": "general",
        "title": null,
        "status": "idle",
        "reportsTo": null,
        "capabilities": joined.map(|it| &it.capabilities),
        "adapterType": agent.adapter_type.as_deref().unwrap_or("process"),
        "createdAt": iso(agent.created),
        "updatedAt": iso(agent.created),
        "chainOfCommand": [],
    })
}

/// How to join, for people and agents.
pub(super) fn onboarding(options: &Options, invite: &Invite) -> String {
    let (url, token) = (&options.url, &invite.token);
    let says = invite.message.as_deref().map_or(String::new(), |it| format!("## Message\n{it}\n\n"));
    format!(
        "# Join a Paperclip company as an agent\n\n- company: {}\n- allowed: {}\n- expires: {}\n\n{says}\
         ## 1. Request to join\nPOST {url}/api/invites/{token}/accept\n\
         {{\"requestType\":\"agent\",\"agentName\":\"…\",\"adapterType\":\"…\",\"capabilities\":\"…\"}}\n\
         Keep id, claimSecret and claimApiKeyPath of the answer.\n\n\
         ## 2. Wait until the board approves\n\n\
         ## 3. Claim the key, once\nPOST {url}/api/join-requests/{{id}}/claim-api-key\n{{\"claimSecret\":\"…\"}}\n\
         The answer has the key in token, once. Claim secrets expire.\n",
        options.dialect.company,
        invite.joins.word(),
        iso(invite.expires),
    )
}
