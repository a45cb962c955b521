//! All consumers of one bridge: made, changed and removed here, never by a typo.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::Refusal;
use super::check::{PutError, check};
use super::handle::{Command, ConsumerHandle, Letter, Status};
use super::retention::{self, Times};
use super::room::{OnFull, Room};
use super::task::{Ground, Task};
use super::webhook::{self, Poster};
use crate::consumer::{Consumer, Webhook};
use crate::store::{Batch, Change, StoreError};

struct Entry {
    handle: ConsumerHandle,
    /// Ends the poster, where there is one.
    poster: CancellationToken,
    /// What the poster was made of.
    webhook: Option<(Webhook, Duration)>,
}

struct Inner {
    ground: Ground,
    entries: Mutex<BTreeMap<String, Entry>>,
    /// One change of the set at a time.
    changing: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    stop: CancellationToken,
    fault: watch::Sender<Option<Arc<str>>>,
    on_full: OnFull,
    dropped: AtomicU64,
}

/// Every consumer of the bridge. Cheap to clone.
#[derive(Clone)]
pub struct Consumers(Arc<Inner>);

impl Consumers {
    /// Starts what the store knows: a task for each consumer, its poster where it has a webhook, and retention. Needs
    /// a tokio runtime around it.
    pub fn start(ground: Ground, times: Times) -> Result<Self, StoreError> {
        let consumers = Self(Arc::new(Inner {
            entries: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            fault: watch::channel(None).0,
            on_full: times.on_full,
            dropped: AtomicU64::new(0),
            ground,
        }));
        for consumer in consumers.0.ground.store.consumers()? {
            consumers.run(consumer)?;
        }
        let (store, stop) = (consumers.0.ground.store.clone(), consumers.0.stop.clone());
        consumers.spawn("retention", retention::run(consumers.clone(), store, times, stop));
        Ok(consumers)
    }

    /// Makes a consumer, or changes one: what it began with and whether it is disabled stay as they are. Returns the
    /// signing secret where a webhook is new: it is shown once.
    pub async fn put(&self, consumer: Consumer) -> Result<Option<SecretString>, PutError> {
        check(&consumer)?;
        let (all, gone) = (self.clone(), Refusal::Gone(consumer.name.clone()));
        self.whole(async move { all.put_checked(consumer).await }).await.unwrap_or(Err(gone.into()))
    }

    async fn put_checked(&self, consumer: Consumer) -> Result<Option<SecretString>, PutError> {
        let _one = self.0.changing.lock().await;
        let secret = self.first_secret(&consumer).await?;
        if let Ok(handle) = self.get(&consumer.name) {
            self.change(&handle, consumer).await?;
        } else {
            self.0.ground.store.commit(Batch::new().with(Change::Consumer(Box::new(consumer.clone())))).await?;
            self.run(consumer)?;
        }
        Ok(secret)
    }

    async fn change(&self, handle: &ConsumerHandle, consumer: Consumer) -> Result<(), PutError> {
        let (name, webhook) = (consumer.name.clone(), consumer.webhook.clone());
        let wait = consumer.ack_wait();
        handle.ask(|answer| Command::Put { consumer: Box::new(consumer), answer }).await?;
        let wanted = webhook.clone().map(|webhook| (webhook, wait));
        if self.entries().get(&name).is_some_and(|entry| entry.webhook != wanted) {
            self.repost(&name, webhook, wait);
        }
        Ok(())
    }

    /// Removes a consumer with its marks, dead letters and secrets; its reader is told.
    pub async fn remove(&self, name: &str) -> Result<(), Refusal> {
        let (all, of) = (self.clone(), name.to_owned());
        let removed = self.whole(async move {
            let _one = all.0.changing.lock().await;
            all.get(&of)?.ask(|answer| Command::Remove { answer }).await?;
            if let Some(entry) = all.entries().remove(&of) {
                entry.poster.cancel();
            }
            Ok(())
        });
        removed.await.unwrap_or_else(|| Err(Refusal::Gone(name.to_owned())))
    }

    /// Switches a consumer off, with a reason, or on again.
    pub async fn switch(&self, name: &str, disabled: Option<String>) -> Result<(), Refusal> {
        let (all, of) = (self.clone(), name.to_owned());
        let switched = self.whole(async move {
            let _one = all.0.changing.lock().await;
            let on = disabled.is_none();
            let consumer = all.get(&of)?.ask(|answer| Command::Switch { disabled, answer }).await?;
            if on && consumer.webhook.is_some() {
                all.repost(&of, consumer.webhook.clone(), consumer.ack_wait());
            }
            Ok(())
        });
        switched.await.unwrap_or_else(|| Err(Refusal::Gone(name.to_owned())))
    }

    /// A new signing secret. The one before it signs as well until [`Consumers::retire_secret`].
    pub async fn rotate_secret(&self, name: &str) -> Result<SecretString, Refusal> {
        let _one = self.0.changing.lock().await;
        self.get(name)?;
        let (owner, secret) = (webhook::owner(name), webhook::fresh_secret());
        let before = self.0.ground.store.secret(&owner, webhook::SECRET)?;
        let set = |field: &str, value| Change::Secret { owner: owner.clone(), field: field.to_owned(), value };
        let batch = Batch::new().with(set(webhook::SECRET_BEFORE, before));
        self.0.ground.store.commit(batch.with(set(webhook::SECRET, Some(secret.clone())))).await?;
        Ok(secret)
    }

