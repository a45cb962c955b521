//! What the gate asks of this platform: the relay before it, its log's entries, and the lines that faults serve.

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};

use super::{
    log::{Facts, Noted},
    options::Options,
    world::World,
};
use crate::{
    fault::{Fault, effect},
    gate::{Asked, Gated},
    log::Ledger,
    platform::{Platform, Switched},
};

impl Platform for World {
    type Facts = Facts;

    fn ledger(&self) -> &Ledger<Facts> {
        &self.ledger
    }

    fn ledger_mut(&mut self) -> &mut Ledger<Facts> {
        &mut self.ledger
    }
}

impl Switched for World {
    type Options = Options;

    fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }
}

impl Gated for World {
    const SECRETS: &'static [&'static str] = &["token"];

    fn wall(&self) -> u64 {
        self.now()
    }

    fn arrives(&mut self, _asked: &mut Asked, _headers: &HeaderMap) -> Option<Response> {
        self.offline.then(|| relay_says(502))
    }

    fn instead(fault: &Fault) -> Option<Response> {
        match fault {
            Fault::Status { status: status @ (502 | 504) } => Some(relay_says(*status)),
            _ => effect::instead(fault),
        }
    }

    fn answered(&mut self, _asked: &Asked, _noted: &mut Noted, status: u16, fault: Option<&Fault>) {
        match (fault, status) {
            (Some(Fault::StoredThen500), _) => self.mark("messages.post.500_stored"),
            (_, 502) => self.mark("relay.502"),
            (_, 504) => self.mark("relay.504"),
            _ => {}
        }
    }
}

/// What a relay says for an instance that is away (502) or slow (504).
pub(crate) fn relay_says(status: u16) -> Response {
    let text = if status == 502 { "instance offline" } else { "instance did not answer in time" };
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (code, text).into_response()
}
