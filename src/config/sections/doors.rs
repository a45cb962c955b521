//! `[socket]` and `[http]`: the local doors.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::measure::{Size, Span};

/// `[socket]`: the agent's Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Socket {
    /// Users that may connect beside the daemon's own and root.
    pub uids: Vec<u32>,
    /// Primary groups whose users may connect; the socket is handed to the first.
    pub gids: Vec<u32>,
    /// Connections at once.
    pub connections: u32,
    /// Requests of one connection that are not answered yet.
    pub open_requests: u32,
    /// The longest line.
    pub line: Size,
    /// A write stuck this long closes the connection.
    pub stuck: Span,
    /// When a connection ends, answers that are under way have this long.
    pub last_answers: Span,
    /// Bytes of answers that a peer may leave unread; beyond that its connection is closed.
    pub unread: Size,
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            uids: Vec::new(),
            gids: Vec::new(),
            connections: 64,
            open_requests: 64,
            line: Size(1 << 20),
            stuck: Span::secs(30),
            last_answers: Span::secs(2),
            unread: Size(4 << 20),
        }
    }
}

/// `[http]`: the same verbs over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// A loopback address and port, beside `control.sock`; none by default.
    pub listen: Option<SocketAddr>,
    /// The file that holds the bearer token for `listen`.
    pub token_file: Option<PathBuf>,
    /// The head of a request must come in this time; a connection that idles as long is closed.
    pub head: Span,
    /// The longest head of a request.
    pub head_bytes: Size,
    /// The longest request body.
    pub body: Size,
    /// The body of a request must come in this time.
    pub receive: Span,
    /// A write stuck this long closes the connection.
    pub stuck: Span,
    /// Requests at once, watchers of the feed included.
    pub requests: u32,
    /// How often a watcher of the feed hears that the bridge is there.
    pub keepalive: Span,
    /// Connections of one door at once.
    pub connections: u32,
    /// At a stop, requests under way have this long.
    pub drain: Span,
    /// The longest an answer is held back for a receipt, on the agent's socket as well; at most 5 min.
    pub wait: Span,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: None,
            token_file: None,
            head: Span::secs(10),
            head_bytes: Size(64 << 10),
            body: Size(1 << 20),
            receive: Span::secs(30),
            stuck: Span::secs(30),
            requests: 256,
            keepalive: Span::secs(15),
            connections: 256,
            drain: Span::secs(3),
            wait: Span::secs(300),
        }
    }
}

impl Http {
    /// Bounds of the connections of one door.
    pub fn limits(&self) -> crate::serve::Limits {
        let Self { head, head_bytes, stuck, drain, .. } = self;
        crate::serve::Limits { head: head.0, head_bytes: head_bytes.bytes(), stuck: stuck.0, drain: drain.0 }
    }
}
