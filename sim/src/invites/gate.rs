//! What the gate asks of a platform of invites: its books, tokens out of paths, and its log's entries.

use axum::{http::HeaderMap, response::Response};

use super::{
    Call, Dialect, World,
    log::{Entry, Noted},
};
use crate::{
    gate::{Asked, Gated, Passed},
    log::Ledger,
    platform::Platform,
};

impl<D: Dialect> Platform for World<D> {
    type Entry = Entry;

    fn ledger(&self) -> &Ledger<Entry> {
        &self.ledger
    }

    fn ledger_mut(&mut self) -> &mut Ledger<Entry> {
        &mut self.ledger
    }
}

impl<D: Dialect> Gated for World<D> {
    type Noted = Noted;

    const SECRETS: &'static [&'static str] = &["token", "claimSecret"];

    fn wall(&self) -> u64 {
        self.now()
    }

    fn arrives(&mut self, asked: &mut Asked, headers: &HeaderMap) -> Option<Response> {
        let now = self.now();
        self.books.arrived(Call::of(&asked.method, &asked.path), now);
        // By what tokens there are, not by the route: a token may come where no route is.
        for invite in &self.invites {
            asked.path = asked.path.replace(&invite.token, "…");
        }
        D::turns_away(self, headers)
    }

    fn entry(&mut self, passed: Passed<'_, Noted>) -> Entry {
        let faults = passed.faults();
        let Passed { asked, noted, status, .. } = passed;
        self.ledger.served.extend(noted.lines);
        Entry {
            n: self.ledger.next(),
            at: self.now(),
            method: asked.method,
            path: asked.path,
            query: asked.query,
            route: asked.route,
            agent: noted.agent,
            request: noted.request,
            status,
            error: noted.error,
            faults,
        }
    }
}
