//! The agent's Unix socket: JSON-RPC 2.0, one object a line; answers before events; reading never waits for writing.

mod connection;
mod write;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::net::unix::UCred;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::bind::Bound;
use super::bridge::Bridge;
use super::problem::Problem;
use super::rpc;
use crate::config::sections::Socket;

/// Who may connect: checked against the credentials that the system vouches for (SO_PEERCRED, unix(7)).
#[derive(Clone, Debug)]
pub struct Peers {
    own: u32,
    uids: Vec<u32>,
    gids: Vec<u32>,
}

impl Peers {
    /// The daemon's own user, root, and these.
    pub fn new(uids: &[u32], gids: &[u32]) -> Self {
        Self { own: rustix::process::geteuid().as_raw(), uids: uids.to_vec(), gids: gids.to_vec() }
    }

    /// The daemon's own user and root.
    pub fn own() -> Self {
        Self::new(&[], &[])
    }

    /// Whether somebody with these may connect.
    pub fn admit(&self, uid: u32, gid: u32) -> bool {
        uid == self.own || uid == 0 || self.uids.contains(&uid) || self.gids.contains(&gid)
    }

    /// Whether the other end of this connection may be there.
    pub fn admits(&self, stream: &UnixStream) -> bool {
        let admitted = |peer: UCred| self.admit(peer.uid(), peer.gid());
        stream.peer_cred().is_ok_and(admitted)
    }
}

/// Bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests not answered yet.
    pub open_requests: usize,
    /// The longest line, in bytes.
    pub line: usize,
    /// A write stuck this long closes the connection.
    pub stuck: Duration,
    /// At the end, answers that are under way have this long.
    pub last_answers: Duration,
    /// Bytes of answers that a peer may leave unread. Beyond that it is deaf, and the connection ends.
    pub unread: usize,
}

impl From<&Socket> for Limits {
    fn from(config: &Socket) -> Self {
        let open_requests = usize::try_from(config.open_requests).unwrap_or(usize::MAX).clamp(1, 4_096);
        Self {
            open_requests,
            line: config.line.bytes(),
            stuck: config.stuck.0,
            last_answers: config.last_answers.0,
            unread: config.unread.bytes(),
        }
    }
}

/// Serves the agent's socket until told to stop; then ends every connection.
pub async fn serve(bound: Bound, bridge: Bridge, config: &Socket, token: CancellationToken) {
    let peers = Peers::new(&config.uids, &config.gids);
    let limits = Limits::from(config);
    let places = Arc::new(Semaphore::new(usize::try_from(config.connections).unwrap_or(64)));
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = token.cancelled() => break,
            Some(ended) = connections.join_next() => {
                resume(ended);
                continue;
            }
            accepted = bound.listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors: the next try would fail as fast as this one.
                    warn!(%error, "agent.sock: cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let Some(place) = admit(&stream, &peers, &places) else { continue };
        let (bridge, token) = (bridge.clone(), token.child_token());
        connections.spawn(async move {
            connection::serve(stream, bridge, limits, token).await;
            drop(place);
        });
    }
    while let Some(ended) = connections.join_next().await {
        resume(ended);
    }
}

/// A place for a peer that may connect; whoever gets none is told why.
fn admit(stream: &UnixStream, peers: &Peers, places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    if !peers.admits(stream) {
        warn!(peer = ?stream.peer_cred().ok(), "agent.sock: peer refused");
        refuse(stream, "forbidden", "this user may not connect: name it under [socket] uids or gids in the config");
        return None;
    }
    let place = places.clone().try_acquire_owned().ok();
    if place.is_none() {
        let message = "all connections are taken: close one, or raise [socket] connections";
        refuse(stream, "too_many_connections", message);
    }
    place
}

/// Passes a connection's panic on: it must end the daemon, not hide in a set.
fn resume(ended: Result<(), tokio::task::JoinError>) {
    match ended {
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        _ => debug!("agent.sock: connection closed"),
    }
}

/// One line of refusal, if the peer's buffer takes it: nobody waits for somebody who may not be here.
fn refuse(stream: &UnixStream, kind: &'static str, message: &str) {
    let line = rpc::answer(serde_json::value::RawValue::NULL, &Err(Problem::new(kind, message)));
    let _ = stream.try_write(&line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_the_own_user_root_and_whom_the_config_names() {
        let peers = Peers { own: 1_000, uids: vec![1_001], gids: vec![50] };
        for (uid, gid, admitted) in [(1_000, 9, true), (0, 0, true), (1_001, 9, true), (7, 50, true), (7, 9, false)] {
            assert_eq!(peers.admit(uid, gid), admitted, "{uid}:{gid}");
        }
    }
}
