//! What a test has befall the platform.

use super::Sim;

impl Sim {
    /// The origin that URLs show from now on.
    pub fn set_url(&self, url: &str) {
        self.with(|world| world.options.url = url.trim_end_matches('/').into());
    }

    /// Disarms every fault of requests, webhooks and live documents.
    pub fn clear_faults(&self) {
        self.with(|world| {
            world.ledger.faults.clear();
            world.hooks.turns.clear();
            world.live.turns.clear();
        });
    }
}
