//! The simulated platform `thinkwork`: agent invites, their approval, and keys for which there is no work yet.
//!
//! Written from the platform's document (`thinkwork.agent-invites.txt`) and the field notes alone.
//!
//! Documented: links of the form `<origin>/invite/<token>`, 32 characters to a token, one use and 24 hours where the
//! operator says nothing else, adapter types HTTP, webhook and custom, requests that are `PENDING`, `APPROVED` or
//! `REJECTED`, a rejection that spends the invite, several requests where `max_uses` is more than one, an invite that is
//! expired once it is used up, one reserved name per invite, 401 on the next call with a revoked key, and `/internal/…`
//! for the operator alone.
//!
//! From the notes: the paths under `/api`, the bodies, `pending_approval`, `mf_claim_…`, `mf_key_…`, ten minutes, seven
//! days, and the errors of the claim with their order.
//!
//! Assumed, and marked `choice` in `contract/thinkwork.txt`: where the document's own forms have their routes (below
//! the link, and the claim with or without `/api`), the text of the onboarding, what refuses another name than the
//! reserved one, what other fields may hold, how tokens begin when observed, what `/internal` says to a stranger, and
//! that a front end answers every other `GET` with a page. Times in seconds or milliseconds and answers wrapped in bare
//! arrays are switches: nothing documents them, and they are met elsewhere.
//!
//! Files: `routes` (handlers), `wire` (shapes and texts).

use std::time::Duration;

use axum::{
    Router,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
    routing::{any, get, post},
};

use crate::invites::{self, Dialect, Facts, answer::refuse, asked::bearer};

mod routes;
mod wire;

pub use crate::invites::{
    Agent, AgentId, Armed, Call, Entry, Fault, Invite, InviteId, Invited, JoinRequest, Joins, Key, NewInvite,
    RequestId, Status,
};

/// One simulated platform; clones share it.
pub type Sim = invites::Sim<Thinkwork>;
/// Its state.
pub type World = invites::World<Thinkwork>;
/// Its switches.
pub type Options = invites::Options<Thinkwork>;

/// Whose forms a host has; it has no others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forms {
    /// The notes': `/api/invites/{token}`, `pending_approval`.
    #[default]
    Observed,
    /// The document's: `/invite/{token}`, `PENDING`.
    Documented,
}

/// How times are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// ISO 8601 with milliseconds, UTC.
    #[default]
    Iso,
    /// Seconds since 1970, as a number.
    Seconds,
    /// Milliseconds since 1970, as a number.
    Millis,
}

/// What an invite without a use left looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spent {
    /// It is shown still; accepting it is 409 (the notes).
    #[default]
    Told,
    /// It is marked expired: 404 (the document).
    Expired,
}

/// What a second claim of one key hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claimed {
    /// What a pending request hears.
    #[default]
    LooksPending,
    /// `Claim already used`, which the notes list last.
    Told,
}

/// The platform's own switches; [`Default`] is as the notes met it.
#[derive(Clone, Debug, Default)]
pub struct Thinkwork {
    /// Whose forms the host has.
    pub forms: Forms,
    /// How times are written.
    pub times: Times,
    /// Whether each answer that is no error stands in an array of its own: `[{…}]`.
    pub in_arrays: bool,
    /// What an invite without a use left looks like.
    pub spent: Spent,
    /// What a second claim hears.
    pub claimed: Claimed,
    /// Whether an agent of another name than the reserved one may come.
    pub any_name: bool,
}

impl Options {
    /// The document's forms throughout, with its 24 hours.
    pub fn documented() -> Self {
        let dialect = Thinkwork { forms: Forms::Documented, spent: Spent::Expired, ..Thinkwork::default() };
        Self { dialect, invite_lifetime: Duration::from_hours(24), ..Self::default() }
    }
}

impl Dialect for Thinkwork {
    const ORIGIN: &'static str = "http://thinkwork.test";
    const INVITE_LIFETIME: Duration = Duration::from_mins(10);
    const CLAIM_LIFETIME: Duration = Duration::from_hours(7 * 24);
    const CLAIM: &'static str = "mf_claim_";
    const KEY: &'static str = "mf_key_";
    const ONE_USE: bool = false;
    const REJECTING_SPENDS: bool = true;

    fn routes(&self) -> Router<Sim> {
        let routes = match self.forms {
            Forms::Observed => Router::new()
                .route("/api/invites/{token}", get(routes::summary))
                .route("/api/invites/{token}/onboarding.txt", get(routes::onboarding))
                .route("/api/invites/{token}/accept", post(routes::accept)),
            Forms::Documented => Router::new()
                .route("/invite/{token}", get(routes::summary))
                .route("/invite/{token}/onboarding.txt", get(routes::onboarding))
                .route("/invite/{token}/accept", post(routes::accept))
                .route("/join-requests/{id}/claim-api-key", post(routes::claim)),
        };
        routes
            .route("/api/join-requests/{id}/claim-api-key", post(routes::claim))
            .route("/internal/{*rest}", any(routes::internal))
            .fallback(routes::stray)
    }

    fn token(&self) -> (&'static str, usize) {
        match self.forms {
            Forms::Observed => ("mf_invite_", 32),
            Forms::Documented => ("", 32),
        }
    }

    fn turns_away(world: &World, headers: &HeaderMap) -> Option<Response> {
        let key = bearer(headers)?;
        // There is no route that needs a key: the document's 401 comes on any call that shows one.
        world.holder(key).is_none().then(|| refuse::<Facts>(401, "Unauthorized", "key.401").into_response())
    }
}
