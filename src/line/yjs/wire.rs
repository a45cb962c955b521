//! A websocket as a live document uses it: frames out, frames in, and every end of it in words.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;

use crate::http::{Socket, on_the_wire, slim};

/// A whole document comes once, and leaves as much room behind: from here on that is more than what it costs to let it go.
const LARGE: usize = 16 << 10;

/// What came.
#[derive(Debug)]
pub(super) enum Came {
    /// A frame of the protocol.
    Frame(Bytes),
    /// Anything else: it proves that somebody is there.
    Beat,
}

/// An open websocket. Dropping the future of [`Self::next`] loses nothing, neither way.
pub(super) struct Wire {
    socket: Socket,
    /// Bytes of all that came.
    heard: u64,
    /// A large frame has left its room behind.
    wide: bool,
    unsent: VecDeque<Message>,
    unflushed: bool,
}

impl Wire {
    pub const fn new(socket: Socket) -> Self {
        Self { socket, heard: 0, wide: false, unsent: VecDeque::new(), unflushed: false }
    }

    /// Sends frames while [`Self::next`] waits.
    pub fn send(&mut self, frames: impl IntoIterator<Item = Vec<u8>>) {
        self.unsent.extend(frames.into_iter().map(|frame| Message::Binary(frame.into())));
    }

    /// Asks the other end whether it is there.
    pub fn ping(&mut self) {
        if !self.unsent.contains(&Message::Ping(Bytes::new())) {
            self.unsent.push_back(Message::Ping(Bytes::new()));
        }
    }

    /// How many frames wait to be sent.
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// What comes next; an error is the end, in words that hold nothing of what was said.
    pub async fn next(&mut self) -> Result<Came, String> {
        let next = poll_fn(|context| {
            if let Poll::Ready(Err(error)) = self.poll_send(context) {
                return Poll::Ready(Some(Err(error)));
            }
            self.socket.poll_next_unpin(context)
        });
        let next = next.await;
        if let Some(Ok(message)) = &next {
            self.heard += on_the_wire(message);
            self.wide |= message.len() >= LARGE;
            self.wide = self.wide && !slim(&mut self.socket, self.heard);
        }
        match next {
            Some(Ok(Message::Binary(frame))) => Ok(Came::Frame(frame)),
            Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Came::Beat),
            Some(Ok(Message::Close(_))) | None => Err("the document server closed the connection".to_owned()),
            Some(Err(error)) => Err(words(&error)),
        }
    }

    /// Sends what is left and says goodbye, as far as that can be done at once.
    pub fn close(mut self) {
        let _ = poll_fn(|context| self.poll_send(context)).now_or_never();
        let _ = self.socket.close(None).now_or_never();
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.unsent.is_empty() {
            std::task::ready!(self.socket.poll_ready_unpin(context))?;
            if let Some(message) = self.unsent.pop_front() {
                self.socket.start_send_unpin(message)?;
                self.unflushed = true;
            }
        }
        if self.unflushed {
            std::task::ready!(self.socket.poll_flush_unpin(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

fn words(error: &Error) -> String {
    match error {
        Error::Capacity(_) => "the document server sent more than a document may hold".to_owned(),
        Error::ConnectionClosed | Error::AlreadyClosed => "the document server closed the connection".to_owned(),
        Error::Io(error) => format!("the connection to the document server broke ({})", error.kind()),
        _ => "the document server does not speak websocket as it should".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::{SEC_WEBSOCKET_ACCEPT, UPGRADE};
    use tokio::io::DuplexStream;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
    use tokio_tungstenite::tungstenite::protocol::Role;
    use url::Url;

    use super::*;
    use crate::http::{Handshake, Upgrade};

    /// A connection, and its server's end.
    async fn connected() -> (Wire, WebSocketStream<DuplexStream>) {
        let (here, there) = tokio::io::duplex(1 << 20);
        let asked = Handshake::offering("");
        let key = asked.headers(&Url::parse("https://d.example").unwrap())["sec-websocket-key"].clone();
        let mut headers = HeaderMap::new();
        headers.insert(SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes()).parse().unwrap());
        headers.insert(UPGRADE, "websocket".parse().unwrap());
        let answer = Upgrade { status: 101, headers, pipe: Some(Box::new(here)) };
        let (socket, _) = asked.open(answer, 1 << 20).unwrap();
        (Wire::new(socket), WebSocketStream::from_raw_socket(there, Role::Server, None).await)
    }

    async fn frame(wire: &mut Wire) -> Bytes {
        loop {
            if let Came::Frame(frame) = wire.next().await.unwrap() {
                return frame;
            }
        }
    }

    #[tokio::test]
    async fn the_room_of_a_large_frame_is_let_go_and_nothing_around_it_is_lost() {
        let (mut wire, mut server) = connected().await;
        let large = |of: u8| Bytes::from(vec![of; 100_000]);
        server.send(Message::Binary(large(1))).await.unwrap();
        let first = frame(&mut wire).await;
        assert!(first.is_unique(), "nobody else holds its room");
        // Behind one another, so that the second is read with the first.
        for message in [Message::Binary(large(2)), Message::Ping("?".into()), Message::Binary("small".into())] {
            server.feed(message).await.unwrap();
        }
        server.flush().await.unwrap();
        let second = frame(&mut wire).await;
        assert_eq!((&second, frame(&mut wire).await), (&large(2), Bytes::from("small")));
        assert!(second.is_unique(), "as soon as nothing else is in it");
        server.send(Message::Binary(large(3))).await.unwrap();
        let last = frame(&mut wire).await;
        assert_eq!((last.len(), last.is_unique()), (100_000, true));
        wire.send([b"sent".to_vec()]);
        assert!(wire.next().now_or_never().is_none(), "all is read, and what is owed is sent");
        let mut came = Vec::new();
        while came.len() < 2 {
            came.push(server.next().await.unwrap().unwrap());
        }
        assert_eq!(came, [Message::Pong("?".into()), Message::Binary("sent".into())], "no pong is lost either");
    }
}
