//! Who asks: an agent with its key, or whoever has a document's share token.

use super::{
    Sim,
    answer::{Outcome, Refusal, refuse},
    asked::Asked,
    record::{AgentId, DocumentId},
    world::World,
};
use crate::answer::noting;

impl Sim {
    /// Handles a request with an API key.
    pub(crate) fn as_agent(&self, asked: &Asked, handle: impl FnOnce(&mut World, &str) -> Outcome) -> Outcome {
        self.with(|world| {
            let agent = world.caller(asked)?;
            noting(handle(world, &agent), |facts| facts.agent = Some(agent))
        })
    }

    /// Handles a request whose share token is its credential.
    pub(crate) fn as_guest(&self, token: &str, handle: impl FnOnce(&mut World, &str) -> Outcome) -> Outcome {
        self.with(|world| {
            let document = world.shared(token)?;
            handle(world, &document)
        })
    }
}

impl World {
    pub(crate) fn caller(&self, asked: &Asked) -> Result<AgentId, Refusal> {
        let line = match asked.key().map(|key| self.keys.get(key)) {
            Some(Some(Some(agent))) => return Ok(agent.clone()),
            Some(Some(None)) => "auth.401_regenerated",
            Some(None) => "auth.401_unknown",
            None => "auth.401_missing",
        };
        Err(refuse(401, "Unauthorized", line))
    }

    /// The document behind a share token.
    pub(crate) fn shared(&self, token: &str) -> Result<DocumentId, Refusal> {
        let line = match self.shares.get(token) {
            Some(Some(document)) if self.document(document).is_some() => return Ok(document.clone()),
            Some(_) => "share.404_revoked",
            None => "share.404",
        };
        Err(refuse(404, "Not found", line))
    }

    /// The refusal of something that is another agent's, or nobody's (`owner`).
    pub(crate) fn not_yours(&self, owner: Option<&str>, unknown: &'static str) -> Refusal {
        match (owner, self.options.not_yours) {
            (Some(_), 403) => refuse(403, "Forbidden", "any.403_not_yours"),
            (Some(_), _) => refuse(404, "Not found", "any.404_not_yours"),
            (None, _) => refuse(404, "Not found", unknown),
        }
    }
}
