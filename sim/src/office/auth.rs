//! Who asks: an agent with the key that its join gave it, in its own office.

use axum::http::{HeaderMap, header};

use super::{
    Sim,
    answer::{Answer, Refusal, refuse},
    log::Noted,
    record::{Employee, Office},
    world::World,
};

/// An agent in its office.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) office: String,
    pub(crate) name: String,
}

/// A success that can be noted.
pub(crate) trait Noting {
    fn noted(&mut self) -> &mut Noted;
}

impl Noting for Answer {
    fn noted(&mut self) -> &mut Noted {
        &mut self.noted
    }
}

impl<B> Noting for (B, Noted) {
    fn noted(&mut self) -> &mut Noted {
        &mut self.1
    }
}

impl Sim {
    /// Handles a request of an agent about an office; `kind` is what the log calls it.
    pub(crate) fn as_agent<T: Noting>(
        &self,
        headers: &HeaderMap,
        office: &str,
        kind: &'static str,
        handle: impl FnOnce(&mut World, &Caller) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let note = |noted: &mut Noted, who| (noted.facts.agent, noted.facts.kind) = (who, kind);
        self.with(|world| {
            let caller = world.caller(headers, office);
            let who = caller.as_ref().ok().map(|it| it.name.clone());
            match caller.and_then(|caller| handle(world, &caller)) {
                Ok(mut answer) => {
                    note(answer.noted(), who);
                    Ok(answer)
                }
                Err(mut refusal) => {
                    note(&mut refusal.noted, who);
                    Err(refusal)
                }
            }
        })
    }
}

impl World {
    fn caller(&self, headers: &HeaderMap, office: &str) -> Result<Caller, Refusal> {
        let value = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let key = value.and_then(|it| it.strip_prefix("Bearer ")).filter(|it| !it.is_empty());
        let line = match key.map(|key| self.keys.get(key)) {
            Some(Some(Some((own, name)))) => return self.in_office(office, own, name),
            Some(Some(None)) => "auth.401_revoked",
            Some(None) => "auth.401_unknown",
            None => "auth.401_missing",
        };
        Err(refuse(401, "unauthorized", line))
    }

    fn in_office(&self, office: &str, own: &str, name: &str) -> Result<Caller, Refusal> {
        match self.office(office) {
            None => Err(refuse(404, "office not found", "office.404")),
            Some(_) if office != own => Err(refuse(403, "forbidden", "office.403")),
            Some(_) => Ok(Caller { office: own.into(), name: name.into() }),
        }
    }

    /// The caller's office and its row there.
    pub(crate) fn desk(&self, caller: &Caller) -> Option<(&Office, &Employee)> {
        let office = self.office(&caller.office)?;
        Some((office, office.employee(&caller.name)?))
    }
}
