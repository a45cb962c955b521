//! Who asks: `X-AUTH-TOKEN` with a live access token of a grant that stands. 401 is the token, 403 is the permission.

use super::{
    Sim,
    answer::{Outcome, Refusal, refuse},
    asked::Asked,
    record::{GrantId, Topic},
    wire,
    world::World,
};
use crate::answer::noting;

impl Sim {
    /// Handles a request of an agent.
    pub(crate) fn as_agent(&self, asked: &Asked, handle: impl FnOnce(&mut World, GrantId) -> Outcome) -> Outcome {
        self.with(|world| {
            let grant = world.caller(asked)?;
            world.answer_to(grant, handle)
        })
    }
}

impl World {
    /// Runs a handler for a grant; its answer is logged as that grant's.
    pub(crate) fn answer_to(&mut self, grant: GrantId, handle: impl FnOnce(&mut Self, GrantId) -> Outcome) -> Outcome {
        let mut outcome = handle(self, grant);
        if let Ok(answer) = &mut outcome
            && self.options.ids_as_strings
        {
            answer.body = answer.body.take().map(wire::strings);
            self.served("ids.strings");
        }
        noting(outcome, |facts| facts.grant = Some(grant))
    }

    /// The grant behind a request's `X-AUTH-TOKEN`.
    pub(crate) fn caller(&self, asked: &Asked) -> Result<GrantId, Refusal> {
        let Some(token) = asked.header("x-auth-token") else {
            return Err(refuse(401, "unauthorized", "auth.401_missing"));
        };
        self.grant_by_access_token(token).ok_or_else(|| {
            let mut holders = self.grants.values().filter(|it| it.access.iter().any(|it| it.token == token));
            let line = match holders.next() {
                Some(grant) if grant.revoked => "auth.401_revoked",
                Some(_) => "auth.401_expired",
                None => "auth.401_unknown",
            };
            refuse(401, "unauthorized", line)
        })
    }

    /// Refuses where a grant lacks a capability.
    pub(crate) fn needs(&self, grant: GrantId, capability: &str) -> Result<(), Refusal> {
        let refusal = || refuse(403, format!("the grant lacks {capability}"), "auth.403_capability");
        if self.may(grant, capability) { Ok(()) } else { Err(refusal()) }
    }

    /// The handle of a grant's agent.
    pub(crate) fn agent(&self, grant: GrantId) -> String {
        self.grants.get(&grant).map_or_else(String::new, |it| it.handle.clone())
    }

    /// The topic in a path, where the grant's agent is in it: 404 for what is none, 403 for what is not its own.
    pub(crate) fn enter(&self, grant: GrantId, topic: &str) -> Result<&Topic, Refusal> {
        let found = topic.parse().ok().and_then(|id| self.topics.get(&id));
        let topic = found.ok_or_else(|| refuse(404, "topic not found", "topics.404"))?;
        if topic.has(&self.agent(grant)) { Ok(topic) } else { Err(refuse(403, "forbidden", "topics.403_not_in_it")) }
    }

    /// Whether a grant may see a person: its owner, whoever is listed, whoever shares a topic with its agent.
    pub(crate) fn sees(&self, grant: GrantId, handle: &str) -> bool {
        let (Some(grant), Some(account)) = (self.grants.get(&grant), self.accounts.get(handle)) else {
            return false;
        };
        let shares = || self.topics.values().any(|topic| topic.has(&grant.handle) && topic.has(handle));
        account.handle != grant.handle && (grant.owner == handle || (account.listed && !account.agent) || shares())
    }
}
