//! A websocket as a cable uses it: texts out, messages in, and every end of it by name.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};

use super::fault::Fault;
use crate::http::Socket;

/// What came.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A text.
    Text(String),
    /// Bytes, which this protocol has no use for.
    Bytes,
    /// A ping or a pong of the websocket itself; answered already.
    Beat,
}

/// An open websocket. Dropping the future of [`Self::next`] loses nothing, neither way.
pub(super) struct Wire {
    socket: Socket,
    /// Not taken over by the socket yet; a few commands at most.
    unsent: Vec<String>,
    unflushed: bool,
    cap: usize,
}

impl Wire {
    /// Over a socket that takes at most `cap` bytes a message.
    pub const fn new(socket: Socket, cap: usize) -> Self {
        Self { socket, unsent: Vec::new(), unflushed: false, cap }
    }

    /// Sends a text while [`Self::next`] waits. A text that the server has not even taken yet is not queued twice.
    pub fn send(&mut self, text: String) {
        if !self.unsent.contains(&text) {
            self.unsent.push(text);
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Result<Incoming, Fault> {
        let cap = self.cap;
        let next = poll_fn(|context| {
            if let Poll::Ready(Err(error)) = self.poll_send(context) {
                return Poll::Ready(Some(Err(error)));
            }
            self.socket.poll_next_unpin(context)
        });
        match next.await {
            Some(Ok(Message::Text(text))) => Ok(Incoming::Text(text.as_str().to_owned())),
            Some(Ok(Message::Binary(_))) => Ok(Incoming::Bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Incoming::Beat),
            Some(Ok(Message::Close(_))) => {
                // The answer to it is written by the next poll.
                let _ = self.socket.next().now_or_never();
                Err(Fault::Closed)
            }
            Some(Err(error)) => Err(fault(&error, cap)),
            None => Err(Fault::Closed),
        }
    }

    /// Says goodbye, if that can be said at once.
    pub fn close(mut self) {
        let _ = self.socket.close(None).now_or_never();
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.unsent.is_empty() {
            std::task::ready!(self.socket.poll_ready_unpin(context))?;
            let text = self.unsent.remove(0);
            self.socket.start_send_unpin(Message::text(text))?;
            self.unflushed = true;
        }
        if self.unflushed {
            std::task::ready!(self.socket.poll_flush_unpin(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// None of these words can hold what a message held.
fn fault(error: &Error, cap: usize) -> Fault {
    match error {
        Error::Capacity(_) => Fault::TooLarge(cap),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Fault::Closed,
        Error::Io(error) => Fault::Broken(error.kind().to_string()),
        Error::Protocol(error) => Fault::Broken(error.to_string()),
        Error::Utf8(_) => Fault::Broken("a text is not UTF-8".to_owned()),
        _ => Fault::Broken("it does not speak websocket".to_owned()),
    }
}
