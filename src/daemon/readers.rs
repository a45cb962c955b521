//! The running consumers, as the API asks for them.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use secrecy::SecretString;

use crate::api::problem::Problem;
use crate::api::readers::{Changed, Readers};
use crate::consumer::Consumer;
use crate::deliver::{ConsumerHandle, Consumers, OnFull, PutError, Refusal, Standing, Status};

/// The consumers of a running bridge.
pub struct Running(pub Consumers);

/// Asks one consumer, if it is there.
fn ask<F>(handle: Result<ConsumerHandle, Refusal>, what: impl FnOnce(ConsumerHandle) -> F) -> Changed
where
    F: Future<Output = Result<(), Refusal>> + Send + 'static,
{
    match handle {
        Ok(handle) => what(handle).map(|done| done.map_err(Problem::from)).boxed(),
        Err(refusal) => ready(Err(refusal.into())).boxed(),
    }
}

impl Readers for Running {
    fn handle(&self, name: &str) -> Result<ConsumerHandle, Refusal> {
        self.0.get(name)
    }

    fn room(&self) -> Option<(OnFull, u64)> {
        Some((self.0.on_full(), self.0.dropped()))
    }

    fn status(&self, name: &str) -> BoxFuture<'static, Option<Status>> {
        let handle = self.0.get(name);
        async move { handle.ok()?.status().await.ok() }.boxed()
    }

    fn standing(&self, name: &str, seq: u64) -> BoxFuture<'static, Option<Standing>> {
        let handle = self.0.get(name);
        async move { handle.ok()?.standing(seq).await.ok() }.boxed()
    }

    fn put(&self, consumer: Consumer) -> Changed<Option<SecretString>> {
        let consumers = self.0.clone();
        async move { consumers.put(consumer).await.map_err(refused) }.boxed()
    }

    fn switch(&self, name: &str, disabled: Option<String>) -> Changed {
        let (consumers, name) = (self.0.clone(), name.to_owned());
        async move { Ok(consumers.switch(&name, disabled).await?) }.boxed()
    }

    fn rotate_secret(&self, name: &str) -> Changed<SecretString> {
        let (consumers, name) = (self.0.clone(), name.to_owned());
        async move { Ok(consumers.rotate_secret(&name).await?) }.boxed()
    }

    fn retire_secret(&self, name: &str) -> Changed {
        let (consumers, name) = (self.0.clone(), name.to_owned());
        async move { Ok(consumers.retire_secret(&name).await?) }.boxed()
    }

    fn remove(&self, name: &str) -> Changed {
        let (consumers, name) = (self.0.clone(), name.to_owned());
        async move { Ok(consumers.remove(&name).await?) }.boxed()
    }

    fn retry(&self, name: &str, seq: u64) -> Changed {
        ask(self.0.get(name), |handle| async move { handle.retry(seq).await })
    }

    fn drop_letter(&self, name: &str, seq: u64) -> Changed {
        ask(self.0.get(name), |handle| async move { handle.drop_letter(seq).await })
    }
}

fn refused(error: PutError) -> Problem {
    match error {
        PutError::Refused(refusal) => refusal.into(),
        PutError::Store(error) => error.into(),
        other => Problem::bad_params(other.to_string()),
    }
}
