//! What the gate asks of this platform: its log's entries, and the lines that faults serve.

use axum::{http::HeaderMap, response::Response};

use super::{
    log::{Facts, Noted},
    options::Options,
    world::World,
};
use crate::{
    fault::Fault,
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
    const SECRETS: &'static [&'static str] = &["poll_token", "agent_access_token", "signature"];

    fn wall(&self) -> u64 {
        self.now()
    }

    fn arrives(&mut self, asked: &mut Asked, headers: &HeaderMap) -> Option<Response> {
        // A token that reaches the storage has leaked: its URL may point anywhere.
        let leaks = asked.route.starts_with("/storage/") && headers.contains_key("x-auth-token");
        self.leaks += u64::from(leaks);
        None
    }

    fn answered(&mut self, asked: &Asked, noted: &mut Noted, _status: u16, fault: Option<&Fault>) {
        noted.facts.idempotency_key.clone_from(&asked.key);
        noted.lines.extend(fault.and_then(|fault| line_of(fault, &asked.route)));
    }
}

/// The contract's line that a fault serves, where it plays something that was met.
fn line_of(fault: &Fault, route: &str) -> Option<&'static str> {
    match (fault, route) {
        (Fault::Status { status: 404 }, "/agent/me") => Some("me.404"),
        (Fault::Status { status: 429 } | Fault::TooMany { .. }, "/agent/me") => Some("me.429"),
        (Fault::TooMany { retry_after }, _) if retry_after.parse::<u64>().is_ok() => Some("any.429_seconds"),
        (Fault::TooMany { .. }, _) => Some("any.429_date"),
        _ => None,
    }
}
