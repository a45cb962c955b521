//! Carries each event to its callback URL: concurrently, with retries, best effort.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{sync::broadcast::error::RecvError, task::JoinSet, time::Instant};

use super::{
    fault::HookFault,
    letter::{Draft, Letter},
    post::Way,
    state::{Attempt, Fate},
};
use crate::speakeasy::{Sim, events::StoredEvent, transport::Transport, wire, world::World};

/// How a delivery sets out.
enum Start {
    /// Not at all.
    Never,
    /// So many times at once, after a wait.
    Now { times: u32, wait: Duration },
    /// Together with those that were held back.
    Batch(Vec<StoredEvent>),
}

/// One attempt, ready to go.
struct Ready {
    way: Way,
    url: String,
    letter: Letter,
    fault: Option<HookFault>,
    timeout: Duration,
    replayed: bool,
}

impl Sim {
    /// Delivers the events that happen from this call on, until it is dropped.
    /// [`Sim::serve`] does this by itself; in memory a test spawns it.
    pub fn deliver_hooks(&self) -> impl Future<Output = ()> + Send + 'static {
        let (sim, mut changed) = (self.clone(), self.changes());
        let mut news = self.look(World::hear_events);
        async move {
            // Whatever an earlier run was sending ended with it.
            sim.with(|world| world.push.hooks.in_flight = 0);
            let mut open = JoinSet::new();
            loop {
                tokio::select! {
                    news = news.recv() => match news {
                        Ok(event) => sim.set_out(&event, &mut open),
                        // Best effort: what overran the queue is for polling to find.
                        Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return,
                    },
                    Ok(()) = changed.changed() => sim.replay_all(&mut open),
                    Some(_) = open.join_next(), if !open.is_empty() => {}
                }
            }
        }
    }

    fn set_out(&self, event: &StoredEvent, open: &mut JoinSet<()>) {
        let sim = self.clone();
        match self.with(|world| world.start(event)) {
            Start::Never => {}
            Start::Now { times, wait } => {
                for _ in 0..times {
                    let (sim, event) = (sim.clone(), event.clone());
                    open.spawn(async move { sim.deliver(&event, wait).await });
                }
            }
            Start::Batch(events) => {
                open.spawn(async move { sim.deliver_in_turn(&events).await });
            }
        }
    }

    fn replay_all(&self, open: &mut JoinSet<()>) {
        // Looking first: a change for nothing would wake us again, and again.
        if self.look(|world| world.push.hooks.replays.is_empty()) {
            return;
        }
        for event in self.with(|world| std::mem::take(&mut world.push.hooks.replays)) {
            let sim = self.clone();
            open.spawn(async move {
                let ready = sim.with(|world| world.ready_again(event));
                sim.send(event, ready).await;
            });
        }
    }

    async fn deliver(&self, event: &StoredEvent, wait: Duration) {
        tokio::time::sleep(wait).await;
        if !self.attempt(event, false).await {
            self.retry(event).await;
        }
    }

    /// Each after the answer to the one before; the retries come after all of them.
    async fn deliver_in_turn(&self, events: &[StoredEvent]) {
        let mut failed = Vec::new();
        for event in events {
            if !self.attempt(event, false).await {
                failed.push(self.retry(event));
            }
        }
        join_all(failed).await;
    }

    async fn retry(&self, event: &StoredEvent) {
        for wait in self.look(|world| world.push.options.hook_retries.clone()) {
            tokio::time::sleep(wait).await;
            if self.attempt(event, true).await {
                return;
            }
        }
        self.with(|world| {
            world.served("hook.given_up");
            if let Some(delivery) = world.push.hooks.delivery(event.id) {
                delivery.give_up();
            }
        });
    }

    async fn attempt(&self, event: &StoredEvent, again: bool) -> bool {
        let ready = self.with(|world| world.ready(event, again));
        self.send(event.id, ready).await
    }

    async fn send(&self, event: u64, ready: Option<Ready>) -> bool {
        let Some(ready) = ready else {
            return false;
        };
        let answer = ready.way.post(&ready.url, ready.letter, ready.timeout).await;
        self.with(|world| {
            world.push.hooks.in_flight = world.push.hooks.in_flight.saturating_sub(1);
            let (status, error) = answer.map_or_else(|error| (None, Some(error)), |status| (Some(status), None));
            let attempt = Attempt { at: world.now(), status, error, fault: ready.fault, replayed: ready.replayed };
            let delivered = attempt.delivered();
            if let Some(delivery) = world.push.hooks.delivery(event) {
                delivery.tried(attempt);
            }
            delivered
        })
    }
}

