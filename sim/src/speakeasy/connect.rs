//! Asking for access: the request, its poll, and the person's answer.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::{Asked, text},
    options::Approval,
    record::{GrantId, Request, Status},
    wire,
    world::World,
};

/// What a request must say; `callback_url` may be missing.
const REQUIRED: [&str; 3] = ["handle", "requester_name", "agent_name"];

/// `POST /agent_connect/requests`.
pub(crate) async fn create(State(sim): State<Sim>, asked: Asked) -> Outcome {
    let body = asked.object()?;
    let missing: Vec<&str> = REQUIRED.into_iter().filter(|field| text(&body, field).is_none()).collect();
    if !missing.is_empty() {
        return Err(refuse(400, format!("missing {}", missing.join(", ")), "connect.400_missing"));
    }
    let field = |name| text(&body, name).map(String::from);
    sim.with(|world| {
        let owner = field("handle").unwrap_or_default();
        world.discoverable(&owner)?;
        let request = Request {
            id: world.next_id(),
            owner,
            requester_name: field("requester_name").unwrap_or_default(),
            agent_name: field("agent_name").unwrap_or_default(),
            callback_url: field("callback_url"),
            status: Status::Pending,
            expires: world.after(world.options.request_lifetime),
            poll_token: world.ids.secret("poll_"),
            exchange_code: None,
        };
        let said = json!({"request_id": request.id, "poll_token": request.poll_token});
        let id = request.id;
        world.requests.insert(id, request);
        if world.options.approval != Approval::ByHand {
            world.decide(id, world.options.approval == Approval::AtOnce);
        }
        Ok(Answer::with(202, world.shaped(said), "connect.202"))
    })
}

/// `GET /agent_connect/requests/{id}?poll_token=`.
pub(crate) async fn poll(State(sim): State<Sim>, Path(id): Path<String>, asked: Asked) -> Outcome {
    sim.with(|world| {
        let found = id.parse().ok().and_then(|id: u64| world.requests.get(&id));
        let request = found.ok_or_else(|| refuse(404, "request not found", "connect.poll.404"))?;
        if asked.param("poll_token") != Some(&request.poll_token) {
            return Err(refuse(401, "unauthorized", "connect.poll.401"));
        }
        if !world.options.poll_status {
            return Ok(world.bare(request));
        }
        let (status, line) = world.state_of(request);
        let mut said = json!({"request_id": request.id, "status": status});
        match status {
            "approved" => said["exchange_code"] = json!(request.exchange_code),
            "pending" if world.options.expires_at => said["expires_at"] = json!(wire::time(request.expires)),
            _ => {}
        }
        Ok(Answer::ok(world.shaped(said), line))
    })
}

impl World {
    /// Refuses a request to somebody who is not there, or whose discovery is not open.
    fn discoverable(&self, handle: &str) -> Result<(), Refusal> {
        let person = self.accounts.get(handle).filter(|it| !it.agent);
        let person = person.ok_or_else(|| refuse(404, "handle not found", "connect.404_handle"))?;
        match person.discovery {
            Some(until) if until > self.now() => Ok(()),
            Some(_) => Err(refuse(403, "agent discovery has ended", "connect.403_window")),
            None => Err(refuse(403, "agent discovery is not enabled", "connect.403_discovery")),
        }
    }

    /// All that the document shows of a poll: the code, once there is one.
    fn bare(&self, request: &Request) -> Answer {
        let mut said = json!({"request_id": request.id});
        let Some(code) = &request.exchange_code else {
            return Answer::ok(self.shaped(said), "connect.poll.bare");
        };
        said["exchange_code"] = json!(code);
        Answer::ok(self.shaped(said), "connect.poll.bare_code")
    }

    fn state_of(&self, request: &Request) -> (&'static str, &'static str) {
        match request.status {
            Status::Approved => ("approved", "connect.poll.approved"),
            Status::Denied => ("denied", "connect.poll.denied"),
            Status::Pending if request.expires <= self.now() => ("expired", "connect.poll.expired"),
            Status::Pending => ("pending", "connect.poll.pending"),
        }
    }

    /// The newest request that waits for an answer.
    pub fn pending(&self) -> Option<&Request> {
        let now = self.now();
        self.requests.values().rfind(|it| it.status == Status::Pending && it.expires > now)
    }

    /// The person's answer to a request that waits for one; false where none does any more.
    pub(crate) fn decide(&mut self, request: u64, yes: bool) -> bool {
        let (now, code) = (self.now(), self.ids.secret("xc_"));
        let waits = |it: &&mut Request| it.status == Status::Pending && it.expires > now;
        let Some(request) = self.requests.get_mut(&request).filter(waits) else {
            return false;
        };
        request.status = if yes { Status::Approved } else { Status::Denied };
        request.exchange_code = yes.then_some(code);
        true
    }
}

/// `POST /agent_sessions/exchange`: the code works once.
pub(crate) async fn exchange(State(sim): State<Sim>, asked: Asked) -> Outcome {
    let body = asked.object()?;
    sim.with(|world| {
        let request = super::asked::id(&body, "request_id").and_then(|id| world.requests.get_mut(&id));
        let Some(request) = request else {
            return Err(refuse(401, "unauthorized", "exchange.401_code"));
        };
        if request.status != Status::Approved {
            return Err(refuse(401, "the request is not approved", "exchange.401_not_approved"));
        }
        match &request.exchange_code {
            None => return Err(refuse(401, "unauthorized", "exchange.401_used")),
            Some(code) if text(&body, "exchange_code") != Some(code) => {
                return Err(refuse(401, "unauthorized", "exchange.401_code"));
            }
            Some(_) => request.exchange_code = None,
        }
        let (owner, name, callback) = (request.owner.clone(), request.agent_name.clone(), request.callback_url.clone());
        let grant = world.make_grant(&owner, &name, callback);
        world.served(if world.options.expires_at { "exchange.expires_at" } else { "exchange.200" });
        Ok(Answer::ok(world.credentials(grant), "exchange.200"))
    })
}

/// `POST /agent_sessions/refresh`.
pub(crate) async fn refresh(State(sim): State<Sim>, asked: Asked) -> Outcome {
    let body = asked.object()?;
    let token = text(&body, "refresh_token").ok_or_else(|| refuse(401, "unauthorized", "refresh.401_missing"))?;
    sim.with(|world| {
        let (grant, rotated) = world.refresh(token, asked.header("x-auth-token"))?;
        let mut said = world.credentials(grant);
        if let Some(said) = said.as_object_mut() {
            said.remove("webhook_secret");
            if !rotated {
                said.remove("refresh_token");
            }
        }
        let mut answer = Answer::ok(said, if rotated { "refresh.200_rotated" } else { "refresh.200" });
        answer.noted.facts.grant = Some(grant);
        Ok(answer)
    })
}

impl World {
    /// What a fresh session is told; the newest tokens of a grant.
    fn credentials(&self, grant: GrantId) -> Value {
        let Some(grant) = self.grants.get(&grant) else {
            return Value::Null;
        };
        let access = grant.access.last();
        let mut said = json!({
            "access_token": access.map(|it| &it.token),
            "refresh_token": grant.refresh.token,
            "agent_handle": grant.handle,
            "webhook_secret": grant.webhook_secret,
        });
        if self.options.expires_at {
            said["expires_at"] = json!(access.map(|it| wire::time(it.expires)));
        }
        said
    }
}
