//! The routes: an invite's summary and texts, accepting it, claiming the key, and who the key's agent is.

use axum::{
    extract::{Path, State},
    http::{Method, Uri},
    response::{IntoResponse as _, Response},
};

use super::{
    Sim, World,
    check::{self, Wanted},
    wire,
};
use crate::invites::{
    Facts, Invite, JoinRequest, Joins, Status,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::Asked,
};

/// Unknown, taken back, too old, and spent where that is the same.
fn gone(line: &'static str) -> Refusal {
    refuse(404, "Invite not found", line)
}

/// The invite of a token that works still, or the line of why there is none: unknown, taken back, too old.
fn standing<'w>(world: &'w World, token: &str, lines: [&'static str; 3]) -> Result<&'w Invite, Refusal> {
    world.standing(token.trim()).ok_or_else(|| {
        let known = world.invites.iter().find(|it| it.token == token.trim());
        gone(known.map_or(lines[0], |it| if it.withdrawn { lines[1] } else { lines[2] }))
    })
}

/// `GET /api/invites/{token}`: also of an invite that was accepted, with what became of its request.
pub(super) async fn summary(State(sim): State<Sim>, Path(token): Path<String>) -> Outcome {
    sim.with(|world| {
        let invite = standing(world, &token, ["summary.404", "summary.404_revoked", "summary.404_expired"])?;
        let request = world.requests.iter().find(|it| it.invite == invite.id);
        if invite.spent() && request.is_none() {
            return Err(gone("summary.404_deleted"));
        }
        let line = match request.map(|it| it.status) {
            None => "summary.200",
            Some(Status::Pending) => "summary.pending",
            Some(Status::Approved) => "summary.approved",
            Some(Status::Rejected) => "summary.rejected",
        };
        Ok(Answer::with(200, wire::summary_and(world, invite, request), line))
    })
}

/// `GET /api/invites/{token}/onboarding`: the steps as JSON.
pub(super) async fn manifest(State(sim): State<Sim>, Path(token): Path<String>) -> Outcome {
    sim.with(|world| {
        let invite = standing(world, &token, ["onboarding.404"; 3])?;
        Ok(Answer::with(200, wire::manifest(world, invite), "onboarding.200"))
    })
}

/// `GET /api/invites/{token}/onboarding.txt`.
pub(super) async fn onboarding(State(sim): State<Sim>, Path(token): Path<String>) -> Response {
    let told =
        sim.look(|world| standing(world, &token, ["onboarding.404"; 3]).map(|it| wire::onboarding(&world.options, it)));
    told.map_or_else(Refusal::into_response, |text| crate::invites::text(text, "onboarding_txt.200"))
}

/// `POST /api/invites/{token}/accept`: once, and everything is checked before.
pub(super) async fn accept(State(sim): State<Sim>, Path(token): Path<String>, asked: Asked) -> Outcome {
    sim.with(|world| {
        let wanted = check::accept(&asked)?;
        let invite = standing(world, &token, ["accept.404", "accept.404_revoked", "accept.404_expired"])?;
        let wish = match (wanted, invite.joins) {
            (Wanted::Agent(_), Joins::Human) => {
                return Err(refuse(400, "Invite does not allow agent joins", "accept.400_joins"));
            }
            (Wanted::Human, Joins::Agent) => {
                return Err(refuse(400, "Invite does not allow human joins", "accept.400_joins"));
            }
            (Wanted::Human, _) => {
                return Err(refuse(401, "Human invite acceptance requires authenticated user", "accept.401_human"));
            }
            (Wanted::Agent(wish), _) => wish,
        };
        if invite.spent() {
            return Err(gone("accept.404_spent"));
        }
        if wish.agent_name.is_empty() {
            return Err(refuse(400, "agentName is required for agent join requests", "accept.400_name"));
        }
        let invite = invite.clone();
        let Some(request) = world.join(&invite.id, wish) else { return Err(gone("accept.404")) };
        Ok(Answer::with(202, wire::accepted(world, &invite, &request), "accept.202").about(&request.id))
    })
}

/// `POST /api/join-requests/{id}/claim-api-key`: the checks in the source's order.
pub(super) async fn claim(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.with(|world| {
        let secret = check::claim(&asked)?;
        let Some(request) = world.request(&id) else {
            return Err(refuse(404, "Join request not found", "claim.404"));
        };
        refused(world, request, &secret).map_or(Ok(()), |refusal| Err(refusal.about(&id)))?;
        let Some(key) = world.claim(&id) else { return Err(refuse(409, NO_AGENT, "claim.409_no_agent")) };
        Ok(Answer::with(201, wire::claimed(&key), "claim.201").about(&id))
    })
}

const NO_AGENT: &str = "Join request has no created agent";

/// Why a request gets no key.
fn refused(world: &World, request: &JoinRequest, secret: &str) -> Option<Refusal> {
    let not_approved = |line| Some(refuse(409, "Join request must be approved before key claim", line));
    match request.status {
        Status::Pending => return not_approved("claim.409_pending"),
        Status::Rejected => return not_approved("claim.409_rejected"),
        Status::Approved => {}
    }
    let Some(agent) = &request.agent else { return Some(refuse(409, NO_AGENT, "claim.409_no_agent")) };
    if secret != request.secret {
        return Some(refuse(403, "Invalid claim secret", "claim.403"));
    }
    if request.secret_expires <= world.now() {
        return Some(refuse(409, "Claim secret expired", "claim.409_expired"));
    }
    if request.claimed.is_some() {
        return Some(refuse(409, "Claim secret already used", "claim.409_used"));
    }
    let has_key = world.keys.iter().any(|it| it.agent == *agent);
    has_key.then(|| refuse(409, "API key already claimed", "claim.409_has_key"))
}

/// `GET /api/agents/me`.
pub(super) async fn myself(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.with(|world| {
        let key = asked.bearer();
        let Some(agent) = key.and_then(|it| world.holder(it)) else {
            let known = key.is_some_and(|key| world.keys.iter().any(|it| it.text == key));
            let line = if known { "me.401_revoked" } else { "me.401" };
            return Err(refuse(401, "Agent authentication required", line));
        };
        let mut answer = Answer::with(200, wire::agent(world, agent), "me.200");
        answer.noted.facts.agent = Some(agent.id.clone());
        Ok(answer)
    })
}

/// Everything else: no route of the API, or the board's pages.
pub(super) async fn stray(method: Method, uri: Uri) -> Response {
    if uri.path().starts_with("/api/") || method != Method::GET {
        return refuse::<Facts>(404, "API route not found", "any.404").into_response();
    }
    crate::invites::page("Paperclip", "any.page")
}
