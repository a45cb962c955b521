//! Webhooks: every event of a grant with a callback URL, each on its own way there, best effort.

use axum::Router;

use super::{Sim, armed::Turn};
use crate::post::{self, Way};

mod deliver;
mod fault;
mod letter;
mod state;

pub use fault::{HookFault, Rewriting, Signature};
pub(crate) use letter::padded;
pub(crate) use state::Hooks;
pub use state::{Attempt, Delivery, Fate};

impl Sim {
    /// Strikes the next delivery or attempt, once.
    pub fn hook_fault(&self, fault: HookFault) {
        self.arm_hook(Turn::next(fault));
    }

    /// Arms a fault of the webhooks.
    pub fn arm_hook(&self, turn: Turn<HookFault>) {
        self.with(|world| world.push.hooks.turns.push(turn));
    }

    /// Forgets every fault of the webhooks that waits.
    pub fn heal_hooks(&self) {
        self.with(|world| world.push.hooks.turns.clear());
    }

    /// Sends webhooks into a router in memory from now on, whatever host their URL names: over sockets,
    /// paused time would run away.
    pub fn hooks_into(&self, router: Router) {
        self.with(|world| world.push.hooks.way = Way::Router(router));
    }

    /// Sends an event's delivery once more exactly as it first was, signature and timestamp too.
    /// False when there was none. [`Sim::deliver_hooks`] must be running.
    pub fn replay_hook(&self, event: u64) -> bool {
        self.with(|world| world.push.hooks.replay(event))
    }

    /// Every delivery and what became of it; by event id.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.look(|world| world.deliveries().cloned().collect())
    }
}
