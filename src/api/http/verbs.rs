//! `/v1/{verb}`: POST with the verb's parameters as JSON; what only reads also by GET, parameters in the query.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Doors;
use crate::api::bridge::Caller;
use crate::api::problem::Problem;
use crate::api::verb::{Verb, Who};

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({ "error": self }))).into_response()
    }
}

/// Does one verb.
pub async fn call(State(doors): State<Doors>, Path(word): Path<String>, request: Request) -> Response {
    answer(&doors, &word, request).await.map_or_else(IntoResponse::into_response, |value| Json(value).into_response())
}

/// What is on no route.
pub async fn nowhere() -> Problem {
    Problem::new("not_found", "nothing is here; /openapi.json lists what is")
}

async fn answer(doors: &Doors, word: &str, request: Request) -> Result<Value, Problem> {
    let verb = Verb::parse(word).filter(|verb| verb.who() != Who::Connection);
    let verb = verb.ok_or_else(|| {
        Problem::new("unknown_method", format!("there is no verb `{}`", word.chars().take(60).collect::<String>()))
    })?;
    let raw = match *request.method() {
        Method::POST => body(request, doors).await?,
        Method::GET if verb.who().reads() => query(&request)?,
        _ if verb.who().reads() => return Err(Problem::new("method_not_allowed", "use GET or POST")),
        _ => return Err(Problem::new("method_not_allowed", "use POST")),
    };
    doors.bridge.begin(&Caller::default(), verb, &raw).await?.finish().await
}

fn query(request: &Request) -> Result<Box<RawValue>, Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|error| Problem::bad_params(format!("the query cannot be read: {error}")))?;
    let object: Map<String, Value> = pairs.into_iter().map(|(key, value)| (key, value.into())).collect();
    serde_json::value::to_raw_value(&object).map_err(|error| Problem::bad_params(error.to_string()))
}

async fn body(request: Request<Body>, doors: &Doors) -> Result<Box<RawValue>, Problem> {
    let is_json = is_json(request.headers());
    let cap = doors.body;
    let bytes = tokio::time::timeout(doors.receive, axum::body::to_bytes(request.into_body(), cap))
        .await
        .map_err(|_| Problem::new("too_slow", format!("the body did not come whole within {:?}", doors.receive)))?
        .map_err(|_| Problem::new("body_too_long", format!("the body is over {cap} bytes or was cut off")))?;
    if bytes.is_empty() {
        return Ok(RawValue::from_string("{}".to_owned()).unwrap_or_default());
    }
    if !is_json {
        // A page of another origin can send any other type without asking first.
        return Err(Problem::new("bad_content_type", "send `Content-Type: application/json`"));
    }
    serde_json::from_slice(&bytes).map_err(|error| Problem::new("not_json", format!("the body is not JSON: {error}")))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
