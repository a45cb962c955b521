//! A request as handlers read it.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts as _, Query, Request},
    http::{HeaderMap, Method, Uri},
};
use serde_json::{Map, Value};

use super::answer::{Refusal, refuse};

/// Method, place, headers and the whole body.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) query: HashMap<String, String>,
    pub(crate) body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let query = Query::from_request_parts(&mut parts, state).await;
        let Query(query) = query.map_err(|_| refuse(400, "bad query", "body.400"))?;
        let (method, uri, headers) = (parts.method.clone(), parts.uri.clone(), parts.headers.clone());
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let body = body.map_err(|_| refuse(413, "request body too large", "body.413"))?;
        Ok(Self { method, uri, headers, query, body })
    }
}

impl Asked {
    /// A header's text; `None` when it is missing, empty or no text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|it| it.to_str().ok()).filter(|it| !it.is_empty())
    }

    /// A query parameter that is not empty.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// The body's JSON object; no body is an empty one.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        // A Rails server would read no field of it; saying so finds the mistake sooner.
        if !self.header("content-type").is_some_and(|it| it.starts_with("application/json")) {
            return Err(refuse(415, "Content-Type must be application/json", "body.415"));
        }
        serde_json::from_slice(&self.body).map_err(|_| refuse(400, "invalid request body", "body.400"))
    }
}

/// A field's text; `None` when it is missing, blank or no text.
pub(crate) fn text<'b>(body: &'b Map<String, Value>, field: &str) -> Option<&'b str> {
    body.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// A field's id, written as a number or as a string.
pub(crate) fn id(body: &Map<String, Value>, field: &str) -> Option<u64> {
    let value = body.get(field)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// An object within the body.
pub(crate) fn within<'b>(body: &'b Map<String, Value>, field: &str) -> Option<&'b Map<String, Value>> {
    body.get(field).and_then(Value::as_object)
}
