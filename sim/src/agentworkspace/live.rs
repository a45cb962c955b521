//! `GET /collab/{slug}?token=`: a draft edited live, Yjs over the y-websocket protocol; and the person at the other end.

use axum::{
    extract::{Path, Query, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;

use super::{Sim, log::Noted, record::DocumentId, share::Claims, world::World};
use crate::{answer::with_note, armed::Turn, jwt, serve::Takeover, upgrade};
use fault::Place;
use line::Opening;
use state::Order;

mod fault;
mod line;
mod peer;
mod person;
mod room;
mod shape;
mod state;
mod wire;

pub use fault::LiveFault;
pub use peer::{Peer, View};
pub use person::Memory;
pub use shape::Shape;
pub use state::Line;
pub(crate) use state::Live;

/// How a server says no to a draft token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Denial {
    /// After the upgrade: the protocol's own message, then close 1008.
    #[default]
    Message,
    /// Instead of the upgrade: 401.
    Status,
}

#[derive(Deserialize)]
pub(super) struct Credential {
    #[serde(default)]
    token: String,
}

impl Sim {
    /// Strikes once: at its place, or at once where it has none to wait for.
    pub fn live_fault(&self, fault: LiveFault) {
        self.arm_live(Turn::next(fault));
    }

    /// Arms a fault; one without a place to wait for happens now on every open line, whatever its counts.
    pub fn arm_live(&self, turn: Turn<LiveFault>) {
        self.with(|world| match turn.fault.place() {
            Place::Now => world.live.order(None, &Order::Fault(turn.fault)),
            _ => world.live.turns.push(turn),
        });
    }

    /// Forgets every fault of live documents that waits.
    pub fn heal_live(&self) {
        self.with(|world| world.live.turns.clear());
    }
}

/// Answers a dial.
pub(super) async fn dial(
    State(sim): State<Sim>,
    Path(slug): Path<String>,
    Query(credential): Query<Credential>,
    request: Request,
) -> Response {
    let (mut head, _no_body) = request.into_parts();
    let upgraded = head.extensions.remove::<OnUpgrade>();
    let (Some(upgraded), Some(key)) = (upgraded, upgrade::key(&head.headers)) else {
        let response = (StatusCode::UPGRADE_REQUIRED, "Upgrade Required").into_response();
        return with_note(response, Noted::line("live.426"));
    };
    let verdict = match sim.with(|world| world.live.strike(Place::Dial)) {
        Some(LiveFault::Refuse { status }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            return with_note(status.into_response(), Noted::line("live.refused"));
        }
        Some(LiveFault::Deny { reason }) => Err((reason, "live.denied")),
        _ => sim.look(|world| world.admit(&slug, &credential.token)).map_err(|(reason, line)| (reason.into(), line)),
    };
    let line = verdict.as_ref().map_or_else(|(_, line)| *line, |_| "live.101");
    if verdict.is_err() && sim.look(|world| world.options.denial == Denial::Status) {
        return with_note(StatusCode::UNAUTHORIZED.into_response(), Noted::line("live.401"));
    }
    let opening = Opening { sim, verdict: verdict.map_err(|(reason, _)| reason) };
    let after = async move {
        // A caller that left before the upgrade has no line.
        if let Ok(io) = upgraded.await {
            opening.run(io).await;
        }
    };
    with_note(upgrade::switching(&key, None, Takeover::new(after)), Noted::line(line))
}

impl World {
    /// Into which document a draft token leads, and as whom; or why it does not, with the contract's line.
    fn admit(&self, slug: &str, token: &str) -> Result<(DocumentId, Claims), (&'static str, &'static str)> {
        let claims: Claims = jwt::verify(token, &self.key).ok_or(("invalid token", "live.denied_invalid"))?;
        if claims.exp * 1000 <= self.now() {
            return Err(("token expired", "live.denied_expired"));
        }
        let document = self.documents().find(|it| it.slug == slug && claims.slug == slug);
        let document = document.ok_or(("invalid token for this document", "live.denied_other"))?;
        Ok((document.id.clone(), claims))
    }
}
