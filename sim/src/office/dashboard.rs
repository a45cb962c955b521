//! `GET /api/dashboard/stream?office=`: the door of the stream.

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};

use super::{
    Sim,
    answer::refuse,
    log::{Facts, Noted},
    views::{Asked, param},
};
use crate::feed;

/// Opens a stream about the bots of the caller's office.
pub(crate) async fn stream(State(sim): State<Sim>, Query(query): Query<Asked>, headers: HeaderMap) -> Response {
    let Some(office) = param(&query, "office") else {
        return refuse::<Facts>(400, "office is required", "stream.400").into_response();
    };
    let opened =
        sim.as_agent(&headers, office, "stream", |world, me| Ok((world.open_stream(me), Noted::line("stream.200"))));
    match opened {
        Ok((body, noted)) => feed::response(body, noted),
        Err(refusal) => refusal.into_response(),
    }
}
