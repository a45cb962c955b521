//! What the gate asks of this platform: credentials out of paths, and its log's entries.

use axum::{http::HeaderMap, response::Response};

use super::{
    log::{Entry, Noted},
    options::Options,
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

    const SECRETS: &'static [&'static str] = &["token"];

    fn wall(&self) -> u64 {
        self.now()
    }

    fn arrives(&mut self, asked: &mut Asked, _headers: &HeaderMap) -> Option<Response> {
        asked.path = redacted(&asked.path, &asked.route);
        None
    }

    fn entry(&mut self, passed: Passed<'_, Noted>) -> Entry {
        let faults = passed.faults();
        let Passed { asked, noted, status, .. } = passed;
        for line in noted.lines {
            self.served(line);
        }
        Entry {
            n: self.ledger.next(),
            at: self.now(),
            method: asked.method,
            path: asked.path,
            query: asked.query,
            route: asked.route,
            agent: noted.agent,
            status,
            error: noted.error,
            faults,
        }
    }
}

/// A path with `…` where its route has `{token}`.
fn redacted(path: &str, route: &str) -> String {
    let mut template = route.split('/');
    let parts = path.split('/').map(|part| match template.next() {
        Some("{token}") => "…",
        _ => part,
    });
    parts.collect::<Vec<_>>().join("/")
}
