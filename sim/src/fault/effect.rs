//! What a fault makes of a request and of its reply.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::Fault;
use crate::serve::ReplyLost;

/// The piece of which a huge answer is made.
const FILLER: Bytes = Bytes::from_static(&[b'x'; 64 * 1024]);

/// The answer of a fault that keeps the request from taking effect.
pub(crate) fn instead(fault: &Fault) -> Option<Response> {
    Some(match fault {
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
pub(crate) async fn spoil(fault: &Fault, mut response: Response) -> Response {
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

/// A JSON response, or an empty one.
pub(crate) fn json_response(status: u16, body: Option<&Value>) -> Response {
    let mut response = Response::new(body.map_or(Body::empty(), |it| Body::from(it.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if body.is_some() {
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    response
}
