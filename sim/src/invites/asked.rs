//! A request as handlers read it: its credential, and the JSON object in its body.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde_json::{Map, Value};

/// Headers and the whole body.
#[derive(Debug)]
pub(crate) struct Asked {
    headers: HeaderMap,
    body: Option<Bytes>,
}

/// The body is JSON by its type, and none by its letters, or no object, or too long.
#[derive(Debug)]
pub(crate) struct NotAnObject;

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let headers = request.headers().clone();
        Ok(Self { headers, body: Bytes::from_request(request, state).await.ok() })
    }
}

impl Asked {
    /// The credential of `Authorization: Bearer …`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        bearer(&self.headers)
    }

    /// The body's object. A body of another type is not read at all, as in most frameworks.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, NotAnObject> {
        let body = self.body.as_ref().ok_or(NotAnObject)?;
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        if body.is_empty() || !kind.to_ascii_lowercase().starts_with("application/json") {
            return Ok(Map::new());
        }
        serde_json::from_slice(body).map_err(|_| NotAnObject)
    }
}

/// The credential of `Authorization: Bearer …`; the scheme in any case.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credential) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some(credential.trim()).filter(|it| scheme.eq_ignore_ascii_case("bearer") && !it.is_empty())
}
