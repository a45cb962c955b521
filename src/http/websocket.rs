//! The opening of a websocket (RFC 6455, section 4.1): what is asked for, and whether that is what was got.

use futures_util::{FutureExt, SinkExt};
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;

use super::counted::Counted;
use super::upgrade::Upgrade;

/// Held by every open socket for as long as it lives: a ping is 50 bytes, and a larger frame brings its own room.
const READ_BUFFER: usize = 2 << 10;
/// What is written goes out at once; more than this unsent is never needed.
const WRITE_BUFFER: usize = 64 << 10;

/// An open websocket.
pub type Socket = WebSocketStream<Counted>;

/// Lets go of the room that the largest frame so far has left behind: the library keeps it for as long as the connection.
/// `false`, and nothing done, where that room may hold the beginning of another frame, or where something is unsent;
/// `heard` are the bytes of all messages that came (see [`on_the_wire`]). Must be called within a runtime.
pub fn slim(socket: &mut Socket, heard: u64) -> bool {
    // What was read and not heard is in that room: part of a frame, or of a head that was longer than it had to be.
    if socket.get_ref().came() != heard || !matches!(socket.flush().now_or_never(), Some(Ok(()))) {
        return false;
    }
    let config = *socket.get_config();
    let pipe = std::mem::replace(socket.get_mut(), Counted::nowhere());
    // The future only makes a waker: it is ready at once.
    if let Some(slim) = WebSocketStream::from_raw_socket(pipe, Role::Client, Some(config)).now_or_never() {
        *socket = slim;
    }
    true
}

/// Bytes that a message of one frame takes at least (RFC 6455, section 5.2), unmasked as a server sends it.
pub fn on_the_wire(message: &Message) -> u64 {
    let head = match message.len() {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    };
    head + message.len() as u64
}

/// One opening.
#[derive(Clone, Debug)]
pub struct Handshake {
    key: String,
    protocols: &'static str,
}

/// 101, and no websocket all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAWebsocket {
    /// Another status than 101.
    #[error("it answered {0} and did not switch")]
    Refused(u16),
    /// The answer does not belong to the question: something between that does not know websockets.
    #[error("what answered does not speak websocket: check any proxy in front of it")]
    Unproven,
    /// A protocol that was not offered, none, or an extension that nobody asked for.
    #[error("it chose `{0}`, which was not offered")]
    Protocol(String),
}

impl Handshake {
    /// An opening that offers these subprotocols, separated by commas, the best first; without any where this is empty.
    pub fn offering(protocols: &'static str) -> Self {
        Self { key: generate_key(), protocols }
    }

    /// The headers of the request to `url`. A server that knows browsers asks for an origin of its own.
    pub fn headers(&self, url: &Url) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        if !self.protocols.is_empty() {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(self.protocols));
        }
        let text = |value: &str| HeaderValue::from_str(value).ok();
        headers.extend(text(&self.key).map(|key| (SEC_WEBSOCKET_KEY, key)));
        headers.extend(text(&url.origin().ascii_serialization()).map(|origin| (ORIGIN, origin)));
        headers
    }

    /// The socket and the subprotocol it speaks. No frame and no message may be longer than `cap` bytes. Must be called
    /// within a runtime.
    pub fn open(&self, answer: Upgrade, cap: usize) -> Result<(Socket, String), NotAWebsocket> {
        let Upgrade { status, headers, pipe } = answer;
        let pipe = pipe.filter(|_| status == 101).ok_or(NotAWebsocket::Refused(status))?;
        let said = |name| headers.get(&name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if said(SEC_WEBSOCKET_ACCEPT) != derive_accept_key(self.key.as_bytes())
            || !said(UPGRADE).eq_ignore_ascii_case("websocket")
        {
            return Err(NotAWebsocket::Unproven);
        }
        // None is ever offered: frames under one would not be what they look like.
        if let Some(extension) = headers.get(SEC_WEBSOCKET_EXTENSIONS) {
            return Err(NotAWebsocket::Protocol(shown(extension.to_str().unwrap_or_default())));
        }
        let chosen = said(SEC_WEBSOCKET_PROTOCOL);
        if !self.protocols.split(',').any(|offered| offered.trim() == chosen) {
            return Err(NotAWebsocket::Protocol(shown(chosen)));
        }
        // The future only makes a waker: it is ready at once.
        let socket = WebSocketStream::from_raw_socket(Counted::new(pipe), Role::Client, Some(config(cap)));
        let socket = socket.now_or_never().ok_or(NotAWebsocket::Unproven)?;
        Ok((socket, chosen.to_owned()))
    }
}

fn config(cap: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
        .max_frame_size(Some(cap))
        .max_message_size(Some(cap))
}

/// What a stranger wrote, if it is short.
fn shown(text: &str) -> String {
    if text.len() <= 40 { text.to_owned() } else { "something long".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "one-v1, two";

    fn answer(key: &str, protocol: Option<&'static str>, upgrade: &'static str) -> Upgrade {
        let mut headers = HeaderMap::new();
        headers.insert(SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes()).parse().unwrap());
        headers.insert(UPGRADE, HeaderValue::from_static(upgrade));
        headers.extend(protocol.map(|it| (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(it))));
        Upgrade { status: 101, headers, pipe: Some(Box::new(tokio::io::empty())) }
    }

    #[tokio::test]
    async fn only_the_answer_to_this_question_with_a_protocol_that_was_offered_opens_it() {
        let asked = Handshake::offering(OFFER);
        let open = |answer| asked.open(answer, 100).map(|(_, protocol)| protocol);
        assert_eq!(open(answer(&asked.key, Some("one-v1"), "WebSocket")), Ok("one-v1".to_owned()));
        assert_eq!(open(answer(&asked.key, Some("two"), "websocket")), Ok("two".to_owned()));
        assert_eq!(open(answer("another", Some("two"), "websocket")), Err(NotAWebsocket::Unproven));
        assert_eq!(open(answer(&asked.key, Some("two"), "h2c")), Err(NotAWebsocket::Unproven));
        assert_eq!(open(answer(&asked.key, Some("t"), "websocket")), Err(NotAWebsocket::Protocol("t".into())));
        assert_eq!(open(answer(&asked.key, None, "websocket")), Err(NotAWebsocket::Protocol(String::new())));
        let mut extended = answer(&asked.key, Some("two"), "websocket");
        extended.headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("permessage-deflate"));
        assert_eq!(open(extended), Err(NotAWebsocket::Protocol("permessage-deflate".into())));
        let refused = Upgrade { status: 403, headers: HeaderMap::new(), pipe: None };
        assert_eq!(open(refused), Err(NotAWebsocket::Refused(403)));
    }

    #[test]
    fn every_opening_has_a_key_of_its_own_and_the_origin_of_its_server() {
        let url = Url::parse("https://h.example:8443/cable?token=CANARY").unwrap();
        let headers = Handshake::offering(OFFER).headers(&url);
        assert_eq!(headers[ORIGIN], "https://h.example:8443");
        assert_ne!(headers[SEC_WEBSOCKET_KEY], Handshake::offering(OFFER).headers(&url)[SEC_WEBSOCKET_KEY]);
        assert!(!format!("{headers:?}").contains("CANARY"));
    }
}
