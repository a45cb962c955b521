//! `GET /cable`: who may open a line, in which subprotocol, and the script's hand in it.

use axum::{
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;

use super::Sim;
use crate::{armed::Turn, serve::Takeover, upgrade};
use fault::Place;
use line::Opening;

mod fault;
mod frame;
mod line;
mod mangle;
mod state;
mod subscribe;

pub use fault::CableFault;
pub use frame::Reason;
pub(crate) use state::Cables;
pub use state::{Cable, Subscription};

impl Sim {
    /// Strikes once: at its place, or at once where it has none to wait for.
    pub fn cable_fault(&self, fault: CableFault) {
        self.arm_cable(Turn::next(fault));
    }

    /// Arms a fault; one without a place to wait for happens now, whatever its counts.
    pub fn arm_cable(&self, turn: Turn<CableFault>) {
        self.with(|world| {
            let cables = &mut world.push.cables;
            if turn.fault.place() == Place::Now { cables.order_all(&turn.fault) } else { cables.turns.push(turn) }
        });
    }

    /// Forgets every fault of the cable that waits.
    pub fn heal_cable(&self) {
        self.with(|world| world.push.cables.turns.clear());
    }

    /// Every line that was opened, with what it was sent; oldest first.
    pub fn cables(&self) -> Vec<Cable> {
        self.look(|world| world.cables().cloned().collect())
    }
}

#[derive(Deserialize)]
pub(super) struct Credential {
    #[serde(default)]
    agent_access_token: String,
}

/// Answers a dial: 101 whoever asks, because ActionCable says no only after the upgrade.
pub(super) async fn dial(State(sim): State<Sim>, Query(credential): Query<Credential>, request: Request) -> Response {
    let (mut head, _no_body) = request.into_parts();
    let upgraded = head.extensions.remove::<OnUpgrade>();
    let (Some(upgraded), Some(key)) = (upgraded, upgrade::key(&head.headers)) else {
        sim.with(|world| world.served("cable.404_not_websocket"));
        return (StatusCode::NOT_FOUND, "Page not found").into_response();
    };
    let struck = sim.with(|world| {
        world.push.cables.dials += 1;
        world.push.cables.strike(Place::Dial)
    });
    let subprotocol = match &struck {
        Some(CableFault::Refuse { status }) => return refusal(&sim, *status),
        Some(CableFault::Subprotocol { chosen }) => chosen.clone(),
        _ => offered(&sim, &head.headers),
    };
    let opening = Opening { sim, token: credential.agent_access_token, struck };
    let after = async move {
        // A caller that left before the upgrade has no line.
        if let Ok(io) = upgraded.await {
            opening.run(io).await;
        }
    };
    upgrade::switching(&key, subprotocol.as_deref(), Takeover::new(after))
}

fn refusal(sim: &Sim, status: u16) -> Response {
    sim.with(|world| world.served("cable.refused"));
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// The subprotocol of the answer: of those offered, the one that the server likes best; else none.
fn offered(sim: &Sim, headers: &HeaderMap) -> Option<String> {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|it| it.to_str().ok());
    let offer = offers.collect::<Vec<_>>().join(",");
    let chosen = frame::choose(&offer);
    let line = match chosen {
        Some("actioncable-v1-json") => "cable.subprotocol.v1_json",
        Some(_) => "cable.subprotocol.unsupported",
        None => "cable.subprotocol.none",
    };
    sim.with(|world| world.served(line));
    chosen.map(Into::into)
}
