//! A connection that counts what was read of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::upgrade::Pipe;

/// Bytes both ways, and how many came.
pub struct Counted {
    pipe: Box<dyn Pipe>,
    came: u64,
}

impl Counted {
    /// Nothing came yet.
    pub fn new(pipe: Box<dyn Pipe>) -> Self {
        Self { pipe, came: 0 }
    }

    /// One over which nothing comes or goes.
    pub(super) fn nowhere() -> Self {
        Self::new(Box::new(tokio::io::empty()))
    }

    /// Bytes that were read.
    pub const fn came(&self) -> u64 {
        self.came
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.pipe).poll_read(context, into);
        self.came += (into.filled().len() - before) as u64;
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}