impl World {
    fn start(&mut self, event: &StoredEvent) -> Start {
        if self.callback_url(event.grant).is_none() {
            self.served("hook.no_callback");
            return Start::Never;
        }
        if !self.may(event.grant, "event_webhooks") {
            self.served("hook.no_capability");
            return Start::Never;
        }
        let fault = self.push.hooks.strike_delivery();
        let fate = if fault == Some(HookFault::Lose) { Fate::Lost } else { Fate::Pending };
        self.push.hooks.begin(event, fate);
        let due = self.push.transports.due(event.id, Transport::Webhook);
        let wait = due.map_or(Duration::ZERO, |due| due.saturating_duration_since(Instant::now()));
        let in_time = Start::Now { times: 1, wait };
        match fault {
            Some(HookFault::Lose) => Start::Never,
            Some(HookFault::Delay { millis }) => Start::Now { times: 1, wait: wait + Duration::from_millis(millis) },
            Some(HookFault::Duplicate { times }) => Start::Now { times: times.saturating_add(1), wait },
            Some(HookFault::Shuffle { events }) => self.hold_back(event, events),
            _ if self.push.hooks.shuffling.is_some() => self.hold_back(event, 0),
            _ => in_time,
        }
    }

    /// Adds to those held back; `size` counts when it is the first.
    fn hold_back(&mut self, event: &StoredEvent, size: usize) -> Start {
        let hooks = &mut self.push.hooks;
        let (size, mut held) = hooks.shuffling.take().unwrap_or((size, Vec::new()));
        held.push(event.clone());
        if held.len() < size {
            hooks.shuffling = Some((size, held));
            return Start::Never;
        }
        held.reverse();
        self.served("hook.out_of_order");
        Start::Batch(held)
    }

    fn ready(&mut self, event: &StoredEvent, again: bool) -> Option<Ready> {
        let (url, secret) = (self.callback_url(event.grant)?, self.webhook_secret(event.grant)?);
        let fault = self.push.hooks.strike_attempt();
        let (grant, time) = (event.grant.to_string(), wire::time(self.now()));
        let draft = Draft { envelope: &event.body, secret: &secret, grant: &grant, event: event.id, time: &time };
        let letter = draft.letter(fault.as_ref());
        self.note_sending(event, again, fault.as_ref());
        self.push.hooks.delivery(event.id)?.sends(&letter);
        self.push.transports.shows(event.id, Transport::Webhook);
        Some(self.posted(url, letter, fault, false))
    }

    fn ready_again(&mut self, event: u64) -> Option<Ready> {
        let delivery = self.push.hooks.delivery(event)?;
        let (grant, letter) = (delivery.grant, delivery.first()?);
        let url = self.callback_url(grant)?;
        self.served("hook.replayed");
        Some(self.posted(url, letter, None, true))
    }

    fn posted(&mut self, url: String, letter: Letter, fault: Option<HookFault>, replayed: bool) -> Ready {
        let hooks = &mut self.push.hooks;
        hooks.in_flight += 1;
        if hooks.in_flight > 1 {
            self.ledger.served.insert("hook.concurrent");
        }
        let (way, timeout) = (self.push.hooks.way.clone(), self.push.options.hook_timeout);
        Ready { way, url, letter, fault, timeout, replayed }
    }

    fn note_sending(&mut self, event: &StoredEvent, again: bool, fault: Option<&HookFault>) {
        let lines: &[&'static str] = match fault {
            None => &["hook.envelope", "hook.headers", "hook.signature"],
            Some(HookFault::OtherHeaders) => &["hook.unsigned_headers"],
            Some(_) => &[],
        };
        self.ledger.served.extend(lines);
        if again {
            self.served("hook.retry");
        }
        if self.grant(event.grant).is_some_and(|grant| grant.revoked) && event.event_type == "grant.revoked" {
            self.served("hook.revoked");
        }
    }
}
