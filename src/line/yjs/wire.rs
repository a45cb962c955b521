//! A websocket as a live document uses it: frames out, frames in, and every end of it in words.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;

use crate::http::Socket;

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
    unsent: VecDeque<Message>,
    unflushed: bool,
}

impl Wire {
    pub const fn new(socket: Socket) -> Self {
        Self { socket, unsent: VecDeque::new(), unflushed: false }
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
        match next.await {
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
