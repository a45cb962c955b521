//! The simulated platform `paperclip`: the same family of invites, with an agent that can ask who it is.
//!
//! Written from the words of issue 6 (`/api/invites/{token}`, `claimSecret` and a claim path in the answer to an accept,
//! `joinRequestStatus` in the summary, `token` in the answer to a claim, four error texts) and from what Paperclip's
//! public source (`server/src/routes/access.ts`, MIT) shows of routes, bodies, statuses, texts and the order of checks.
//! No line of it is here.
//!
//! In contrast to `thinkwork`: an invite is accepted once and reserves no name, `requestType` must say `agent`,
//! capabilities are one text, an invite that was accepted is shown still and tells what became of its request, a wrong
//! secret is found out only after approval, and every refusal of a right secret is 409, also its expiry.
//!
//! Left out: everything that needs an operator's session, invites for people beyond their refusal, the repeated accept
//! of one gateway's adapter type, and skills. `choice` in `contract/paperclip.txt` marks what the source leaves to its
//! framework.
//!
//! Files: `routes` (handlers), `check` (validation), `wire` (shapes and texts).

use std::time::Duration;

use axum::{
    Router,
    routing::{get, post},
};

use crate::invites::{self, Dialect};

mod check;
mod routes;
mod wire;

pub use crate::invites::{
    Agent, AgentId, Armed, Call, Entry, Fault, Invite, InviteId, Invited, JoinRequest, Joins, Key, NewInvite,
    RequestId, Status,
};

/// One simulated platform; clones share it.
pub type Sim = invites::Sim<Paperclip>;
/// Its state.
pub type World = invites::World<Paperclip>;
/// Its switches.
pub type Options = invites::Options<Paperclip>;

/// The platform's own switches.
#[derive(Clone, Debug)]
pub struct Paperclip {
    /// The company's name.
    pub company: String,
}

impl Default for Paperclip {
    fn default() -> Self {
        Self { company: "Acme".into() }
    }
}

impl Dialect for Paperclip {
    const ORIGIN: &'static str = "http://paperclip.test";
    const INVITE_LIFETIME: Duration = Duration::from_hours(72);
    const CLAIM_LIFETIME: Duration = Duration::from_hours(7 * 24);
    const CLAIM: &'static str = "pcp_claim_";
    const KEY: &'static str = "pcp_";
    const ONE_USE: bool = true;
    const REJECTING_SPENDS: bool = false;

    fn routes(&self) -> Router<Sim> {
        Router::new()
            .route("/api/invites/{token}", get(routes::summary))
            .route("/api/invites/{token}/onboarding", get(routes::manifest))
            .route("/api/invites/{token}/onboarding.txt", get(routes::onboarding))
            .route("/api/invites/{token}/accept", post(routes::accept))
            .route("/api/join-requests/{id}/claim-api-key", post(routes::claim))
            .route("/api/agents/me", get(routes::myself))
            .fallback(routes::stray)
    }

    fn token(&self) -> (&'static str, usize) {
        ("pcp_invite_", 43)
    }
}
