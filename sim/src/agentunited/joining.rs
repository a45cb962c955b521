//! Invites, accepting them in both dialects, login, and keys that last.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    extract::{Path, Query, State},
    http::HeaderMap,
};
use serde_json::{Map, Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, missing, refuse},
    options::Accept,
    wire,
    world::{Kind, World},
};
use crate::ids::well_formed;

/// The document: "minimum 12 characters".
const PASSWORD: usize = 12;

/// A body's JSON object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body).map_err(|_| refuse(400, "invalid request body", "body.400"))
}

/// A field's text; `None` when it is missing, empty or no text.
pub(crate) fn text<'b>(body: &'b Map<String, Value>, field: &str) -> Option<&'b str> {
    body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// `GET /invite?token=`: tells the e-mail, and spends nothing.
pub(crate) async fn validate(State(sim): State<Sim>, Query(query): Query<HashMap<String, String>>) -> Outcome {
    let token = query.get("token").map_or("", String::as_str);
    sim.with(|world| {
        let invite = world.usable(token, ["invite.404_unknown", "invite.404_expired"])?;
        if invite.2 {
            return Err(refuse(404, "invite has already been used", "invite.404_used"));
        }
        world.mark("invite.200");
        Ok(Answer::plain(200, json!({"email": invite.0, "status": "pending", "expires_at": wire::time(invite.1)})))
    })
}

