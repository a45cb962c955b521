//! What a test has befall the platform.

use super::{Options, Sim};

impl Sim {
    /// The origin that URLs show from now on.
    pub fn set_url(&self, url: &str) {
        self.with(|world| world.options.url = url.trim_end_matches('/').into());
    }

    /// Changes switches in mid-run.
    pub fn reconfigure(&self, change: impl FnOnce(&mut Options)) {
        self.with(|world| change(&mut world.options));
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
