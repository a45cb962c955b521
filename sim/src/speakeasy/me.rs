//! What a grant is, and whom it sees.

use axum::extract::State;
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, refuse},
    asked::{Asked, text},
    record::GrantId,
    world::World,
};

/// `GET /agent/me`.
pub(crate) async fn show(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| Ok(Answer::ok(world.introspection(grant), "me.200")))
}

/// `PATCH /agent/me`: the visible name, and nothing else.
pub(crate) async fn rename(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        world.needs(grant, "profile_update")?;
        let body = asked.object()?;
        let name = text(&body, "display_name");
        let name = name.ok_or_else(|| refuse(400, "display_name can't be blank", "me.patch.400_blank"))?;
        let handle = world.agent(grant);
        if let Some(account) = world.accounts.get_mut(&handle) {
            name.clone_into(&mut account.name);
        }
        Ok(Answer::ok(world.introspection(grant), "me.patch.200"))
    })
}

/// `GET /agent/people`.
pub(crate) async fn people(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        let seen = world.accounts.values().filter(|it| world.sees(grant, &it.handle));
        let people: Vec<Value> =
            seen.map(|it| json!({"account_id": it.id, "handle": it.handle, "name": it.name})).collect();
        Ok(Answer::ok(json!({"people": people}), "people.200"))
    })
}

impl World {
    fn introspection(&self, grant: GrantId) -> Value {
        let Some(grant) = self.grants.get(&grant) else {
            return Value::Null;
        };
        json!({
            "agent_grant_id": grant.id,
            "agent_account_id": grant.account,
            "agent_handle": grant.handle,
            "display_name": self.accounts.get(&grant.handle).map(|it| &it.name),
            "owner_account_id": self.accounts.get(&grant.owner).map(|it| it.id),
            "owner_handle": grant.owner,
            "capabilities": grant.capabilities,
        })
    }
}
