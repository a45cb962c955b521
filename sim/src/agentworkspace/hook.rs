//! The webhook of a mention: at once, best effort, to the agent's `webhookUrl`.

use axum::Router;
use serde::{Deserialize, Serialize};

use super::{
    Sim,
    record::{AgentId, MentionId},
};
use crate::{
    armed::{Turn, strike},
    post::Way,
};

mod deliver;
mod letter;

/// What goes wrong with a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum HookFault {
    /// Never sent.
    Lose,
    /// Sent later.
    Delay {
        /// How much, in milliseconds.
        millis: u64,
    },
    /// Sent more than once.
    Duplicate {
        /// How often beyond the first.
        times: u32,
    },
    /// Signed with somebody else's secret.
    WrongSignature,
    /// Not signed.
    NoSignature,
    /// A body that is no JSON, rightly signed.
    NotJson,
    /// The connection closes in mid-body.
    HalfBody,
}

/// One webhook as it went out, and its end.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// About which mention.
    pub mention: MentionId,
    /// To whom.
    pub agent: AgentId,
    /// When it was answered, in milliseconds since 1970.
    pub at: u64,
    /// The answer's status.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    /// The fault that struck.
    pub fault: Option<HookFault>,
}

/// Webhooks to come and those that were.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) way: Way,
    pub(crate) turns: Vec<Turn<HookFault>>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) done: Vec<Delivery>,
}

/// A webhook that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) mention: MentionId,
    pub(crate) agent: AgentId,
}

impl Hooks {
    pub(crate) fn strike(&mut self) -> Option<HookFault> {
        strike(&mut self.turns, |_| true)
    }
}

impl Sim {
    /// Strikes the next webhook, once.
    pub fn hook_fault(&self, fault: HookFault) {
        self.arm_hook(Turn::next(fault));
    }

    /// Arms a fault of the webhooks.
    pub fn arm_hook(&self, turn: Turn<HookFault>) {
        self.with(|world| world.hooks.turns.push(turn));
    }

    /// Forgets every fault of the webhooks that waits.
    pub fn heal_hooks(&self) {
        self.with(|world| world.hooks.turns.clear());
    }

    /// Sends webhooks into a router in memory from now on, whatever host their URL names.
    pub fn hooks_into(&self, router: Router) {
        self.with(|world| world.hooks.way = Way::Router(router));
    }

    /// Sends a mention's webhook once more; false when the mention or its agent's URL is not there.
    pub fn replay_hook(&self, mention: &str) -> bool {
        self.with(|world| world.notify(mention))
    }

    /// Every webhook that was sent, in the order of their ends.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.look(|world| world.hooks.done.clone())
    }
}
