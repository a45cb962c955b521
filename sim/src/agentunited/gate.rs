//! What the gate asks of this platform: the relay before it, its log's entries, and the lines that faults serve.

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};

use super::{
    log::{Entry, Noted},
    options::Options,
    world::World,
};
use crate::{
    fault::{Fault, effect},
    gate::{Asked, Gated, Passed},
    log::Ledger,
    platform::{Platform, Switched},
};

impl Platform for World {
    type Entry = Entry;

    fn ledger(&self) -> &Ledger<Entry> {
        &self.ledger
    }

    fn ledger_mut(&mut self) -> &mut Ledger<Entry> {
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
    type Noted = Noted;

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

    fn entry(&mut self, passed: Passed<'_, Noted>) -> Entry {
        let faults = passed.faults();
        let Passed { asked, noted, status, fault } = passed;
        if let Some(line) = noted.line {
            self.mark(line);
        }
        mark_faults(self, status, fault);
        Entry {
            n: self.ledger.next(),
            at: self.now(),
            method: asked.method,
            path: asked.path,
            query: asked.query,
            route: asked.route,
            authenticated_as: noted.who,
            status,
            error: noted.error,
            text: noted.text,
            message_id: noted.message_id,
            faults,
            crash: noted.crash,
        }
    }
}

/// What a relay says for an instance that is away (502) or slow (504).
pub(crate) fn relay_says(status: u16) -> Response {
    let text = if status == 502 { "instance offline" } else { "instance did not answer in time" };
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (code, text).into_response()
}

fn mark_faults(world: &mut World, status: u16, fault: Option<&Fault>) {
    match (fault, status) {
        (Some(Fault::StoredThen500), _) => world.mark("messages.post.500_stored"),
        (_, 502) => world.mark("relay.502"),
        (_, 504) => world.mark("relay.504"),
        _ => {}
    }
}
