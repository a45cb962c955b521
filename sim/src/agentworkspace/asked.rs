//! A request as handlers read it: headers, query, and the JSON object in its body.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts as _, Query, Request},
    http::{HeaderMap, header},
};
use serde_json::{Map, Value};

use super::{
    answer::{Refusal, refuse},
    check::{Issues, OFFSET},
};

/// Headers, query and the whole body.
#[derive(Debug)]
pub(crate) struct Asked {
    headers: HeaderMap,
    query: HashMap<String, String>,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let query = Query::from_request_parts(&mut parts, state).await;
        let Query(query) = query.map_err(|_| bad_body())?;
        let headers = parts.headers.clone();
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await.map_err(|_| bad_body())?;
        Ok(Self { headers, query, body })
    }
}

fn bad_body() -> Refusal {
    refuse(400, "Invalid JSON body", "body.400")
}

impl Asked {
    /// The key of `Authorization: Bearer ak_…`.
    pub(crate) fn key(&self) -> Option<&str> {
        let value = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        value.strip_prefix("Bearer ").map(str::trim).filter(|key| !key.is_empty())
    }

    /// A query parameter that is not empty.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// The body's JSON object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        serde_json::from_slice(&self.body).map_err(|_| bad_body())
    }

    /// Which part of a list is asked for: `(offset, limit)`.
    pub(crate) fn page(&self, default: usize, most: usize, line: &'static str) -> Result<(usize, usize), Refusal> {
        let mut issues = Issues::default();
        let limit = self.param("limit").map_or(Ok(default), str::parse);
        if !limit.as_ref().is_ok_and(|it| (1..=most).contains(it)) {
            issues.add("limit", &format!("limit must be between 1 and {most}"), line);
        }
        let offset = self.param("offset").map_or(Ok(0), str::parse);
        if offset.is_err() {
            issues.add("offset", "offset must be 0 or more", OFFSET);
        }
        issues.none()?;
        Ok((offset.unwrap_or(0), limit.unwrap_or(default)))
    }
}
