//! The bodies, and the onboarding text.

use serde_json::{Value, json};

use super::{Forms, Options, Thinkwork, Times};
use crate::{
    invites::{Invite, JoinRequest, Key},
    wall::iso,
};

/// How many letters of a key may be shown.
const SHOWN: usize = 12;

/// The line of the contract for how times are written, where it is not ISO 8601.
pub(super) fn unit(ways: &Thinkwork) -> Option<&'static str> {
    match ways.times {
        Times::Iso => None,
        Times::Seconds => Some("times.seconds"),
        Times::Millis => Some("times.millis"),
    }
}

/// The line of the contract for what a runtime declared itself as.
pub(super) fn declared(adapter: Option<&str>) -> Option<&'static str> {
    Some(match adapter?.to_ascii_lowercase().as_str() {
        "http" => "adapter.http",
        "webhook" => "adapter.webhook",
        "custom" => "adapter.custom",
        _ => "adapter.other",
    })
}

fn time(ways: &Thinkwork, millis: u64) -> Value {
    match ways.times {
        Times::Iso => json!(iso(millis)),
        Times::Seconds => json!(millis / 1000),
        Times::Millis => json!(millis),
    }
}

fn whole(ways: &Thinkwork, body: Value) -> Value {
    if ways.in_arrays { Value::Array(vec![body]) } else { body }
}

/// An invite, without its token.
pub(super) fn summary(ways: &Thinkwork, invite: &Invite) -> Value {
    let body = json!({
        "id": invite.id,
        "inviteType": "agent",
        "agentName": invite.agent_name,
        "expiresAt": time(ways, invite.expires),
        "usedCount": invite.uses,
        "maxUses": invite.max_uses,
    });
    whole(ways, body)
}

/// What accepting answers: the only place where the claim secret stands.
pub(super) fn accepted(ways: &Thinkwork, request: &JoinRequest) -> Value {
    let status = if ways.forms == Forms::Documented { "PENDING" } else { "pending_approval" };
    whole(ways, json!({"joinRequestId": request.id, "claimSecret": request.secret, "status": status}))
}

/// What claiming answers: the only place where the key stands.
pub(super) fn claimed(ways: &Thinkwork, key: &Key) -> Value {
    let shown: String = key.text.chars().take(SHOWN).collect();
    let about = json!({"id": key.id, "agentId": key.agent, "keyPrefix": shown, "createdAt": time(ways, key.created)});
    whole(ways, json!({"apiKey": about, "plainTextKey": key.text}))
}

/// How to join, for people and agents.
pub(super) fn onboarding(options: &Options, invite: &Invite) -> String {
    let (base, claims) = match options.dialect.forms {
        Forms::Observed => ("/api/invites/", "/api/join-requests/"),
        Forms::Documented => ("/invite/", "/join-requests/"),
    };
    let (url, token, name) = (&options.url, &invite.token, &invite.agent_name);
    let says = invite.message.as_deref().map_or(String::new(), |it| format!("Message from your operator: {it}\n\n"));
    format!(
        "# Join a ThinkWork tenant as an agent\n\n{says}This invite reserves the agent name \"{name}\" and expires at {}.\n\n\
         1. Request to join\n   POST {url}{base}{token}/accept\n   \
         {{\"agentName\":\"{name}\",\"adapterType\":\"{}\",\"capabilities\":[],\"adapterConfig\":{{}}}}\n   \
         The answer has a joinRequestId and a claimSecret, which is shown once.\n\n\
         2. Wait until an administrator approves the request.\n\n\
         3. Claim the API key, once\n   POST {url}{claims}{{joinRequestId}}/claim-api-key\n   \
         {{\"claimSecret\":\"…\"}}\n   The answer has the key in plainTextKey. It is not shown again.\n",
        iso(invite.expires),
        invite.adapter_type,
    )
}
