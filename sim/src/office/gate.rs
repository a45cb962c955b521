//! What the gate asks of this platform: which view a read is of, its log's entries, its books.

use axum::{http::HeaderMap, response::Response};

use super::{
    log::{Entry, Noted},
    options::Options,
    views::View,
    world::World,
};
use crate::{
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

    fn entry(&mut self, passed: Passed<'_, Noted>) -> Entry {
        let faults = passed.faults();
        let Passed { asked, noted, status, .. } = passed;
        for line in &noted.lines {
            self.served(line);
        }
        let at = self.now();
        // A fault in the handler's place leaves no note: the route says what it can.
        let kind = noted.kind.unwrap_or_else(|| kind(&asked));
        self.books.request(at, kind);
        Entry {
            n: self.ledger.next(),
            at,
            method: asked.method,
            path: asked.path,
            query: asked.query,
            route: asked.route,
            kind,
            agent: noted.who,
            status,
            error: noted.error,
            text: noted.text,
            message_id: noted.message_id,
            faults,
            lines: noted.lines,
        }
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
