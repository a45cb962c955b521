//! Every request passes here: faults strike, and the outcome is logged.

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
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
struct Asked {
    method: String,
    path: String,
    query: String,
    route: String,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        Self {
            method: request.method().to_string(),
            path: request.uri().path().into(),
            query: redact(request.uri().query().unwrap_or("")),
            route: route.strip_prefix("/api/v1").unwrap_or(route).into(),
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
    let asked = Asked::of(&request);
    let route = format!("{} {}", asked.method, asked.route);
    let (offline, struck) = sim.with(|world| (world.offline, fault::strike(&mut world.faults, &route)));
    if offline {
        return log(sim, asked, None, relay_says(502));
    }
    let Some(fault) = struck else {
        let response = next.run(request).await;
        return log(sim, asked, None, response);
    };
    let wait = fault.before();
    if wait > Duration::ZERO {
        tokio::time::sleep(wait).await;
    }
    let response = match (&fault, effect::instead(&fault)) {
        (Fault::Status { status: status @ (502 | 504) }, _) => relay_says(*status),
        (_, Some(response)) => response,
        (_, None) => next.run(request).await,
    };
    let response = log(sim, asked, Some(&fault), response);
    effect::spoil(&fault, response).await
}

/// What a relay says for an instance that is away (502) or slow (504).
pub(crate) fn relay_says(status: u16) -> Response {
    let text = if status == 502 { "instance offline" } else { "instance did not answer in time" };
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (code, text).into_response()
}

fn log(sim: &Sim, asked: Asked, fault: Option<&Fault>, mut response: Response) -> Response {
    let noted = response.extensions_mut().remove::<Noted>().unwrap_or_default();
    let status = response.status().as_u16();
    sim.with(|world| {
        world.logged += 1;
        let entry = Entry {
            n: world.logged,
            at: world.now(),
            method: asked.method,
            path: asked.path,
            query: asked.query,
            route: asked.route,
            authenticated_as: noted.who,
            status,
            error: noted.error,
            text: noted.text,
            message_id: noted.message_id,
            faults: fault.map(Fault::kind).into_iter().collect(),
            crash: noted.crash,
        };
        if let Some(line) = noted.line {
            world.mark(line);
        }
        mark_faults(world, status, fault);
        world.log.push_back(entry);
        while world.log.len() > world.options.log {
            world.log.pop_front();
        }
    });
    response
}

fn mark_faults(world: &mut World, status: u16, fault: Option<&Fault>) {
    match (fault, status) {
        (Some(Fault::StoredThen500), _) => world.mark("messages.post.500_stored"),
        (_, 502) => world.mark("relay.502"),
        (_, 504) => world.mark("relay.504"),
        _ => {}
    }
}
