//! An invented platform where somebody must let the agent in, and where a refresh token works once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use agent_bridge::clock::{Clock, rfc3339};
use agent_bridge_sim::serve::ReplyLost;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// Its manifest.
pub const MANIFEST: &str = include_str!("../fixtures/adapters/burrow.yaml");

/// What is done to one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It takes effect and the answer is lost.
    ReplyLost,
    /// It takes effect and the answer is half of it.
    Half,
    /// It takes effect and somebody in front says 502.
    Then502,
    /// Nothing takes effect, and nobody says so.
    Lost,
    /// Nothing takes effect; this status, asking for patience.
    Refuses(u16),
}

/// Behind the platform's lock.
#[derive(Default)]
pub struct Inside {
    pub passes: u64,
    /// Refresh tokens as they came in.
    pub renewals: Vec<String>,
    /// Codes as they came in.
    pub exchanges: Vec<String>,
    pub knocks: Vec<Value>,
    pub polls: usize,
    pub asked: usize,
    /// `pending`, `approved`, `codeless` (approved, and no code yet), `denied`, `gone`.
    pub door: &'static str,
    pub ends_at: Option<u64>,
    /// What its answers say beside that.
    pub beside: Value,
    /// For how long a pass is good, where the platform says so.
    pub good_for: Option<u64>,
    /// The platform gives no new refresh token.
    pub keeps_renewal: bool,
    pub renew_faults: VecDeque<Fault>,
    pub exchange_faults: VecDeque<Fault>,
    pub poll_faults: VecDeque<Fault>,
    /// Every pass is refused.
    pub blind: bool,
    /// Every question is answered so.
    pub says: Option<u16>,
    renewal: String,
    pass: String,
    code_used: bool,
}

#[derive(Clone)]
pub struct Burrow(Arc<Mutex<Inside>>, Clock);

impl Burrow {
    /// Nobody has knocked.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::default(), clock)
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// The pass in use is good for nothing any more.
    pub fn expire(&self) {
        self.with(|inside| inside.pass = "none".into());
    }

    pub fn renewals(&self) -> Vec<String> {
        self.with(|inside| inside.renewals.clone())
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/knocks", post(knock))
            .route("/knocks/{id}", get(poll))
            .route("/exchange", post(exchange))
            .route("/renew", post(renew))
            .route("/me", get(me))
            .route("/halls", get(halls))
            .with_state(self.clone())
    }

    fn passes(&self, inside: &mut Inside, first: bool) -> Value {
        inside.passes += 1;
        inside.pass = format!("pass-{}", inside.passes);
        let mut answer = json!({ "pass": inside.pass, "who": "bee-7" });
        if first || !inside.keeps_renewal {
            inside.renewal = format!("renewal-{}", inside.passes);
            answer["renewal"] = inside.renewal.clone().into();
        }
        if let Some(good_for) = inside.good_for {
            answer["ends_at"] = rfc3339(self.1.now() + good_for).into();
        }
        answer
    }
}

/// Lets `work` take effect or not, and answers as the fault has it.
fn faulty(fault: Option<Fault>, work: impl FnOnce() -> Response) -> Response {
    let lost = || {
        let mut answer = StatusCode::OK.into_response();
        answer.extensions_mut().insert(ReplyLost);
        answer
    };
    match fault {
        None => work(),
        Some(Fault::Lost) => lost(),
        Some(Fault::Refuses(status)) => (StatusCode::from_u16(status).unwrap(), [("retry-after", "7")]).into_response(),
        Some(effective) => {
            work();
            match effective {
                Fault::ReplyLost => lost(),
                Fault::Half => "{\"pass\": \"pa".into_response(),
                _ => StatusCode::BAD_GATEWAY.into_response(),
            }
        }
    }
}

async fn knock(State(burrow): State<Burrow>, Json(body): Json<Value>) -> Json<Value> {
    burrow.with(|inside| {
        inside.knocks.push(body);
        (inside.door, inside.code_used) = ("pending", false);
        Json(json!({ "id": inside.knocks.len(), "token": "knock-secret" }))
    })
}

async fn poll(State(burrow): State<Burrow>, Query(query): Query<Vec<(String, String)>>) -> Response {
    assert_eq!(query, [("token".to_owned(), "knock-secret".to_owned())]);
    burrow.with(|inside| {
        inside.polls += 1;
        let fault = inside.poll_faults.pop_front();
        let ends = inside.ends_at.map(rfc3339);
        let number = inside.knocks.len();
        faulty(fault, || match inside.door {
            "codeless" => Json(json!({ "status": "approved", "code": null })).into_response(),
            "approved" => {
                let code = format!("code-{number}");
                Json(json!({ "status": "approved", "code": code, "beside": inside.beside })).into_response()
            }
            "gone" => StatusCode::GONE.into_response(),
            door => Json(json!({ "status": door, "code": null, "ends_at": ends })).into_response(),
        })
    })
}

async fn exchange(State(burrow): State<Burrow>, Json(body): Json<Value>) -> Response {
    burrow.with(|inside| {
        inside.exchanges.push(body["code"].as_str().unwrap().to_owned());
        let fault = inside.exchange_faults.pop_front();
        faulty(fault, || {
            if inside.door != "approved" || std::mem::replace(&mut inside.code_used, true) {
                return (StatusCode::UNPROCESSABLE_ENTITY, "the code was used").into_response();
            }
            Json(burrow.passes(inside, true)).into_response()
        })
    })
}

async fn renew(State(burrow): State<Burrow>, Json(body): Json<Value>) -> Response {
    let sent = body["renewal"].as_str().unwrap().to_owned();
    burrow.with(|inside| {
        inside.renewals.push(sent.clone());
        let fault = inside.renew_faults.pop_front();
        faulty(fault, || {
            if sent != inside.renewal {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            Json(burrow.passes(inside, false)).into_response()
        })
    })
}

async fn me(State(burrow): State<Burrow>, headers: HeaderMap) -> Response {
    burrow.with(|inside| {
        if headers["x-pass"] != *inside.pass {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        Json(json!({ "grant": inside.knocks.len() })).into_response()
    })
}

async fn halls(State(burrow): State<Burrow>, headers: HeaderMap) -> Response {
    burrow.with(|inside| {
        inside.asked += 1;
        match inside.says {
            Some(status) => StatusCode::from_u16(status).unwrap().into_response(),
            None if inside.blind || headers["x-pass"] != *inside.pass => StatusCode::UNAUTHORIZED.into_response(),
            None => Json(json!({ "halls": [] })).into_response(),
        }
    })
}
