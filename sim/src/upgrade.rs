//! From HTTP to a websocket (RFC 6455, 4.2): who asks for one, and the 101.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::serve::Takeover;

/// The key of a websocket's handshake (RFC 6455, 4.2.1), when it is one.
pub(crate) fn key(headers: &HeaderMap) -> Option<HeaderValue> {
    let says = |name: HeaderName, word: &str| {
        let mut values = headers.get_all(name).iter().filter_map(|it| it.to_str().ok());
        values.any(|it| it.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
    };
    let websocket = says(header::UPGRADE, "websocket") && says(header::CONNECTION, "upgrade");
    let version = says(header::SEC_WEBSOCKET_VERSION, "13");
    (websocket && version).then(|| headers.get(header::SEC_WEBSOCKET_KEY).cloned()).flatten()
}

/// 101, and what goes on from there.
pub(crate) fn switching(key: &HeaderValue, subprotocol: Option<&str>, takeover: Takeover) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    let chosen = subprotocol.and_then(|it| HeaderValue::from_str(it).ok());
    for (name, value) in [(header::SEC_WEBSOCKET_ACCEPT, accept.ok()), (header::SEC_WEBSOCKET_PROTOCOL, chosen)] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    response.extensions_mut().insert(takeover);
    response
}
