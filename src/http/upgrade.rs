//! A connection that no longer speaks HTTP.

use std::fmt;

use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes both ways.
pub trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// What came of asking for another protocol.
pub struct Upgrade {
    /// The status; 101 where the platform switched.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// The connection, where the platform switched.
    pub pipe: Option<Box<dyn Pipe>>,
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").field("status", &self.status).finish_non_exhaustive()
    }
}
