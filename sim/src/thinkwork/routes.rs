//! The routes: an invite's summary and text, accepting it, claiming the key, and what is none of a runtime's business.

use axum::{
    extract::{Path, State},
    http::Method,
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value};

use super::{Claimed, Forms, Sim, Spent, World, wire};
use crate::invites::{
    Facts, JoinRequest, Status, Wish,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::Asked,
};

/// Unknown, withdrawn, too old, and used up where that is the same.
fn gone(line: &'static str) -> Refusal {
    refuse(404, "Invite not found or expired", line)
}

/// Why an invite cannot be looked at, as a line of the contract.
fn why(world: &World, token: &str, [unknown, expired]: [&'static str; 2]) -> &'static str {
    let known = world.invites.iter().any(|it| it.token == token && !it.withdrawn);
    if known { expired } else { unknown }
}

/// `GET /api/invites/{token}`: tells, and spends nothing.
pub(super) async fn summary(State(sim): State<Sim>, Path(token): Path<String>) -> Outcome {
    sim.with(|world| {
        let ways = &world.options.dialect;
        let Some(invite) = world.standing(&token) else {
            return Err(gone(why(world, &token, ["summary.404", "summary.404_expired"])));
        };
        if invite.spent() && ways.spent == Spent::Expired {
            return Err(gone("summary.404_spent"));
        }
        let line = if ways.forms == Forms::Documented { "link.200" } else { "summary.200" };
        let spent = invite.spent().then_some("summary.200_spent");
        let answer = Answer::with(200, wire::summary(ways, invite), line).and(spent);
        Ok(answer.and(wire::unit(ways)).and(ways.in_arrays.then_some("any.array")))
    })
}

/// `GET /api/invites/{token}/onboarding.txt`.
pub(super) async fn onboarding(State(sim): State<Sim>, Path(token): Path<String>) -> Response {
    let told = sim.look(|world| world.standing(&token).map(|it| wire::onboarding(&world.options, it)));
    match told {
        Some(text) => crate::invites::text(text, "onboarding.200"),
        None => gone("onboarding.404").into_response(),
    }
}

/// `POST /api/invites/{token}/accept`: checks everything before it spends a use.
pub(super) async fn accept(State(sim): State<Sim>, Path(token): Path<String>, asked: Asked) -> Outcome {
    sim.with(|world| {
        let ways = world.options.dialect.clone();
        let Some(invite) = world.standing(&token) else {
            return Err(gone(why(world, &token, ["accept.404", "accept.404_expired"])));
        };
        if invite.spent() {
            let joined = world.requests.iter().filter(|it| it.invite == invite.id).count();
            // A rejection spends what is left: fewer came than the invite had uses.
            let line = if joined < invite.max_uses as usize { "accept.409_rejected" } else { "accept.409" };
            return Err(match ways.spent {
                Spent::Expired => gone("accept.404_spent"),
                Spent::Told => refuse(409, "Invite usage limit reached", line),
            });
        }
        let wish = wish(&body(&asked)?)?;
        if wish.agent_name != invite.agent_name && !ways.any_name {
            return Err(refuse(400, "agentName does not match the invite", "accept.400_other_name"));
        }
        let (of, again) = (invite.id.clone(), invite.uses > 0);
        let Some(request) = world.join(&of, wish) else { return Err(gone("accept.404")) };
        let line = if ways.forms == Forms::Documented { "accept.202_pending" } else { "accept.202" };
        let answer = Answer::with(202, wire::accepted(&ways, &request), line).about(&request.id);
        Ok(answer.and(again.then_some("accept.202_again")).and(wire::declared(request.adapter_type.as_deref())))
    })
}

fn body(asked: &Asked) -> Result<Map<String, Value>, Refusal> {
    asked.object().map_err(|_| refuse(400, "Invalid JSON body", "body.400"))
}

/// What the runtime says of itself; only its name must be there.
fn wish(body: &Map<String, Value>) -> Result<Wish, Refusal> {
    let name = body.get("agentName").and_then(Value::as_str).map(str::trim).filter(|it| !it.is_empty());
    let Some(name) = name else { return Err(refuse(400, "agentName is required", "accept.400_name")) };
    let field = |name: &str| body.get(name).cloned().unwrap_or_default();
    let wrong = |text: &str| Err(refuse(400, text, "accept.400_field"));
    let adapter_type = match field("adapterType") {
        Value::Null => None,
        Value::String(word) if !word.trim().is_empty() => Some(word),
        _ => return wrong("adapterType must be a string"),
    };
    let (capabilities, config) = (field("capabilities"), field("adapterConfig"));
    let texts = |it: &Value| it.as_array().is_some_and(|all| all.iter().all(Value::is_string));
    if !capabilities.is_null() && !texts(&capabilities) {
        return wrong("capabilities must be an array of strings");
    }
    if !config.is_null() && !config.is_object() {
        return wrong("adapterConfig must be an object");
    }
    Ok(Wish { agent_name: name.into(), adapter_type, capabilities, config })
}

/// `POST /api/join-requests/{id}/claim-api-key`: the notes' errors, in their order.
pub(super) async fn claim(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.with(|world| {
        let body = body(&asked)?;
        let secret = body.get("claimSecret").and_then(Value::as_str).filter(|it| !it.is_empty());
        let Some(secret) = secret else { return Err(refuse(400, "claimSecret is required", "claim.400")) };
        let Some(request) = world.request(&id) else { return Err(refuse(403, "Invalid claim", "claim.403_unknown")) };
        if secret != request.secret {
            return Err(refuse(403, "Invalid claim", "claim.403").about(&id));
        }
        refused(world, request).map_or(Ok(()), |refusal| Err(refusal.about(&id)))?;
        let ways = world.options.dialect.clone();
        let Some(key) = world.claim(&id) else { return Err(refuse(409, NO_AGENT, "claim.409_no_agent")) };
        Ok(Answer::with(201, wire::claimed(&ways, &key), "claim.201").about(&id))
    })
}

const NO_AGENT: &str = "No agent created for this request";

/// Why a request with the right secret gets no key.
fn refused(world: &World, request: &JoinRequest) -> Option<Refusal> {
    let not_yet = |line| Some(refuse(409, "Join request not yet approved", line));
    match request.status {
        Status::Pending => return not_yet("claim.409_pending"),
        Status::Rejected => return not_yet("claim.409_rejected"),
        Status::Approved => {}
    }
    let used = request.claimed.is_some();
    if used && world.options.dialect.claimed == Claimed::LooksPending {
        return not_yet("claim.409_claimed");
    }
    if request.agent.is_none() {
        return Some(refuse(409, NO_AGENT, "claim.409_no_agent"));
    }
    if request.secret_expires <= world.now() {
        return Some(refuse(410, "Claim secret expired", "claim.410"));
    }
    used.then(|| refuse(409, "Claim already used", "claim.409_used"))
}

/// The operator's side: no runtime has a credential for it.
pub(super) async fn internal() -> Refusal {
    refuse(401, "Unauthorized", "internal.401")
}

/// Everything else: the admin's pages for `GET`, nothing for the rest.
pub(super) async fn stray(method: Method) -> Response {
    match method {
        Method::GET => crate::invites::page("ThinkWork Admin", "any.page"),
        _ => refuse::<Facts>(404, "Not found", "any.404").into_response(),
    }
}
