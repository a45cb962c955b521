//! How others speak with a consumer: subscribe, settle, look after dead letters, ask how it stands.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::call::{Refusal, Settle, Settled, Subscribe};
use super::lanes::Standing;
use super::subscription::{ReaderId, Subscription};
use crate::consumer::Consumer;
use crate::store::DeadLetter;

/// How a consumer stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Everything up to here is settled, but for what waits.
    pub mark: u64,
    /// The newest event of the feed.
    pub head: u64,
    /// Unsettled events that match, as far as they were looked at, and all that were not.
    pub lag: u64,
    /// Events out now.
    pub in_flight: u64,
    /// Events that failed and will come again, or wait behind such a one beyond the mark.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
    /// A webhook that cannot be reached: until when it is left alone (milliseconds since 1970), and why.
    pub paused: Option<(u64, String)>,
    /// Why it is switched off, if it is.
    pub disabled: Option<String>,
    /// Whether somebody reads now.
    pub connected: bool,
    /// Whether it is delivered to a webhook.
    pub webhook: bool,
}

/// What a task is asked.
#[derive(Debug)]
pub(crate) enum Command {
    Subscribe {
        options: Subscribe,
        webhook: bool,
        answer: Reply<Subscription>,
    },
    Settle {
        settle: Settle,
        from: Option<ReaderId>,
        answer: Reply<Settled>,
    },
    /// A webhook's word on one delivery that no agent can say.
    Webhook {
        seq: u64,
        from: ReaderId,
        word: WebhookWord,
    },
    Retry {
        seq: u64,
        answer: Reply<()>,
    },
    Drop {
        seq: u64,
        answer: Reply<()>,
    },
    Status {
        answer: oneshot::Sender<Status>,
    },
    /// How one event stands.
    Look {
        seq: u64,
        answer: oneshot::Sender<Standing>,
    },
    /// New settings; answered after their commit.
    Put {
        consumer: Box<Consumer>,
        answer: Reply<()>,
    },
    /// Switch off with a reason, or on; answers with the consumer as it is then, after its commit.
    Switch {
        disabled: Option<String>,
        answer: Reply<Box<Consumer>>,
    },
    /// Events up to here are to be given up: answer how far everything is passed or given up, durably.
    Expire {
        upto: u64,
        leased: Leased,
        answer: Reply<u64>,
    },
    /// Remove the consumer with all its rows.
    Remove {
        answer: Reply<()>,
    },
    /// The bridge stops: end the reader, send nothing more, take calls until the end.
    End {
        answer: Reply<()>,
    },
}

/// What becomes of an event that is to be given up while it is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leased {
    /// It is waited for, and the feed keeps it as long.
    Waits,
    /// The feed forgets it; it is missed if it comes back.
    LetGo,
}

/// What only a webhook can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WebhookWord {
    /// Taken with a 202: settled later by the API.
    Taken,
    /// Not reached, or told to come back; maybe when.
    Unreached { reason: String, retry_after: Option<Duration> },
    /// 410.
    Gone,
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

/// The answer to a call that is under way. Dropping it does not take the call back.
#[derive(Debug)]
pub struct Answer {
    name: Arc<str>,
    answer: oneshot::Receiver<Result<Settled, Refusal>>,
}

impl Future for Answer {
    type Output = Result<Settled, Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let gone = Refusal::Gone(self.name.to_string());
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or(Err(gone)))
    }
}

/// One consumer, from outside. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ConsumerHandle {
    pub(crate) name: Arc<str>,
    pub(crate) commands: mpsc::Sender<Command>,
}

impl ConsumerHandle {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Becomes the reader.
    pub async fn subscribe(&self, options: Subscribe) -> Result<Subscription, Refusal> {
        self.ask(|answer| Command::Subscribe { options, webhook: false, answer }).await
    }

    /// Hands in a settling call and returns once it is in line (calls keep their order); the [`Answer`] comes after
    /// the commit. Without `from` the call is in nobody's name: `up_to` then means whatever is leased.
    pub async fn submit(&self, settle: Settle, from: Option<ReaderId>) -> Result<Answer, Refusal> {
        let (answer, receiver) = oneshot::channel();
        let command = Command::Settle { settle, from, answer };
        self.commands.send(command).await.map_err(|_| self.gone())?;
        Ok(Answer { name: self.name.clone(), answer: receiver })
    }

    /// Hands in a settling call of which nobody wants to hear: its commit may wait a moment for others.
    pub async fn settle_unheard(&self, settle: Settle, from: Option<ReaderId>) -> Result<(), Refusal> {
        let (answer, _) = oneshot::channel();
        self.tell(Command::Settle { settle, from, answer }).await
    }

    /// [`ConsumerHandle::submit`], answered.
    pub async fn settle(&self, settle: Settle, from: Option<ReaderId>) -> Result<Settled, Refusal> {
        self.submit(settle, from).await?.await
    }

    /// Puts a dead letter back into delivery, with no attempts counted.
    pub async fn retry(&self, seq: u64) -> Result<(), Refusal> {
        self.ask(|answer| Command::Retry { seq, answer }).await
    }

    /// Drops a dead letter for good.
    pub async fn drop_letter(&self, seq: u64) -> Result<(), Refusal> {
        self.ask(|answer| Command::Drop { seq, answer }).await
    }

    /// How it stands.
    pub async fn status(&self) -> Result<Status, Refusal> {
        let (answer, receiver) = oneshot::channel();
        self.commands.send(Command::Status { answer }).await.map_err(|_| self.gone())?;
        receiver.await.map_err(|_| self.gone())
    }

    /// How one event stands with it.
    pub async fn standing(&self, seq: u64) -> Result<Standing, Refusal> {
        let (answer, receiver) = oneshot::channel();
        self.commands.send(Command::Look { seq, answer }).await.map_err(|_| self.gone())?;
        receiver.await.map_err(|_| self.gone())
    }

    pub(crate) async fn tell(&self, command: Command) -> Result<(), Refusal> {
        self.commands.send(command).await.map_err(|_| self.gone())
    }

    pub(crate) async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Refusal> {
        let (answer, receiver) = oneshot::channel();
        self.tell(command(answer)).await?;
        receiver.await.map_err(|_| self.gone())?
    }

    fn gone(&self) -> Refusal {
        Refusal::Gone(self.name.to_string())
    }
}

/// A dead letter and where it stood in the feed.
pub type Letter = (u64, DeadLetter);
