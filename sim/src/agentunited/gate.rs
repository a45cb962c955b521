//! Every request passes here: faults strike, and the outcome is logged.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::{
    Sim,
    answer::json_response,
    fault::{self, Fault},
    log::{Entry, Noted, redact},
    world::World,
};
use crate::serve::ReplyLost;

/// The piece of which a huge answer is made.
const FILLER: Bytes = Bytes::from_static(&[b'x'; 64 * 1024]);

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
    let now = i64::try_from(sim.look(World::now)).ok().and_then(|now| jiff::Timestamp::from_millisecond(now).ok());
    let date = now.map(|now| now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(date) = date.and_then(|date| HeaderValue::from_str(&date).ok()) {
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
    let response = match instead(&fault) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let response = log(sim, asked, Some(&fault), response);
    spoil(&fault, response).await
}

/// What a relay says for an instance that is away (502) or slow (504).
pub(crate) fn relay_says(status: u16) -> Response {
    let text = if status == 502 { "instance offline" } else { "instance did not answer in time" };
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (code, text).into_response()
}

/// The answer of a fault that keeps the request from taking effect.
fn instead(fault: &Fault) -> Option<Response> {
    Some(match fault {
        Fault::Status { status: status @ (502 | 504) } => relay_says(*status),
        Fault::Status { status } => json_response(*status, Some(&json!({"error": "injected fault"}))),
        Fault::TooMany { retry_after } => {
            let mut response = json_response(429, Some(&json!({"error": "too many requests"})));
            if let Ok(value) = HeaderValue::from_str(retry_after) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            response
        }
        Fault::Html => {
            let page = "<!doctype html><title>Welcome</title><h1>It works</h1>";
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        Fault::Huge { bytes } => huge(*bytes),
        Fault::RequestLost | Fault::NeverAnswers { applied: false } => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => return None,
    })
}

fn huge(bytes: u64) -> Response {
    let pieces = stream::unfold(bytes, |left| async move {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(FILLER.len());
        let next = left - u64::try_from(size).unwrap_or(left);
        (left > 0).then(|| (Ok::<_, io::Error>(FILLER.slice(..size)), next))
    });
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response()
}

/// What a fault does to the reply of a request that was handled.
async fn spoil(fault: &Fault, mut response: Response) -> Response {
    match fault {
        Fault::StoredThen500 => json_response(500, Some(&json!({"error": "internal server error"}))),
        Fault::ReplyLost | Fault::RequestLost => {
            response.extensions_mut().insert(ReplyLost);
            response
        }
        Fault::NeverAnswers { .. } => std::future::pending().await,
        Fault::DelayReply { millis } => {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
            response
        }
        Fault::HalfBody => halve(response, true).await,
        Fault::TruncatedJson => halve(response, false).await,
        _ => response,
    }
}

/// Keeps half of the body; `broken` promises all of it and closes the connection instead.
async fn halve(response: Response, broken: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, 16 << 20).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    if !broken {
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::from(half));
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let pieces = stream::iter([Ok(half)]).chain(stream::once(async {
        // The half leaves first: the server writes while we wait.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    }));
    Response::from_parts(parts, Body::from_stream(pieces))
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
