//! What one platform of invites does in its own way.

use std::{fmt, time::Duration};

use axum::{
    Router,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use super::{Sim, World, log::Noted};
use crate::answer::with_note;

/// One platform of invites, with the switches of its own.
pub trait Dialect: Clone + fmt::Debug + Default + Send + Sync + 'static {
    /// The origin of links until [`Sim::serve`] knows better.
    const ORIGIN: &'static str;
    /// How long an invite lasts.
    const INVITE_LIFETIME: Duration;
    /// How long a claim secret lasts.
    const CLAIM_LIFETIME: Duration;
    /// How claim secrets begin.
    const CLAIM: &'static str;
    /// How keys begin.
    const KEY: &'static str;
    /// Whether an invite works once whatever its operator asks for.
    const ONE_USE: bool;
    /// Whether rejecting a request spends what is left of its invite.
    const REJECTING_SPENDS: bool;

    /// The platform's routes, and what it says where there is none.
    fn routes(&self) -> Router<Sim<Self>>;

    /// How invite tokens begin, and how many hexadecimal digits follow.
    fn token(&self) -> (&'static str, usize);

    /// Before any route: the answer to a credential that the platform will not have.
    fn turns_away(_world: &World<Self>, _headers: &HeaderMap) -> Option<Response> {
        None
    }
}

/// What a front end's server says to any `GET` that it does not know: a page, with status 200. It is no API.
pub(crate) fn page(title: &str, line: &'static str) -> Response {
    let page =
        format!("<!doctype html><html><head><title>{title}</title></head><body><div id=\"root\"></div></body></html>");
    with_note(axum::response::Html(page).into_response(), Noted::line(line))
}

/// Plain text for people and agents.
pub(crate) fn text(text: String, line: &'static str) -> Response {
    with_note(text.into_response(), Noted::line(line))
}
