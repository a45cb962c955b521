//! Delivers to an agent that does not hold a socket open: one signed POST per event, many at once, one per lane.
//!
//! The event goes as `application/cloudevents+json` (CloudEvents 1.0, HTTP binding, structured mode), signed as
//! Standard Webhooks. A redirect is never followed: the event goes to the operator's URL and nowhere else (P8).

mod signature;
mod target;
mod verdict;

use std::error::Error as _;
use std::time::Duration;

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{FuturesUnordered, StreamExt};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

pub use signature::{fresh_secret, is_weak, sign};
pub use target::{BadUrl, Target};
use verdict::Verdict;

use super::call::{Refusal, Settle, Subscribe, Which};
use super::handle::{Command, ConsumerHandle, WebhookWord};
use super::subscription::{Delivery, ReaderId, Subscription};
use super::task::Ground;
use crate::clock::Clock;
use crate::consumer::Webhook;
use crate::failpoint::{Point, reach};
use crate::store::{Store, StoreError};

/// The field of the signing secret, sealed under `consumer:NAME`.
pub const SECRET: &str = "webhook_secret";
/// The field of the secret before it, while both sign.
pub const SECRET_BEFORE: &str = "webhook_secret_before";

/// Under which name a consumer's secrets are sealed.
pub fn owner(consumer: &str) -> String {
    format!("consumer:{consumer}")
}

/// Posts one consumer's events.
pub struct Poster {
    client: reqwest::Client,
    target: Target,
    timeout: Duration,
    /// Most bytes of an answer that are read.
    answer: usize,
    handle: ConsumerHandle,
    store: Store,
    clock: Clock,
}

/// What a POST brought back.
struct Reply {
    status: u16,
    retry_after: Option<Duration>,
    json: bool,
    /// `None` where it was over the cap.
    body: Option<Bytes>,
}

impl Poster {
    /// Checks the URL and makes a client that follows no redirect and uses no proxy. `ack_wait` bounds the timeout:
    /// an answer after the lease would settle an event that is under way again.
    pub fn new(webhook: &Webhook, ack_wait: Duration, handle: ConsumerHandle, ground: Ground) -> Result<Self, BadUrl> {
        let Ground { store, clock, bounds, .. } = ground;
        let target = Target::parse(&webhook.url)?;
        let timeout = Duration::from_millis(webhook.timeout_ms.max(1)).min(ack_wait);
        let client =
            client(&target, bounds.connect).map_err(|error| BadUrl::Client(error.without_url().to_string()))?;
        Ok(Self { client, target, timeout, answer: bounds.answer, handle, store, clock })
    }

