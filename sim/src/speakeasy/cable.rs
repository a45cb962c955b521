//! `GET /cable`: who may open a line, in which subprotocol, and the script's hand in it.

use axum::{
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Sim, armed::Turn};
use crate::serve::Takeover;
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
    let upgrade = head.extensions.remove::<OnUpgrade>();
    let (Some(upgrade), Some(key)) = (upgrade, websocket_key(&head.headers)) else {
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
        if let Ok(io) = upgrade.await {
            opening.run(io).await;
        }
    };
    switching(&key, subprotocol, Takeover::new(after))
}

fn refusal(sim: &Sim, status: u16) -> Response {
    sim.with(|world| world.served("cable.refused"));
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// The key of a websocket's handshake (RFC 6455, 4.2.1), when it is one.
fn websocket_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let says = |name: HeaderName, word: &str| {
        let mut values = headers.get_all(name).iter().filter_map(|it| it.to_str().ok());
        values.any(|it| it.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
    };
    let websocket = says(header::UPGRADE, "websocket") && says(header::CONNECTION, "upgrade");
    let version = says(header::SEC_WEBSOCKET_VERSION, "13");
    (websocket && version).then(|| headers.get(header::SEC_WEBSOCKET_KEY).cloned()).flatten()
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

fn switching(key: &HeaderValue, subprotocol: Option<String>, takeover: Takeover) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    let chosen = subprotocol.and_then(|it| HeaderValue::from_str(&it).ok());
    for (name, value) in [(header::SEC_WEBSOCKET_ACCEPT, accept.ok()), (header::SEC_WEBSOCKET_PROTOCOL, chosen)] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    response.extensions_mut().insert(takeover);
    response
}
