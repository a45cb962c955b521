//! Feeds systemd's watchdog from the progress of the loops: who does not answer starves it.

use std::path::PathBuf;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::deliver::Consumers;
use crate::store::Store;
use crate::workspace::Roster;

/// The loops that must make progress.
pub struct Loops {
    /// Its writer must come to a question.
    pub store: Store,
    /// Each consumer's task must answer.
    pub consumers: Consumers,
    /// Its own loop must answer, and each workspace's task, line and outbox.
    pub roster: Roster,
    /// Each socket must accept.
    pub sockets: Vec<PathBuf>,
}

impl Loops {
    /// One round, which commits nothing: the first loop that had not answered when `within` was over. A loop that has
    /// ended is not stuck; whether it may end is others' affair.
    pub async fn stuck(&self, within: Duration) -> Option<String> {
        let end = Instant::now() + within;
        // An error is a store that has failed, which ends the daemon by another way.
        let mut stuck = late(end, "the store's writer", self.store.probe()).await;
        for handle in self.consumers.handles() {
            let answers = async { drop(handle.status().await) };
            stuck = stuck.or(late(end, &format!("consumer `{}`", handle.name()), answers).await);
        }
        stuck = stuck.or(late(end, "the roster", self.roster.beats()).await);
        for (what, pulse) in self.roster.pulses() {
            stuck = stuck.or(late(end, &what, pulse.beats()).await);
        }
        for socket in &self.sockets {
            stuck = stuck.or(late(end, &socket.display().to_string(), accepts(socket)).await);
        }
        stuck
    }
}

/// The name of what is not done at `end`.
async fn late<T>(end: Instant, what: &str, work: impl Future<Output = T>) -> Option<String> {
    timeout_at(end, work).await.is_err().then(|| what.to_owned())
}

/// Returns when the socket takes a connection: one that refuses is asked again until the round is over.
async fn accepts(socket: &PathBuf) {
    while UnixStream::connect(socket).await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Runs until told to stop; does nothing where systemd did not ask for it.
pub async fn run(loops: Loops, token: CancellationToken) {
    let Some(interval) = sd_notify::watchdog_enabled() else {
        return token.cancelled().await;
    };
    // Outside systemd nobody listens, which is no error.
    feed(&loops, interval, &token, || drop(sd_notify::notify(&[NotifyState::Watchdog]))).await;
}

/// Feeds after each round in which every loop got on; twice in `interval`, whatever else the machine does.
async fn feed(loops: &Loops, interval: Duration, token: &CancellationToken, feed: impl Fn()) {
    loop {
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(interval / 3) => {}
        }
        match loops.stuck(interval / 3).await {
            None => feed(),
            Some(what) => warn!("{what} does not get on; systemd will restart the bridge if that lasts"),
        }
    }
}

#[cfg(test)]
mod tests;
