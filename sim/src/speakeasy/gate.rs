//! Every request passes here: faults strike, and the outcome is logged.

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request, State},
    http::header,
    middleware::Next,
    response::Response,
};

use super::{
    Sim,
    log::{Entry, Noted, redact},
    world::World,
};
use crate::{
    fault::{self, Fault, effect},
    wall,
};

/// What is known of a request before it is handled.
struct Known {
    method: String,
    path: String,
    query: String,
    route: String,
    key: Option<String>,
}

impl Known {
    fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let key = request.headers().get("idempotency-key").and_then(|it| it.to_str().ok());
        Self {
            method: request.method().to_string(),
            path: request.uri().path().into(),
            query: redact(request.uri().query().unwrap_or("")),
            route: route.strip_prefix("/api/v1").unwrap_or(route).into(),
            key: key.map(Into::into),
        }
    }
}

/// The middleware around all platform routes.
pub(crate) async fn gate(State(sim): State<Sim>, request: Request, next: Next) -> Response {
    let mut response = pass(&sim, request, next).await;
    if let Some(date) = wall::http_date(sim.look(World::now)) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn pass(sim: &Sim, request: Request, next: Next) -> Response {
    let known = Known::of(&request);
    let route = format!("{} {}", known.method, known.route);
    // A token that reaches the storage has leaked: its URL may point anywhere.
    let leaks = known.route.starts_with("/storage/") && request.headers().contains_key("x-auth-token");
    let struck = sim.with(|world| {
        world.leaks += u64::from(leaks);
        fault::strike(&mut world.faults, &route)
    });
    let Some(fault) = struck else {
        let response = next.run(request).await;
        return log(sim, known, None, response);
    };
    let wait = fault.before();
    if wait > Duration::ZERO {
        tokio::time::sleep(wait).await;
    }
    let response = match effect::instead(&fault) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let response = log(sim, known, Some(&fault), response);
    effect::spoil(&fault, response).await
}

fn log(sim: &Sim, known: Known, fault: Option<&Fault>, mut response: Response) -> Response {
    let noted = response.extensions_mut().remove::<Noted>().unwrap_or_default();
    let status = response.status().as_u16();
    sim.with(|world| {
        if let Some(line) = noted.line {
            world.served(line);
        }
        if let Some(line) = fault.and_then(|fault| line_of(fault, &known.route)) {
            world.served(line);
        }
        world.logged += 1;
        let entry = Entry {
            n: world.logged,
            at: world.now(),
            method: known.method,
            path: known.path,
            query: known.query,
            route: known.route,
            grant: noted.grant,
            status,
            error: noted.error,
            text: noted.text,
            chat: noted.chat,
            idempotency_key: known.key,
            replayed: noted.replayed,
            faults: fault.map(Fault::kind).into_iter().collect(),
        };
        world.log.push_back(entry);
        while world.log.len() > world.options.log {
            world.log.pop_front();
        }
    });
    response
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
