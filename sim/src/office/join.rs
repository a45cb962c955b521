//! `POST /api/agents/join`: redeems an invite code once, and tells the key once.

use axum::{body::Bytes, extract::State};
use serde_json::{Map, Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    options::{ChatStart, Naming},
    record::{OfficeId, OriginSource},
    wallet,
    world::World,
};

/// What a good body asks for.
struct Wanted {
    code: String,
    name: String,
    /// Whether the chat server would take the address and the key.
    wallet: bool,
    capabilities: Vec<String>,
}

/// A field's text; `None` when it is missing, blank or no text.
pub(crate) fn text<'b>(body: &'b Map<String, Value>, field: &str) -> Option<&'b str> {
    body.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

impl Wanted {
    fn of(body: &[u8]) -> Result<Self, Refusal> {
        let body: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| refuse(400, "invalid_json", "join.400_json"))?;
        let (Some(code), Some(name)) = (text(&body, "code"), text(&body, "agent_name")) else {
            return Err(refuse(400, "code and agent_name are required", "join.400_fields"));
        };
        let capabilities = body.get("capabilities").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            code: code.into(),
            name: name.trim().into(),
            wallet: text(&body, "xmtp_address").is_some_and(wallet::is_address)
                && text(&body, "public_key").is_some_and(wallet::is_public_key),
            capabilities: capabilities.filter_map(Value::as_str).map(Into::into).collect(),
        })
    }
}

/// The join.
pub(crate) async fn join(State(sim): State<Sim>, body: Bytes) -> Outcome {
    let wanted = Wanted::of(&body)?;
    sim.with(|world| {
        let office = world.redeemable(&wanted.code)?;
        world.may_fail(&wanted.code)?;
        Ok(world.admit(&office, &wanted))
    })
}

impl World {
    /// The office of a code that can still be redeemed by an agent.
    fn redeemable(&self, code: &str) -> Result<OfficeId, Refusal> {
        let Some(invite) = self.invites.get(code) else {
            return Err(refuse(400, "invalid_code", "join.400_code"));
        };
        if !invite.for_agents {
            return Err(refuse(400, "wrong_invite_type", "join.400_type"));
        }
        // A used code says so also later: that is what a lost reply needs to hear.
        if invite.used {
            return Err(refuse(410, "code_used", "join.410_used"));
        }
        if invite.expires <= self.now() {
            return Err(refuse(410, "code_expired", "join.410_expired"));
        }
        invite.office.clone().ok_or_else(|| refuse(400, "no_office", "join.400_office"))
    }

    fn spend(&mut self, code: &str) {
        if let Some(invite) = self.invites.get_mut(code) {
            invite.used = true;
        }
    }

    /// Fails after validation, where the script wants it to.
    fn may_fail(&mut self, code: &str) -> Result<(), Refusal> {
        let Some(left) = self.failing_joins.checked_sub(1) else {
            return Ok(());
        };
        self.failing_joins = left;
        if self.options.failed_join_spends {
            self.spend(code);
        }
        Err(refuse(500, "server_error", "join.500"))
    }

    fn admit(&mut self, office: &str, wanted: &Wanted) -> Answer {
        self.spend(&wanted.code);
        let name = self.free_name(office, &wanted.name);
        let registered = wanted.wallet && self.options.chat == ChatStart::AtJoin;
        let employee = self.hire(office, &name, Some(OriginSource::External), false);
        if let Some(row) = self.office_mut(office).and_then(|it| it.employees.last_mut()) {
            row.capabilities.clone_from(&wanted.capabilities);
        }
        let group = registered.then(|| self.register(office, &name));
        let key = self.ids.secret("");
        self.keys.insert(key.clone(), Some((office.into(), name.clone())));
        let body = json!({
            "employee_id": employee.id,
            "bot_id": employee.bot.map(|it| it.id),
            "office_id": office,
            "api_key": key,
            "agent_name": name,
            "xmtp": {"office_group_id": group, "registered": registered},
        });
        let chat = match (registered, wanted.wallet) {
            (true, _) => "join.200_registered",
            (false, true) => "join.200_unregistered",
            (false, false) => "join.200_wallet",
        };
        let renamed = (name != wanted.name).then_some("join.200_renamed");
        Answer::ok(body, "join.200").and([chat]).and(renamed)
    }

    fn free_name(&self, office: &str, asked: &str) -> String {
        let wish = match self.options.naming {
            Naming::AsAsked => asked.to_owned(),
            Naming::Suffixed => format!("{asked}-ext"),
        };
        let free = |name: &String| self.office(office).is_none_or(|it| it.employee(name).is_none());
        let mut numbered = (2_u64..).map(|n| format!("{wish}-{n}"));
        if free(&wish) { wish } else { numbered.find(free).unwrap_or_default() }
    }

    /// The chat knows somebody from now on; the canonical group's id.
    pub(crate) fn register(&mut self, office: &str, name: &str) -> String {
        let Some(office) = self.office_mut(office) else {
            return String::new();
        };
        office.employees.iter_mut().filter(|it| it.name == name).for_each(|it| it.chat = true);
        let group = office.group.clone();
        office.group_mut(&group).map(|it| it.members.insert(name.into()));
        group
    }
}
