//! Every request to a platform passes here: faults strike, and the outcome is logged.

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};

use crate::{
    fault::{self, Fault, effect},
    log::{Entry, Noted, redact},
    platform::{Platform, Sim},
    wall,
};

/// What is known of a request before it is handled.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Without the values of secrets.
    pub(crate) query: String,
    /// The template without `/api/v1`; a platform whose query chooses what a route does may add that.
    pub(crate) route: String,
    /// The `Idempotency-Key`.
    pub(crate) key: Option<String>,
}

/// A platform whose requests pass the gate.
pub(crate) trait Gated: Platform {
    /// Query parameters whose values are secrets.
    const SECRETS: &'static [&'static str];

    /// Wall time in milliseconds since 1970.
    fn wall(&self) -> u64;

    /// Before anything else; an answer keeps the request from everything, also from faults.
    fn arrives(&mut self, _asked: &mut Asked, _headers: &HeaderMap) -> Option<Response> {
        None
    }

    /// The answer of a fault that keeps the request from taking effect.
    fn instead(fault: &Fault) -> Option<Response> {
        effect::instead(fault)
    }

    /// Before it is logged: what the platform notes of a request besides what its handler did.
    fn answered(&mut self, _asked: &Asked, _noted: &mut Noted<Self::Facts>, _status: u16, _fault: Option<&Fault>) {}
}

impl Asked {
    fn of(request: &Request, secrets: &[&str]) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let key = request.headers().get("idempotency-key").and_then(|it| it.to_str().ok());
        Self {
            method: request.method().to_string(),
            path: request.uri().path().into(),
            query: redact(request.uri().query().unwrap_or(""), secrets),
            route: route.strip_prefix("/api/v1").unwrap_or(route).into(),
            key: key.map(Into::into),
        }
    }
}

/// The middleware around all platform routes.
pub(crate) async fn gate<W: Gated>(State(sim): State<Sim<W>>, request: Request, next: Next) -> Response {
    let mut response = pass(&sim, request, next).await;
    if let Some(date) = wall::http_date(sim.look(Gated::wall)) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn pass<W: Gated>(sim: &Sim<W>, request: Request, next: Next) -> Response {
    let mut asked = Asked::of(&request, W::SECRETS);
    let (turned_away, struck) = sim.with(|world| {
        let turned_away = world.arrives(&mut asked, request.headers());
        let route = format!("{} {}", asked.method, asked.route);
        (turned_away, fault::strike(&mut world.ledger_mut().faults, &route))
    });
    if let Some(response) = turned_away {
        return log(sim, asked, None, response);
    }
    let Some(fault) = struck else {
        let response = next.run(request).await;
        return log(sim, asked, None, response);
    };
    let wait = fault.before();
    if wait > Duration::ZERO {
        tokio::time::sleep(wait).await;
    }
    let response = match W::instead(&fault) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let response = log(sim, asked, Some(&fault), response);
    effect::spoil(&fault, response).await
}

fn log<W: Gated>(sim: &Sim<W>, asked: Asked, fault: Option<&Fault>, mut response: Response) -> Response {
    let mut noted = response.extensions_mut().remove::<Noted<W::Facts>>().unwrap_or_default();
    let status = response.status().as_u16();
    sim.with(|world| {
        world.answered(&asked, &mut noted, status, fault);
        let Asked { method, path, query, route, .. } = asked;
        let Noted { error, lines, facts } = noted;
        let (at, faults) = (world.wall(), fault.map(Fault::kind).into_iter().collect());
        world.ledger_mut().push(Entry { n: 0, at, method, path, query, route, status, error, faults, lines, facts });
    });
    response
}