    /// Delivers until stopped, switched off or removed.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        let (options, reader) = (Subscribe { take_over: true, ..Subscribe::default() }, true);
        let subscribed = self.handle.ask(|answer| Command::Subscribe { options, webhook: reader, answer }).await;
        match subscribed {
            Ok(mut subscription) => {
                stop.run_until_cancelled(self.deliver_all(&mut subscription)).await.unwrap_or(Ok(()))
            }
            Err(refusal) => {
                tracing::debug!(consumer = self.handle.name(), %refusal, "not delivering to the webhook");
                Ok(())
            }
        }
    }

    async fn deliver_all(&self, subscription: &mut Subscription) -> Result<(), StoreError> {
        let reader = subscription.id();
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                next = subscription.next() => match next {
                    Ok(delivery) => under_way.push(self.deliver(delivery, reader)),
                    Err(_) => break,
                },
                Some(done) = under_way.next(), if !under_way.is_empty() => self.note(done)?,
            }
        }
        // Switched off: an answer that is on its way still counts.
        while let Some(done) = under_way.next().await {
            self.note(done)?;
        }
        Ok(())
    }

    fn note(&self, done: Result<(), Refusal>) -> Result<(), StoreError> {
        match done {
            Err(Refusal::Store(error)) => return Err(error),
            Err(refusal) => {
                tracing::debug!(consumer = self.handle.name(), %refusal, "a webhook's answer came too late");
            }
            Ok(()) => {}
        }
        Ok(())
    }

    async fn deliver(&self, delivery: Delivery, reader: ReaderId) -> Result<(), Refusal> {
        let seq = delivery.seq;
        let verdict = match self.post(delivery).await? {
            Ok(reply) => verdict::of(reply.status, reply.retry_after, reply.json, reply.body.as_deref()),
            Err(error) => Verdict::Unreached { reason: told(error), retry_after: None },
        };
        let word = match verdict {
            Verdict::Ack { reply, actions } => return self.ack(seq, reply, actions, reader).await,
            Verdict::Attempt(reason) => return self.failed(seq, reason, reader).await,
            Verdict::Later => WebhookWord::Taken,
            Verdict::Unreached { reason, retry_after } => WebhookWord::Unreached { reason, retry_after },
            Verdict::Gone => WebhookWord::Gone,
        };
        self.handle.tell(Command::Webhook { seq, from: reader, word }).await
    }

    async fn ack(
        &self,
        seq: u64,
        reply: Option<String>,
        actions: Vec<crate::action::Request>,
        reader: ReaderId,
    ) -> Result<(), Refusal> {
        let settle = match reply {
            Some(text) => Settle::Reply { seq, text, actions },
            None => Settle::Ack { which: Which::Seqs(vec![seq]), actions },
        };
        match self.handle.settle(settle, Some(reader)).await {
            Err(refusal @ Refusal::BadAction { .. }) => self.failed(seq, refusal.to_string(), reader).await,
            settled => settled.map(|_| ()),
        }
    }

    async fn failed(&self, seq: u64, reason: String, reader: ReaderId) -> Result<(), Refusal> {
        let nack = Settle::Nack { seq, delay: None, reason: Some(reason) };
        self.handle.settle(nack, Some(reader)).await.map(|_| ())
    }

    async fn post(&self, delivery: Delivery) -> Result<Result<Reply, reqwest::Error>, StoreError> {
        let secrets = self.secrets()?;
        let request = self.request(&delivery, &secrets);
        // The lane's own limit bounds what is under way; unsent bytes must not let one hung POST hold up the rest.
        drop(delivery);
        Ok(self.exchange(request).await)
    }

    fn request(&self, delivery: &Delivery, secrets: &[SecretString]) -> reqwest::RequestBuilder {
        let id = signature::message_id(&delivery.event.id());
        let timestamp = self.clock.now() / 1_000;
        let signature = sign(secrets, &id, timestamp, &delivery.event.bytes);
        self.client
            .post(self.target.url())
            .timeout(self.timeout)
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .header("bridge-consumer", self.handle.name())
            .header("bridge-seq", delivery.seq)
            .header("bridge-attempt", delivery.attempt)
            .header("bridge-lease-until", crate::clock::rfc3339(delivery.lease_until))
            .body(delivery.event.bytes.clone())
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Reply, reqwest::Error> {
        reach(Point::WebhookPostedBefore);
        let answer = request.send().await;
        reach(Point::WebhookPostedAfter);
        let mut response = answer?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let json = header("content-type").is_some_and(|kind| kind.contains("json"));
        let retry_after = header("retry-after").and_then(|text| verdict::retry_after(text, self.clock.now()));
        let status = response.status().as_u16();
        let mut body = Some(BytesMut::new());
        // Only a 2xx says something in its body.
        while let Some(chunk) = if (200..300).contains(&status) { response.chunk().await? } else { None } {
            body = body.filter(|body| body.len() + chunk.len() <= self.answer);
            let Some(body) = &mut body else { break };
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, retry_after, json, body: body.map(BytesMut::freeze) })
    }

    /// The secret, and the one before it during a rotation.
    fn secrets(&self) -> Result<Vec<SecretString>, StoreError> {
        let owner = owner(self.handle.name());
        let fields = [SECRET, SECRET_BEFORE].map(|field| self.store.secret(&owner, field));
        fields.into_iter().filter_map(Result::transpose).collect()
    }
}

fn client(target: &Target, connect: Duration) -> reqwest::Result<reqwest::Client> {
    // One provider for the process; whoever comes first has installed the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(connect)
        .user_agent(concat!("agent-bridge/", env!("CARGO_PKG_VERSION")));
    match target {
        Target::Unix { socket, .. } => builder.unix_socket(socket.as_path()).build(),
        Target::Net(_) => builder.build(),
    }
}

/// An error with its causes, without the URL.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn base64_text(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