impl World {
    /// E-mail, expiry and whether it is used, of an invite that exists and has not expired.
    fn usable(&mut self, token: &str, [unknown, expired]: [&'static str; 2]) -> Result<(String, u64, bool), Refusal> {
        let now = self.now();
        let Some(invite) = self.invites.get(token) else {
            return Err(refuse(404, "invite not found", unknown));
        };
        // A used invite says so also later: that is what a lost reply needs to hear.
        if !invite.used && invite.expires <= now {
            return Err(refuse(404, "invite has expired", expired));
        }
        Ok((invite.email.clone(), invite.expires, invite.used))
    }
}

/// What a good accept asks for.
struct Wanted {
    token: String,
    name: Option<String>,
    password: Option<String>,
}

/// `POST /invite/accept`: checks everything before it spends the invite.
pub(crate) async fn accept(State(sim): State<Sim>, body: Bytes) -> Outcome {
    let body = object(&body)?;
    sim.with(|world| {
        let wanted = match world.options.accept {
            Accept::Password => by_password(&body)?,
            Accept::Central => by_central(world, &body)?,
        };
        let lines = ["accept.404_unknown", "accept.404_expired"];
        let (email, _, used) = world.usable(&wanted.token, lines)?;
        if used {
            return Err(refuse(409, "invite has already been used", "accept.409_used"));
        }
        Ok(world.admit(&email, wanted))
    })
}

fn by_password(body: &Map<String, Value>) -> Result<Wanted, Refusal> {
    let need = |field, name| {
        text(body, field).ok_or_else(|| missing("AcceptInviteRequest", name, "accept.password.400_missing"))
    };
    let (token, password) = (need("token", "Token")?, need("password", "Password")?);
    let name = need("display_name", "DisplayName")?;
    if password.chars().count() < PASSWORD {
        let text = "password must be at least 12 characters";
        return Err(refuse(400, text, "accept.400_short"));
    }
    Ok(Wanted { token: token.into(), name: Some(name.into()), password: Some(password.into()) })
}

fn by_central(world: &World, body: &Map<String, Value>) -> Result<Wanted, Refusal> {
    let need = |field, name| {
        text(body, field).ok_or_else(|| missing("AcceptInviteRequest", name, "accept.central.400_missing"))
    };
    let (token, central) = (need("invite_token", "InviteToken")?, need("central_jwt", "CentralJWT")?);
    if !world.central.contains(central) {
        return Err(refuse(401, "invalid central token", "accept.central.401"));
    }
    let name = text(body, "display_name").map(Into::into);
    Ok(Wanted { token: token.into(), name, password: None })
}

impl World {
    /// Spends the invite and makes the member, its rooms and its DM.
    fn admit(&mut self, email: &str, wanted: Wanted) -> Answer {
        if let Some(invite) = self.invites.get_mut(&wanted.token) {
            invite.used = true;
        }
        let name = wanted.name.unwrap_or_else(|| email.split('@').next().unwrap_or("agent").into());
        let id = self.account(&name, email, Kind::Member);
        if let Some(account) = self.accounts.get_mut(&id) {
            account.password = wanted.password;
        }
        for room in self.rooms.values_mut().filter(|room| !room.dm) {
            room.members.insert(id.clone());
        }
        let mut body = json!({"jwt_token": self.token(&id), "message": "invite accepted successfully"});
        // The DM exists in any case; only whether it is told differs.
        let dm = self.direct(&self.primary.clone(), &id);
        if self.options.dm_channel_id {
            body["dm_channel_id"] = json!(dm);
        }
        let told = self.options.dm_channel_id;
        self.mark(if told { "accept.dm_channel_id" } else { "accept.no_dm_channel_id" });
        self.mark(match self.options.accept {
            Accept::Password => "accept.password.200",
            Accept::Central => "accept.central.200",
        });
        Answer::plain(200, body)
    }
}

/// `POST /auth/login`: the e-mail counts to the letter.
pub(crate) async fn login(State(sim): State<Sim>, body: Bytes) -> Outcome {
    let body = object(&body)?;
    let need = |field, name| text(&body, field).ok_or_else(|| missing("LoginRequest", name, "body.400"));
    let (email, password) = (need("email", "Email")?, need("password", "Password")?);
    sim.with(|world| {
        let found = world.accounts.values().find(|it| it.email == email && it.kind == Kind::Member);
        match found.map(|it| (it.id.clone(), it.password.as_deref() == Some(password))) {
            Some((id, true)) => {
                world.mark("login.200");
                Ok(Answer::plain(200, json!({"token": world.token(&id)})))
            }
            Some((_, false)) if world.options.accept == Accept::Central => {
                Err(refuse(401, "invalid credentials", "login.401_central"))
            }
            _ => Err(refuse(401, "invalid credentials", "login.401")),
        }
    })
}

/// `POST /agents`: a member makes an agent of its own.
pub(crate) async fn make_agent(State(sim): State<Sim>, headers: HeaderMap, body: Bytes) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        let body = object(&body)?;
        let name = text(&body, "name").ok_or_else(|| missing("CreateAgentRequest", "Name", "body.400"))?;
        let shown = text(&body, "display_name").unwrap_or(name);
        let id = world.account(shown, "", Kind::Agent);
        if let Some(account) = world.accounts.get_mut(&id) {
            account.owner = Some(me.into());
        }
        world.mark("agents.201");
        Ok(Answer::plain(201, json!({"id": id, "name": name, "display_name": shown})))
    })
}

/// `POST /agents/{id}/keys`: a key that does not expire and posts as that agent.
pub(crate) async fn make_key(
    State(sim): State<Sim>,
    Path(agent): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Outcome {
    sim.signed_in(&headers, |world, me| {
        if !well_formed(&agent) {
            return Err(refuse(500, "internal server error", "malformed.500"));
        }
        let body = object(&body)?;
        text(&body, "name").ok_or_else(|| missing("CreateKeyRequest", "Name", "body.400"))?;
        let mine = world.accounts.get(&agent).is_some_and(|it| it.owner.as_deref() == Some(me));
        if !mine {
            return Err(refuse(403, "forbidden", "agents.403"));
        }
        let key = world.ids.secret("au_");
        world.keys.insert(key.clone(), agent.clone());
        world.mark("keys.201");
        Ok(Answer::plain(201, json!({"plaintext_key": key})))
    })
}
