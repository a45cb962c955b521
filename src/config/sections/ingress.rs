//! `[ingress]`: where platforms deliver their events.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::measure::{Size, Span};
use crate::ingress::{Bounds, PublicUrl};
use crate::serve::Limits;

/// `[ingress]`: a listener of its own for platforms' webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ingress {
    /// The address and port behind the public proxy; none by default, and then there is no listener.
    pub listen: Option<SocketAddr>,
    /// The origin, and a path if need be, under which platforms reach it.
    pub public_url: Option<PublicUrl>,
    /// The head of a request must come in this time; a connection that idles as long is closed.
    pub head: Span,
    /// The longest head of a request.
    pub head_bytes: Size,
    /// The largest delivery.
    pub body: Size,
    /// A delivery must come in this time.
    pub receive: Span,
    /// How long a delivery waits for its commit.
    pub wait: Span,
    /// Deliveries of one workspace that wait at once.
    pub waiting: usize,
    /// A write stuck this long closes the connection.
    pub stuck: Span,
    /// Connections at once.
    pub connections: u32,
    /// At a stop, answers that are under way have this long.
    pub drain: Span,
}

impl Default for Ingress {
    fn default() -> Self {
        Self {
            listen: None,
            public_url: None,
            head: Span::secs(10),
            head_bytes: Size(64 << 10),
            body: Size(1 << 20),
            receive: Span::secs(30),
            wait: Span::secs(10),
            waiting: 16,
            stuck: Span::secs(30),
            connections: 64,
            drain: Span::secs(3),
        }
    }
}

impl Ingress {
    /// Bounds of its connections.
    pub fn limits(&self) -> Limits {
        let Self { head, head_bytes, stuck, drain, .. } = self;
        Limits { head: head.0, head_bytes: head_bytes.bytes(), stuck: stuck.0, drain: drain.0 }
    }

    /// Bounds of one delivery.
    pub fn bounds(&self) -> Bounds {
        let (receive, wait): (Duration, Duration) = (self.receive.0, self.wait.0);
        Bounds { body: self.body.bytes(), receive, wait }
    }

    /// Either both places or none.
    pub(in crate::config) fn check(&self) -> Result<(), String> {
        match (&self.listen, &self.public_url) {
            (Some(_), None) => Err("`ingress.listen` needs `ingress.public_url`: the https origin under which \
                                    platforms reach it, as in \"https://bridge.example\""
                .into()),
            (None, Some(_)) => {
                Err("`ingress.public_url` needs `ingress.listen`: the address and port behind the public proxy, as in \
                     \"127.0.0.1:8585\""
                    .into())
            }
            _ => Ok(()),
        }
    }
}
