//! Makes, changes and removes consumers. What the config made, only the config changes.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Begun, Bridge, Taken};
use crate::api::params::{ConsumerSecret, ConsumerSettings, Nothing, OfConsumer};
use crate::api::problem::Problem;
use crate::api::view;
use crate::consumer::{Consumer, Webhook};
use crate::deliver::Refusal;
use crate::event::WorkspaceName;

impl Bridge {
    pub(super) fn consumers(&self, _: &Nothing) -> Begun {
        let bridge = self.clone();
        Begun::later(async move { Ok(json!({ "consumers": bridge.consumer_views().await? })) })
    }

    pub(super) async fn consumer_views(&self) -> Result<Vec<Value>, Problem> {
        let mut views = Vec::new();
        for consumer in self.0.store.consumers()? {
            let status = self.0.readers.status(&consumer.name).await;
            views.push(view::consumer(&consumer, status.as_ref()));
        }
        Ok(views)
    }

    pub(super) fn find_consumer(&self, name: &str) -> Result<Consumer, Problem> {
        let all = self.0.store.consumers()?;
        let found = all.into_iter().find(|consumer| consumer.name == name);
        found.ok_or_else(|| Refusal::NoSuchConsumer(name.chars().take(64).collect()).into())
    }

    pub(super) fn add_consumer(&self, settings: ConsumerSettings) -> Taken {
        WorkspaceName::new(&settings.consumer).map_err(|_| {
            Problem::bad_params("`consumer` must be 1–64 of a–z, 0–9, `.`, `_`, `-`, beginning with a letter or digit")
        })?;
        if self.find_consumer(&settings.consumer).is_ok() {
            let word = format!("there is a consumer `{}` already: change it with `consumer set`", settings.consumer);
            return Err(Problem::new("exists", word));
        }
        let fresh = Consumer { name: settings.consumer.clone(), ..Consumer::default() };
        Ok(self.put(apply(fresh, settings)?))
    }

    pub(super) fn set_consumer(&self, settings: ConsumerSettings) -> Taken {
        let consumer = self.own_consumer(&settings.consumer)?;
        if settings.from.is_some() {
            return Err(Problem::bad_params("`from` holds when a consumer is made: remove it and add it again"));
        }
        if settings.url.is_some() && consumer.webhook.is_none() {
            return Err(Problem::bad_params(
                "a consumer read over the socket cannot become a webhook: add another one",
            ));
        }
        Ok(self.put(apply(consumer, settings)?))
    }

    pub(super) fn remove_consumer(&self, of: OfConsumer) -> Taken {
        self.own_consumer(&of.consumer)?;
        let removed = self.0.readers.remove(&of.consumer);
        Ok(Begun::later(async move { removed.await.map(|()| json!({ "removed": of.consumer })) }))
    }

    pub(super) fn switch(&self, of: &OfConsumer, disabled: Option<&str>) -> Taken {
        self.find_consumer(&of.consumer)?;
        let switched = self.0.readers.switch(&of.consumer, disabled.map(str::to_owned));
        let view = json!({ "consumer": of.consumer, "disabled": disabled });
        Ok(Begun::later(async move { switched.await.map(|()| view) }))
    }

    /// A consumer that calls may change.
    fn own_consumer(&self, name: &str) -> Result<Consumer, Problem> {
        let consumer = self.find_consumer(name)?;
        if consumer.from_config {
            let word = format!("consumer `{name}` stands in the config: change it there and restart");
            return Err(Problem::new("from_config", word));
        }
        Ok(consumer)
    }

    fn put(&self, consumer: Consumer) -> Begun {
        let mut view = view::consumer(&consumer, None);
        let put = self.0.readers.put(consumer);
        Begun::later(async move {
            if let Some(secret) = put.await? {
                // Shown this once, to the one who made the consumer: the agent checks signatures with it.
                view["secret"] = secret.expose_secret().into();
            }
            Ok(view)
        })
    }

    pub(super) fn secret(&self, of: ConsumerSecret) -> Taken {
        let consumer = self.find_consumer(&of.consumer)?;
        if consumer.webhook.is_none() {
            return Err(Problem::bad_params("only a webhook consumer has a secret"));
        }
        if of.retire_old {
            let retired = self.0.readers.retire_secret(&of.consumer);
            return Ok(Begun::later(async move { retired.await.map(|()| json!({ "consumer": of.consumer })) }));
        }
        let rotated = self.0.readers.rotate_secret(&of.consumer);
        Ok(Begun::later(async move {
            let secret = rotated.await?;
            Ok(json!({ "consumer": of.consumer, "secret": secret.expose_secret() }))
        }))
    }
}

/// What is left out stays as it is.
fn apply(mut consumer: Consumer, settings: ConsumerSettings) -> Result<Consumer, Problem> {
    let ConsumerSettings { consumer: _, from, only, max_in_flight, per_lane, ack_wait, max_attempts, url } = settings;
    if max_in_flight == Some(0) || max_attempts == Some(0) {
        return Err(Problem::bad_params("`max_in_flight` and `max_attempts` must be at least 1"));
    }
    consumer.from = from.map_or(consumer.from, |start| start.0);
    consumer.only = only.unwrap_or(consumer.only);
    consumer.max_in_flight = max_in_flight.unwrap_or(consumer.max_in_flight);
    consumer.per_lane = per_lane.unwrap_or(consumer.per_lane);
    consumer.ack_wait_ms = ack_wait.map_or(consumer.ack_wait_ms, crate::config::Span::as_millis);
    consumer.max_attempts = max_attempts.unwrap_or(consumer.max_attempts);
    if let Some(url) = url {
        let timeout_ms = consumer.webhook.map_or(30_000, |webhook| webhook.timeout_ms);
        consumer.webhook = Some(Webhook { url, timeout_ms });
    }
    Ok(consumer)
}
