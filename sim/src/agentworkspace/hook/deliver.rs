//! Carries each mention to the agent's URL: concurrently, with as many retries as the options say.

use std::time::Duration;

use tokio::task::JoinSet;

use super::{Delivery, HookFault, Waiting};
use crate::{
    agentworkspace::{Sim, options::Signing, world::World},
    post::{Letter, Way},
};

/// One attempt, ready to go.
struct Ready {
    way: Way,
    url: String,
    letter: Letter,
    timeout: Duration,
}

impl Sim {
    /// Delivers the webhooks that wait, and those to come, until it is dropped.
    /// [`Sim::serve`] does this by itself; in memory a test spawns it.
    pub fn deliver_hooks(&self) -> impl Future<Output = ()> + Send + 'static {
        let (sim, mut changed) = (self.clone(), self.changes());
        async move {
            let mut open = JoinSet::new();
            loop {
                // Looking first: a change for nothing would wake us again, and again.
                if !sim.look(|world| world.hooks.waiting.is_empty()) {
                    for waiting in sim.with(|world| std::mem::take(&mut world.hooks.waiting)) {
                        sim.set_out(&waiting, &mut open);
                    }
                }
                tokio::select! {
                    Ok(()) = changed.changed() => {}
                    Some(_) = open.join_next(), if !open.is_empty() => {}
                }
            }
        }
    }

    fn set_out(&self, waiting: &Waiting, open: &mut JoinSet<()>) {
        let fault = self.with(|world| world.hooks.strike());
        let (times, wait) = match &fault {
            Some(HookFault::Lose) => (0, Duration::ZERO),
            Some(HookFault::Delay { millis }) => (1, Duration::from_millis(*millis)),
            Some(HookFault::Duplicate { times }) => (times.saturating_add(1), Duration::ZERO),
            _ => (1, Duration::ZERO),
        };
        for _ in 0..times {
            let (sim, waiting, fault) = (self.clone(), waiting.clone(), fault.clone());
            open.spawn(async move {
                tokio::time::sleep(wait).await;
                sim.deliver(&waiting, fault).await;
            });
        }
    }

    async fn deliver(&self, waiting: &Waiting, fault: Option<HookFault>) {
        let mut waits = self.look(|world| world.options.hook_retries.clone()).into_iter();
        loop {
            let Some(ready) = self.with(|world| world.ready(waiting, fault.as_ref())) else {
                return;
            };
            let answer = ready.way.post(&ready.url, ready.letter, ready.timeout).await;
            let delivered = answer.as_ref().is_ok_and(|status| (200..300).contains(status));
            let (status, error) = answer.map_or_else(|error| (None, Some(error)), |status| (Some(status), None));
            self.with(|world| {
                let (mention, agent, at) = (waiting.mention.clone(), waiting.agent.clone(), world.now());
                world.hooks.done.push(Delivery { mention, agent, at, status, error, fault: fault.clone() });
            });
            let Some(wait) = waits.next().filter(|_| !delivered) else {
                return;
            };
            self.with(|world| world.served("hook.retry"));
            tokio::time::sleep(wait).await;
        }
    }
}

impl World {
    /// A mention's webhook waits for its way out; false where there is no mention or no URL.
    pub(in crate::agentworkspace) fn notify(&mut self, mention: &str) -> bool {
        let Some(mention) = self.mentions.iter().find(|it| it.id == mention).cloned() else {
            return false;
        };
        let Some((agent, url)) = self.agent_named(&mention.name).map(|it| (it.id.clone(), it.webhook_url.clone()))
        else {
            return false;
        };
        if url.is_none() {
            self.served("hook.none");
            return false;
        }
        self.hooks.waiting.push(Waiting { mention: mention.id, agent });
        true
    }

    fn ready(&mut self, waiting: &Waiting, fault: Option<&HookFault>) -> Option<Ready> {
        let agent = self.agents.get(&waiting.agent)?.clone();
        let mention = self.mentions.iter().find(|it| it.id == waiting.mention)?.clone();
        let letter = self.letter(&mention, &agent.webhook_secret, fault);
        if fault.is_none() {
            self.served("hook.body");
            self.served(match self.options.signing {
                Signing::Hex => "hook.signature",
                Signing::Prefixed => "hook.signature_prefixed",
                Signing::Base64 => "hook.signature_base64",
            });
        }
        Some(Ready { way: self.hooks.way.clone(), url: agent.webhook_url?, letter, timeout: self.options.hook_timeout })
    }
}
