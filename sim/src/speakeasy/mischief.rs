//! What a test has befall the platform: faults, dead tokens, late events, useless cursors.

use super::{Sim, poll::PollFault, record::GrantId};

impl Sim {
    /// The origin that URLs show from now on.
    pub fn set_url(&self, url: &str) {
        self.with(|world| world.options.url = url.trim_end_matches('/').into());
    }

    /// Every access token of a grant expires now.
    pub fn expire_access(&self, grant: GrantId) {
        self.with(|world| {
            let now = world.now();
            let held = world.grants.get_mut(&grant).into_iter().flat_map(|it| &mut it.access);
            held.for_each(|it| it.expires = it.expires.min(now));
        });
    }

    /// The refresh token of a grant expires now.
    pub fn expire_refresh(&self, grant: GrantId) {
        self.with(|world| {
            let now = world.now();
            world.grants.get_mut(&grant).map(|it| it.refresh.expires = now)
        });
    }

    /// Arms a fault of polls.
    pub fn poll_fault(&self, fault: PollFault) {
        self.with(|world| world.poll_faults.push(fault));
    }

    /// Disarms every fault.
    pub fn clear_faults(&self) {
        self.with(|world| {
            world.ledger.faults.clear();
            world.poll_faults.clear();
        });
    }

    /// The next `count` events get their ids now and are seen by nobody before [`Sim::show_events`].
    pub fn hold_events(&self, count: u32) {
        self.with(|world| world.hold_events += count);
    }

    /// Events that were held become visible, at their places; those that listen hear them now.
    pub fn show_events(&self) {
        self.with(|world| {
            world.show_events();
            world.served("events.late");
        });
    }

    /// Every cursor that was given so far is malformed from now on.
    pub fn invalidate_cursors(&self) {
        self.with(|world| world.cursor_epoch += 1);
    }

    /// Every cursor that was given so far is too old for the cable, also the newest; polling takes it.
    pub fn age_cursors(&self) {
        self.with(|world| world.replay_floor = world.last_event + 1);
    }

    /// No event so far is replayed over the cable any more: a cursor that would miss one is too old.
    pub fn age_events(&self) {
        self.with(|world| world.replay_gone = world.last_event);
    }
}
