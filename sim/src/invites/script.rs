//! What a test has the operator do: invite, approve, reject, revoke; and what time does.

use std::time::Duration;

use super::{
    Call, Dialect, Options, Sim,
    record::{Agent, Invite, JoinRequest, NewInvite, RequestId, Status},
};

/// What an operator hands to a runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The invite's id.
    pub id: String,
    /// The credential.
    pub token: String,
    /// `https://…/invite/<token>`.
    pub link: String,
}

impl<D: Dialect> Sim<D> {
    /// The origin that links show from now on.
    pub fn set_url(&self, url: &str) {
        self.with(|world| world.options.url = url.trim_end_matches('/').into());
    }

    /// A fresh invite for an agent of this name, once.
    pub fn invite(&self, agent: &str) -> Invited {
        self.invite_with(&NewInvite::named(agent))
    }

    /// A fresh invite.
    pub fn invite_with(&self, wanted: &NewInvite) -> Invited {
        self.with(|world| {
            let (prefix, digits) = world.options.dialect.token();
            let now = world.now();
            let invite = Invite {
                id: world.ids.uuid(),
                token: world.ids.hex(prefix, digits),
                agent_name: wanted.agent_name.clone(),
                adapter_type: wanted.adapter_type.clone(),
                max_uses: if D::ONE_USE { 1 } else { wanted.max_uses },
                uses: 0,
                created: now,
                expires: now.saturating_add(wanted.lifetime(world.options.invite_lifetime)),
                withdrawn: false,
                joins: wanted.joins,
                message: wanted.message.clone(),
            };
            let link = format!("{}/invite/{}", world.options.url, invite.token);
            let invited = Invited { id: invite.id.clone(), token: invite.token.clone(), link };
            world.invites.push(invite);
            invited
        })
    }

    /// The operator takes an invite back; false when there is none.
    pub fn withdraw(&self, token: &str) -> bool {
        self.invite_of(token, |invite, _| invite.withdrawn = true)
    }

    /// Makes an invite expire now; false when there is none.
    pub fn expire(&self, token: &str) -> bool {
        self.invite_of(token, |invite, now| invite.expires = now)
    }

    /// Somebody approves a request that waits: its agent is in the roster from now on.
    pub fn approve(&self, request: &str) -> bool {
        self.with(|world| {
            let (now, id) = (world.now(), world.ids.uuid());
            let Some(request) = waiting(&mut world.requests, request) else { return false };
            (request.status, request.decided, request.agent) = (Status::Approved, Some(now), Some(id.clone()));
            let (name, adapter_type) = (request.agent_name.clone(), request.adapter_type.clone());
            world.agents.push(Agent { id, name, adapter_type, created: now });
            true
        })
    }

    /// Somebody approves a request that waits, and no agent comes of it.
    pub fn approve_without_agent(&self, request: &str) -> bool {
        self.decide(request, Status::Approved)
    }

    /// Somebody rejects a request that waits; where the platform says so, its invite is spent.
    pub fn reject(&self, request: &str) -> bool {
        let rejected = self.decide(request, Status::Rejected);
        if rejected && D::REJECTING_SPENDS {
            self.with(|world| {
                let of = world.request(request).map(|it| it.invite.clone());
                let invite = world.invites.iter_mut().find(|it| Some(&it.id) == of.as_ref());
                invite.map(|it| it.uses = it.uses.max(it.max_uses))
            });
        }
        rejected
    }

    fn decide(&self, request: &str, status: Status) -> bool {
        self.with(|world| {
            let now = world.now();
            let found = waiting(&mut world.requests, request);
            found.map(|it| (it.status, it.decided) = (status, Some(now))).is_some()
        })
    }

    /// Makes a request's claim secret expire now; false when there is no such request.
    pub fn expire_claim(&self, request: &str) -> bool {
        self.with(|world| {
            let now = world.now();
            let found = world.requests.iter_mut().find(|it| it.id == request);
            found.map(|it| it.secret_expires = now).is_some()
        })
    }

    /// The operator deletes a request.
    pub fn forget(&self, request: &str) -> bool {
        self.with(|world| {
            let before = world.requests.len();
            world.requests.retain(|it| it.id != request);
            world.requests.len() < before
        })
    }

    /// The operator makes a key for a request's agent by hand; `None` without an agent.
    pub fn make_key(&self, request: &str) -> Option<String> {
        self.with(|world| {
            let agent = world.request(request)?.agent.clone()?;
            Some(world.key(&agent).text)
        })
    }

    /// The operator revokes every key of a request's agent; false when it has none that works.
    pub fn revoke(&self, request: &str) -> bool {
        self.with(|world| {
            let Some(agent) = world.request(request).and_then(|it| it.agent.clone()) else { return false };
            let working = world.keys.iter_mut().filter(|it| it.agent == agent && !it.revoked);
            working.map(|it| it.revoked = true).count() > 0
        })
    }

    /// The newest request that waits for somebody's decision.
    pub fn waiting(&self) -> Option<RequestId> {
        self.look(|world| world.pending().last().map(|it| it.id.clone()))
    }

    /// The newest key of a request's agent, as a test compares it with what the bridge keeps.
    pub fn key(&self, request: &str) -> Option<String> {
        self.look(|world| {
            let agent = world.request(request)?.agent.as_ref()?;
            world.keys.iter().rfind(|it| it.agent == *agent).map(|it| it.text.clone())
        })
    }

    /// A request's claim secret, likewise.
    pub fn claim_secret(&self, request: &str) -> Option<String> {
        self.look(|world| world.request(request).map(|it| it.secret.clone()))
    }

    /// How many requests of a kind arrived, whatever became of them.
    pub fn calls(&self, call: Call) -> usize {
        self.look(|world| world.calls(call))
    }

    /// The most requests of a kind in any stretch of this length.
    pub fn busiest(&self, call: Call, stretch: Duration) -> usize {
        self.look(|world| world.busiest(call, stretch))
    }

    /// Disarms every fault of requests.
    pub fn clear_faults(&self) {
        self.with(|world| world.ledger.faults.clear());
    }

    /// Changes switches in mid-run; routes stay what they were when the router was made.
    pub fn reconfigure(&self, change: impl FnOnce(&mut Options<D>)) {
        self.with(|world| change(&mut world.options));
    }

    fn invite_of(&self, token: &str, change: impl FnOnce(&mut Invite, u64)) -> bool {
        self.with(|world| {
            let now = world.now();
            world.invites.iter_mut().find(|it| it.token == token).map(|it| change(it, now)).is_some()
        })
    }
}

fn waiting<'r>(requests: &'r mut [JoinRequest], id: &str) -> Option<&'r mut JoinRequest> {
    requests.iter_mut().find(|it| it.id == id && it.status == Status::Pending)
}
