//! Feeds systemd's watchdog from the progress of the loops: who does not answer starves it.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::deliver::Consumers;
use crate::store::{Batch, Store};

/// The loops that must make progress.
pub struct Loops {
    /// Its writer must take a batch.
    pub store: Store,
    /// Each consumer's task must answer.
    pub consumers: Consumers,
    /// Each socket must accept.
    pub sockets: Vec<std::path::PathBuf>,
}

impl Loops {
    /// One round: returns the first loop that did not get on within `within`.
    pub async fn stuck(&self, within: Duration) -> Option<String> {
        // An empty batch passes through the writer's queue: it answers only if the writer gets on.
        let writer = async { self.store.commit(Batch::new()).await.is_ok() };
        if !in_time(within, writer).await {
            return Some("the store's writer".to_owned());
        }
        for handle in self.consumers.handles() {
            // A consumer that was removed meanwhile is gone, not stuck.
            let answers = async { handle.status().await.is_ok() || self.consumers.get(handle.name()).is_err() };
            if !in_time(within, answers).await {
                return Some(format!("consumer `{}`", handle.name()));
            }
        }
        for socket in &self.sockets {
            let accepts = async { UnixStream::connect(socket).await.is_ok() };
            if !in_time(within, accepts).await {
                return Some(socket.display().to_string());
            }
        }
        None
    }
}

async fn in_time(within: Duration, work: impl Future<Output = bool>) -> bool {
    tokio::time::timeout(within, work).await.unwrap_or(false)
}

/// Runs until told to stop; does nothing where systemd did not ask for it.
pub async fn run(loops: Loops, token: CancellationToken) {
    let Some(interval) = sd_notify::watchdog_enabled() else {
        return token.cancelled().await;
    };
    loop {
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(interval / 3) => {}
        }
        match loops.stuck(interval / 3).await {
            // Outside systemd nobody listens, which is no error.
            None => drop(sd_notify::notify(&[NotifyState::Watchdog])),
            Some(what) => warn!("{what} does not get on; systemd will restart the bridge if that lasts"),
        }
    }
}
