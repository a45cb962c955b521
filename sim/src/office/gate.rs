//! What the gate asks of this platform: which view a read is of, its log's entries, its books.

use axum::{http::HeaderMap, response::Response};

use super::{
    log::{Facts, Noted},
    options::Options,
    views::View,
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
    const SECRETS: &'static [&'static str] = &["code", "api_key", "token"];

    fn wall(&self) -> u64 {
        self.now()
    }

    fn arrives(&mut self, asked: &mut Asked, _headers: &HeaderMap) -> Option<Response> {
        if let Some(view) = view(asked) {
            asked.route = format!("{}?view={}", asked.route, view.name());
        }
        None
    }

    fn answered(&mut self, asked: &Asked, noted: &mut Noted, _status: u16, _fault: Option<&Fault>) {
        // A fault in the handler's place leaves no note: the route says what it can.
        if noted.facts.kind.is_empty() {
            noted.facts.kind = kind(asked);
        }
        let at = self.now();
        self.books.request(at, noted.facts.kind);
    }
}

/// The view that a read of the chat asks for.
fn view(asked: &Asked) -> Option<View> {
    let chat = asked.method == "GET" && asked.route.starts_with("/api/offices/");
    let mut parts = asked.query.split('&').filter(|_| chat);
    parts.find_map(|part| View::of(part.strip_prefix("view=")?))
}

fn kind(asked: &Asked) -> &'static str {
    match asked.route.as_str() {
        "/api/agents/join" => "join",
        "/api/dashboard/stream" => "stream",
        _ => view(asked).map_or("other", View::name),
    }
}