    /// Ends a rotation: only the new secret signs.
    pub async fn retire_secret(&self, name: &str) -> Result<(), Refusal> {
        self.get(name)?;
        let (owner, field) = (webhook::owner(name), webhook::SECRET_BEFORE.to_owned());
        self.0.ground.store.commit(Batch::new().with(Change::Secret { owner, field, value: None })).await?;
        Ok(())
    }

    /// One consumer.
    pub fn get(&self, name: &str) -> Result<ConsumerHandle, Refusal> {
        let handle = self.entries().get(name).map(|entry| entry.handle.clone());
        handle.ok_or_else(|| Refusal::NoSuchConsumer(name.chars().take(80).collect()))
    }

    /// Dead letters of a consumer, oldest first, at most `count`; a retried one stays among them until it is settled.
    pub fn dead(&self, name: &str, count: usize) -> Result<Vec<Letter>, Refusal> {
        self.get(name)?;
        Ok(self.0.ground.store.dead(name, count)?)
    }

    /// How each stands, by name.
    pub async fn status(&self) -> Vec<Status> {
        let asked = self.handles().into_iter().map(|handle| async move { handle.status().await.ok() });
        futures_util::future::join_all(asked).await.into_iter().flatten().collect()
    }

    /// All handles, by name.
    pub fn handles(&self) -> Vec<ConsumerHandle> {
        self.entries().values().map(|entry| entry.handle.clone()).collect()
    }

    /// One pass of retention, now.
    pub async fn retain(&self, times: Times) -> Result<(), StoreError> {
        // A consumer made meanwhile would begin with what is about to go.
        let _one = self.0.changing.lock().await;
        retention::pass(self, &self.0.ground.store, &self.0.ground.clock, times).await
    }

    /// Forgets the oldest events, for there is no room.
    pub(super) async fn make_room(&self, room: &mut Room) -> Result<(), StoreError> {
        let _one = self.0.changing.lock().await;
        let dropped = retention::make_room(self, &self.0.ground.store, room).await?;
        let before = self.0.dropped.fetch_add(dropped, Ordering::Relaxed);
        if dropped > 0 {
            room.tell_drop(before + dropped);
        }
        Ok(())
    }

    /// Events forgotten before their time since the start, for want of room.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// What happens at the disk budget.
    pub fn on_full(&self) -> OnFull {
        self.0.on_full
    }

    /// Returns when something here failed for good (the store, or a bug), with words for the log: the bridge stops.
    pub async fn failed(&self) -> Arc<str> {
        let mut fault = self.0.fault.subscribe();
        let seen = fault.wait_for(Option::is_some).await.ok().and_then(|fault| fault.clone());
        seen.unwrap_or_else(|| "consumers are gone".into())
    }

    /// The bridge is about to stop: ends all readers, which is no failed attempt of what they hold. Calls, acks among
    /// them, count until [`Consumers::stop`].
    pub async fn end_readers(&self) {
        for handle in self.handles() {
            // One that is gone has no reader.
            drop(handle.ask(|answer| Command::End { answer }).await);
        }
    }

    /// Ends all readers, commits what is left, and waits for it.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn run(&self, consumer: Consumer) -> Result<(), StoreError> {
        let (name, webhook, wait) = (consumer.name.clone(), consumer.webhook.clone(), consumer.ack_wait());
        let (task, handle) = Task::open(self.0.ground.clone(), consumer)?;
        self.spawn("consumer", task.run(self.0.stop.clone()));
        let entry = Entry { handle, poster: CancellationToken::new(), webhook: None };
        self.entries().insert(name.clone(), entry);
        self.repost(&name, webhook, wait);
        Ok(())
    }

    /// Ends a consumer's poster and starts one for what its webhook is now.
    fn repost(&self, name: &str, webhook: Option<Webhook>, ack_wait: Duration) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(name) else { return };
        entry.poster.cancel();
        entry.poster = self.0.stop.child_token();
        entry.webhook = webhook.clone().map(|webhook| (webhook, ack_wait));
        let Some(webhook) = webhook else { return };
        match Poster::new(&webhook, ack_wait, entry.handle.clone(), self.0.ground.clone()) {
            Ok(poster) => self.spawn("webhook", poster.run(entry.poster.clone())),
            Err(bad) => tracing::error!(consumer = name, %bad, "nothing is delivered to this webhook"),
        }
    }

    async fn first_secret(&self, consumer: &Consumer) -> Result<Option<SecretString>, StoreError> {
        let (owner, field) = (webhook::owner(&consumer.name), webhook::SECRET);
        if consumer.webhook.is_none() || self.0.ground.store.secret(&owner, field)?.is_some() {
            return Ok(None);
        }
        let secret = webhook::fresh_secret();
        let change = Change::Secret { owner, field: field.to_owned(), value: Some(secret.clone()) };
        self.0.ground.store.commit(Batch::new().with(change)).await?;
        Ok(Some(secret))
    }

    /// Does all of a change although its caller may go away in the middle of it: a consumer that is in the store runs,
    /// and one that was removed is gone here too. `None` where it panicked.
    async fn whole<T: Send + 'static>(&self, change: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.spawn("change", async move {
            // Who asked may be gone.
            drop(tell.send(change.await));
            Ok(())
        });
        told.await.ok()
    }

    /// Runs a task whose failure, or panic, is noticed and ends the bridge.
    fn spawn(&self, what: &'static str, task: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
        let fault = self.0.fault.clone();
        self.0.tasks.spawn(async move {
            let why = match AssertUnwindSafe(task).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("a {what} task panicked: this is a bug of the bridge"),
            };
            tracing::error!("{why}");
            fault.send_if_modified(|fault| fault.is_none() && fault.replace(why.into()).is_none());
        });
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
