//! `control.sock`: peers are checked when they connect, and a bounded number of connections is held.

use std::io;

use axum::serve::Listener;
use tokio::net::UnixStream;
use tracing::warn;

use crate::api::bind::Bound;
use crate::api::socket::Peers;
use crate::serve::{Held, Places};

/// `control.sock`: the daemon's own user and root.
pub struct Control {
    bound: Bound,
    peers: Peers,
    places: Places,
}

impl Control {
    /// Serves on this socket, so many connections at once.
    pub fn new(bound: Bound, connections: u32) -> Self {
        Self { bound, peers: Peers::own(), places: Places::new(connections) }
    }
}

impl Listener for Control {
    type Io = Held<UnixStream>;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let place = self.places.free().await;
        loop {
            match self.bound.listener.accept().await {
                Ok((stream, address)) if self.peers.admits(&stream) => {
                    return (Held::new(stream, place), address);
                }
                Ok((stream, _)) => warn!(peer = ?stream.peer_cred().ok(), "control.sock: peer refused"),
                Err(error) => {
                    warn!(%error, "control.sock: cannot accept");
                    self.places.again().await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.bound.listener.local_addr()
    }
}
