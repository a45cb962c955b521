//! One bounded request to one origin: no redirects across it, no waiting for ever, no body without a cap.
//!
//! [`Network`] is the seam a test replaces: the real one speaks HTTP, the other reaches a simulated platform in
//! memory, so that paused-time stories run in process.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use http::{HeaderMap, Method};

mod address;
mod answer;
mod counted;
mod origin;
mod private_url;
mod reach;
mod upgrade;
mod websocket;
mod wire;

pub use answer::NotJson;
pub use origin::{BadOrigin, Origin};
pub use private_url::PrivateUrl;
pub use reach::Reach;
pub use upgrade::{Pipe, Upgrade};
pub use websocket::{Handshake, NotAWebsocket, Socket, on_the_wire, slim};
pub use wire::{Reqwest, SetupError};

/// A request, complete but for the connection.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: Method,
    /// Where; prints its origin and path template only, never its query.
    pub url: PrivateUrl,
    /// Headers; what authorises is marked sensitive and does not print.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Body,
    /// How long and how much.
    pub bounds: Bounds,
    /// Its URL is all the credential it takes: the session adds none of its own.
    pub bare: bool,
}

/// What is sent.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes of one content type.
    Bytes {
        /// The content type.
        content_type: &'static str,
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes alone: the headers say what they are.
    Raw(Bytes),
    /// `multipart/form-data`.
    Multipart(Vec<FormPart>),
}

/// One part of a form.
#[derive(Clone, Debug)]
pub struct FormPart {
    /// The field.
    pub name: String,
    /// A file's name; `None` for a plain field.
    pub file_name: Option<String>,
    /// The bytes.
    pub bytes: Bytes,
}

/// How long a request may take, how much may come back, and where it may go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the first byte sent to the last received; for a stream: to its headers. `None`: as the network has it.
    pub whole: Option<Duration>,
    /// The longest silence in the body of a stream, as a last resort: a line judges by its own evidence, and a quiet
    /// stream may be well. Default a day.
    pub silence: Duration,
    /// The longest body, in bytes; `None`: as the network has it. Streams bound their frames instead.
    pub body: Option<usize>,
    /// Which addresses may be connected to. Default: any that a workspace can have, because the operator
    /// chose the origin.
    pub reach: Reach,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { whole: None, silence: Duration::from_hours(24), body: None, reach: Reach::Operator }
    }
}

/// Bounds of all requests of a bridge; each a key of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A name, a connection and a handshake together take no longer. Default 10 s.
    pub connect: Duration,
    /// A request that says nothing else takes no longer, its answer included. Default 30 s.
    pub request: Duration,
    /// The longest body of an answer, in bytes. Default 4 MiB.
    pub body: usize,
    /// Calls under way at once, over all origins; streams are bounded by the number of workspaces. A call that finds
    /// no room within its time was not sent. Default 512.
    pub calls: usize,
    /// Idle connections kept for calls, per origin. Default 4.
    pub idle_connections: usize,
    /// How long they are kept: shorter than the idle timeout of common proxies, so that few are found dead.
    /// Default 50 s.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
            body: 4 << 20,
            calls: 512,
            idle_connections: 4,
            idle: Duration::from_secs(50),
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, within the cap.
    pub body: Bytes,
}

/// An answer whose body goes on.
pub struct Stream {
    /// The status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, chunk by chunk.
    pub body: BoxStream<'static, Result<Bytes, Failure>>,
}

/// Why there is no answer. Never carries a URL's query or a header.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was sent: it did not happen.
    #[error("{host} cannot be reached ({why})")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the system said.
        why: String,
    },
    /// It was sent, wholly or in part, and the answer did not come whole: it may have happened.
    #[error("the answer of {host} was lost ({why})")]
    Lost {
        /// Host and port.
        host: String,
        /// What happened.
        why: String,
    },
    /// The answer is larger than the cap: it happened, and what it says is unknown.
    #[error("the answer of {host} is over {cap} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The cap.
        cap: usize,
    },
    /// The answer sends the request to another origin, where no credential goes.
    #[error("{host} redirects to another origin ({to}); the bridge does not follow")]
    Elsewhere {
        /// Host and port.
        host: String,
        /// The other origin.
        to: String,
    },
    /// The request may not be made at all (a forbidden address, a URL that is none).
    #[error("the request was not made: {0}")]
    Forbidden(String),
}

impl Failure {
    /// Whether the platform may have acted on the request.
    pub const fn may_have_happened(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::TooLarge { .. })
    }
}

/// The network, as the bridge uses it.
pub trait Network: Send + Sync + 'static {
    /// Sends a request and reads the whole answer, within its bounds.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, Failure>>;

    /// Sends a request and hands over the body as it comes.
    fn open(&self, request: Request) -> BoxFuture<'_, Result<Stream, Failure>>;

    /// Sends a request that asks for another protocol (RFC 9110, section 7.8) and hands over the connection where the
    /// platform switches. Follows no redirect. A network that only calls leaves it as it is.
    fn upgrade(&self, request: Request) -> BoxFuture<'_, Result<Upgrade, Failure>> {
        let host = request.url.host();
        Box::pin(async move { Err(Failure::Forbidden(format!("this network opens no other protocol to {host}"))) })
    }
}
