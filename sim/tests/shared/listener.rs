//! Reads an event stream, event by event.

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt as _;
use serde_json::Value;

/// One open stream.
pub struct Listener {
    body: BodyDataStream,
    unread: Vec<u8>,
}

impl Listener {
    /// Reads a response's body.
    pub fn of(body: Body) -> Self {
        Self { body: body.into_data_stream(), unread: Vec::new() }
    }

    /// The next frame's text (comments too), or `None` once the stream broke.
    pub async fn frame(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.unread.windows(2).position(|it| it == b"\n\n") {
                let frame: Vec<u8> = self.unread.drain(..at + 2).collect();
                return Some(String::from_utf8_lossy(&frame).trim_end().to_owned());
            }
            match self.body.next().await? {
                Ok(bytes) => self.unread.extend_from_slice(&bytes),
                Err(_broken) => return None,
            }
        }
    }

    /// The next event's name, id and data; comments are passed over.
    pub async fn event(&mut self) -> Option<(String, Option<String>, Value)> {
        loop {
            let frame = self.frame().await?;
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            if let (Some(name), Some(data)) = (field("event"), field("data")) {
                let data = serde_json::from_str(data).expect("JSON");
                return Some((name.to_owned(), field("id").map(Into::into), data));
            }
        }
    }

    /// Everything until the stream breaks.
    pub async fn rest(mut self) -> Vec<u8> {
        while let Some(Ok(bytes)) = self.body.next().await {
            self.unread.extend_from_slice(&bytes);
        }
        self.unread
    }
}
