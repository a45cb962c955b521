//! What the gate asks of this platform: credentials out of paths, and its log's entries.

use axum::{http::HeaderMap, response::Response};

use super::{log::Facts, options::Options, world::World};
use crate::{
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

    fn arrives(&mut self, asked: &mut Asked, _headers: &HeaderMap) -> Option<Response> {
        asked.path = redacted(&asked.path, &asked.route);
        None
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
