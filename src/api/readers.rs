//! What the doors ask of the consumers: the seam between the API and delivery.
//!
//! In a daemon it is the running consumers; a command that works on the store alone uses [`AtRest`].

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use secrecy::SecretString;

use super::problem::Problem;

use crate::consumer::Consumer;
use crate::deliver::{ConsumerHandle, OnFull, Refusal, Standing, Status};
use crate::store::{Batch, Change, DeadLetter, Exception, Store};

/// What comes of changing a consumer; after the commit.
pub type Changed<T = ()> = BoxFuture<'static, Result<T, Problem>>;

/// The consumers, as the API sees them.
pub trait Readers: Send + Sync + 'static {
    /// One that runs.
    fn handle(&self, name: &str) -> Result<ConsumerHandle, Refusal>;

    /// What happens at the disk budget, and how many events were dropped there since the start; `None` where no daemon
    /// runs.
    fn room(&self) -> Option<(OnFull, u64)>;

    /// How one stands; `None` where it does not run.
    fn status(&self, name: &str) -> BoxFuture<'static, Option<Status>>;

    /// How one event stands with it; `None` where it does not run.
    fn standing(&self, name: &str, seq: u64) -> BoxFuture<'static, Option<Standing>>;

    /// Makes or changes one; the signing secret where a webhook is new, to be shown once.
    fn put(&self, consumer: Consumer) -> Changed<Option<SecretString>>;

    /// Switches one off, with a reason, or on again.
    fn switch(&self, name: &str, disabled: Option<String>) -> Changed;

    /// A new signing secret; the one before it signs as well until it is retired.
    fn rotate_secret(&self, name: &str) -> Changed<SecretString>;

    /// Only the new secret signs from now on.
    fn retire_secret(&self, name: &str) -> Changed;

    /// Removes one with its marks, dead letters and secrets.
    fn remove(&self, name: &str) -> Changed;

    /// Puts a dead letter back into delivery.
    fn retry(&self, name: &str, seq: u64) -> Changed;

    /// Drops a dead letter.
    fn drop_letter(&self, name: &str, seq: u64) -> Changed;
}

/// The consumers of a store that no daemon works on.
#[derive(Clone)]
pub struct AtRest(pub Store);

impl AtRest {
    fn commit(&self, change: impl FnOnce(&Store) -> Result<Batch, Problem>) -> Changed {
        let (batch, store) = (change(&self.0), self.0.clone());
        async move { Ok(store.commit(batch?).await.map(|_| ())?) }.boxed()
    }
}

/// The letter must be there: a typo must not look like success.
fn letter(store: &Store, name: &str, seq: u64) -> Result<DeadLetter, Problem> {
    store.dead_letter(name, seq)?.ok_or_else(|| Refusal::NoSuchLetter(seq).into())
}

/// A webhook's secrets belong to the one who posts.
fn needs_daemon() -> Problem {
    Problem::new("no_daemon", "this needs the daemon: start `agent-bridge run` first")
}

impl Readers for AtRest {
    fn handle(&self, name: &str) -> Result<ConsumerHandle, Refusal> {
        Err(Refusal::Gone(name.to_owned()))
    }

    fn room(&self) -> Option<(OnFull, u64)> {
        None
    }

    fn status(&self, _: &str) -> BoxFuture<'static, Option<Status>> {
        ready(None).boxed()
    }

    fn standing(&self, _: &str, _: u64) -> BoxFuture<'static, Option<Standing>> {
        ready(None).boxed()
    }

    fn put(&self, consumer: Consumer) -> Changed<Option<SecretString>> {
        if consumer.webhook.is_some() {
            return ready(Err(needs_daemon())).boxed();
        }
        let put = self.commit(|_| Ok(Batch::new().with(Change::Consumer(Box::new(consumer)))));
        put.map(|done| done.map(|()| None)).boxed()
    }

    fn switch(&self, name: &str, disabled: Option<String>) -> Changed {
        self.commit(|store| {
            let found = store.consumers()?.into_iter().find(|consumer| consumer.name == name);
            let consumer = found.ok_or_else(|| Refusal::NoSuchConsumer(name.to_owned()))?;
            Ok(Batch::new().with(Change::Consumer(Box::new(Consumer { disabled, ..consumer }))))
        })
    }

    fn rotate_secret(&self, _: &str) -> Changed<SecretString> {
        ready(Err(needs_daemon())).boxed()
    }

    fn retire_secret(&self, _: &str) -> Changed {
        ready(Err(needs_daemon())).boxed()
    }

    fn remove(&self, name: &str) -> Changed {
        self.commit(|_| Ok(Batch::new().with(Change::ForgetConsumer(name.to_owned()))))
    }

    fn retry(&self, name: &str, seq: u64) -> Changed {
        self.commit(|store| {
            let (failures, reason) = (letter(store, name, seq)?.failures, "retried by hand".to_owned());
            let exception = Exception::Waiting { attempts: 0, not_before: 0, reason, failures };
            Ok(Batch::new().with(Change::Except { consumer: name.to_owned(), seq, exception: Some(exception) }))
        })
    }

    fn drop_letter(&self, name: &str, seq: u64) -> Changed {
        // It may have been put back before: then it waits to be delivered, too.
        let settled = Change::Except { consumer: name.to_owned(), seq, exception: Some(Exception::Settled) };
        let gone = Change::Dead { consumer: name.to_owned(), seq, letter: None };
        self.commit(|store| letter(store, name, seq).map(|_| Batch::new().with(gone).with(settled)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Options;

    #[tokio::test]
    async fn a_letter_that_was_put_back_and_then_dropped_is_not_delivered() {
        let home = tempfile::tempdir().unwrap();
        let options = Options { ballast: 0, ..Options::default() };
        let store = Store::open(&home.path().join("store.redb"), options).unwrap();
        let consumer = Change::Consumer(Box::new(Consumer { name: "main".into(), ..Consumer::default() }));
        let letter = DeadLetter { at: 1, reason: "500".into(), attempts: 10, failures: Vec::new(), event: "{}".into() };
        let dead = Change::Dead { consumer: "main".into(), seq: 3, letter: Some(Box::new(letter)) };
        let past = Change::Mark { consumer: "main".into(), seq: 7 };
        store.commit(Batch::new().with(consumer).with(dead).with(past)).await.unwrap();
        let at_rest = AtRest(store.clone());
        at_rest.retry("main", 3).await.unwrap();
        assert_eq!(store.progress("main").unwrap().exceptions.len(), 1);
        at_rest.drop_letter("main", 3).await.unwrap();
        assert!(store.progress("main").unwrap().exceptions.is_empty() && store.dead("main", 9).unwrap().is_empty());
    }
}
