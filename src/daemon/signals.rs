//! SIGTERM and SIGINT stop, a second one at once; SIGHUP says that a restart reads the config.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

/// The signals that a daemon hears.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Begins to listen; from here on no signal ends the process by itself.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal to stop, by name.
    pub async fn stop(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => warn!("SIGHUP: nothing is read anew; restart the bridge to apply the config"),
            }
        }
    }

    /// The one after it.
    pub async fn again(&mut self) {
        self.stop().await;
    }
}
