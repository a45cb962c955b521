//! What the gate asks of a platform of invites: its books, tokens out of paths, and its log's entries.

use axum::{http::HeaderMap, response::Response};

use super::{Call, Dialect, World, log::Facts};
use crate::{
    gate::{Asked, Gated},
    log::Ledger,
    platform::Platform,
};

impl<D: Dialect> Platform for World<D> {
    type Facts = Facts;

    fn ledger(&self) -> &Ledger<Facts> {
        &self.ledger
    }

    fn ledger_mut(&mut self) -> &mut Ledger<Facts> {
        &mut self.ledger
    }
}

impl<D: Dialect> Gated for World<D> {
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
}
