//! `[network]` and `[session]`: requests to platforms, and signing in there.

use serde::{Deserialize, Serialize};

use crate::config::measure::{Size, Span};
use crate::http::Limits;
use crate::retry::Waits;
use crate::session::LoginWaits;

/// `[network]`: every request to a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// How long a name, a connection and a handshake may take together.
    pub connect: Span,
    /// How long one request may take, its answer included; for a stream: to its headers.
    pub request: Span,
    /// The longest body of an answer.
    pub body: Size,
    /// Requests under way at once, over all platforms; streams do not count.
    pub calls: u32,
    /// Idle connections kept for each platform.
    pub idle_connections: usize,
    /// How long they are kept.
    pub idle: Span,
}

impl Default for Network {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            connect: Span(limits.connect),
            request: Span(limits.request),
            body: Size(limits.body as u64),
            calls: u32::try_from(limits.calls).unwrap_or(u32::MAX),
            idle_connections: limits.idle_connections,
            idle: Span(limits.idle),
        }
    }
}

impl Network {
    /// As the network client takes it.
    pub fn limits(&self) -> Limits {
        Limits {
            connect: self.connect.0,
            request: self.request.0,
            body: self.body.bytes(),
            calls: usize::try_from(self.calls).unwrap_or(usize::MAX),
            idle_connections: self.idle_connections,
            idle: self.idle.0,
        }
    }
}

/// `[session]`: signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// The first wait after a login that failed; it doubles.
    pub first_wait: Span,
    /// The longest, unless the platform asks for more.
    pub longest_wait: Span,
}

impl Default for Session {
    fn default() -> Self {
        let LoginWaits(waits) = LoginWaits::default();
        Self { first_wait: Span(waits.first), longest_wait: Span(waits.longest) }
    }
}

impl Session {
    /// As the sessions take it.
    pub const fn waits(&self) -> LoginWaits {
        LoginWaits(Waits { first: self.first_wait.0, longest: self.longest_wait.0 })
    }
}
