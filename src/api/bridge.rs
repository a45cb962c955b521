//! One set of verbs: takes a call from any door, does it, answers.

mod ask;
mod consumers;
mod dead;
mod look;
mod settle;
mod trace;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::params;
use super::problem::Problem;
use super::readers::Readers;
use super::rpc;
use super::settle::Settling;
use super::verb::Verb;
use super::workspaces::Workspaces;
use crate::clock::Clock;
use crate::deliver::{Acceptable, ConsumerHandle, ReaderId};
use crate::store::Store;

/// What the doors reach. Cheap to clone.
#[derive(Clone)]
pub struct Bridge(Arc<Parts>);

/// The parts behind the doors.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The only wall time.
    pub clock: Clock,
    /// The consumers.
    pub readers: Arc<dyn Readers>,
    /// Which actions can be taken.
    pub actions: Arc<dyn Acceptable>,
    /// The joined workspaces.
    pub workspaces: Arc<dyn Workspaces>,
    /// Whether the verb `call` works.
    pub call: bool,
    /// The longest an answer may be held back for a receipt.
    pub wait: Duration,
    /// The state directory, for people.
    pub state: String,
}

/// Who calls: a connection that reads a consumer, or nobody in particular.
#[derive(Clone, Default)]
pub struct Caller {
    /// The consumer that this connection reads.
    pub reader: Option<(ConsumerHandle, ReaderId)>,
    /// It does not want to hear what becomes of this call: a notification.
    pub deaf: bool,
}

/// A call that was taken in its turn.
pub enum Begun {
    /// Done at once.
    Done(Value),
    /// Under way; dropping it takes nothing back.
    Later(BoxFuture<'static, Result<Value, Problem>>),
}

impl Begun {
    fn later(work: impl Future<Output = Result<Value, Problem>> + Send + 'static) -> Self {
        Self::Later(work.boxed())
    }

    /// The answer.
    pub async fn finish(self) -> Result<Value, Problem> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Later(work) => work.await,
        }
    }
}

type Taken = Result<Begun, Problem>;

impl Bridge {
    /// Puts the parts behind one handle.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The consumers.
    pub fn readers(&self) -> &dyn Readers {
        &*self.0.readers
    }

    /// Takes a call in its turn: what it sends to the store or a consumer is in line when this returns, so that calls
    /// of one connection keep their order while their answers come as they finish.
    pub async fn begin(&self, caller: &Caller, verb: Verb, raw: &RawValue) -> Taken {
        match verb {
            Verb::Ping => read::<params::Nothing>(raw, |_| Ok(json!({}))),
            Verb::Version => read::<params::Nothing>(raw, |_| Ok(self.version())),
            Verb::Subscribe => Err(Problem::new("not_here", "`subscribe` works on the agent's socket only")),
            Verb::Ack | Verb::Reply | Verb::Nack | Verb::Extend | Verb::Reject => {
                self.settle(caller, settling(verb, raw)?).await
            }
            Verb::Act => self.act(rpc::params(raw)?),
            Verb::Receipt => self.receipt(&rpc::params(raw)?),
            Verb::Workspaces => read::<params::Nothing>(raw, |_| self.workspaces()),
            Verb::Status => self.status(rpc::params(raw)?),
            Verb::Trace => self.trace(rpc::params(raw)?),
            Verb::Call => self.free_call(rpc::params(raw)?),
            Verb::History
            | Verb::Message
            | Verb::Conversations
            | Verb::Conversation
            | Verb::Files
            | Verb::People
            | Verb::Me
            | Verb::Document
            | Verb::Desk => self.ask(verb, raw),
            Verb::Documents | Verb::DocumentAdd | Verb::DocumentRemove => self.documents(verb, raw),
            Verb::Join => Ok(Begun::Later(self.0.workspaces.join(rpc::params(raw)?))),
            Verb::Leave => self.leave(rpc::params(raw)?),
            Verb::Consumers => Ok(self.consumers(&rpc::params(raw)?)),
            Verb::ConsumerAdd => self.add_consumer(rpc::params(raw)?),
            Verb::ConsumerSet => self.set_consumer(rpc::params(raw)?),
            Verb::ConsumerRemove => self.remove_consumer(rpc::params(raw)?),
            Verb::ConsumerEnable => self.switch(&rpc::params(raw)?, None),
            Verb::ConsumerDisable => self.switch(&rpc::params(raw)?, Some("by the operator")),
            Verb::ConsumerSecret => self.secret(rpc::params(raw)?),
            Verb::Dead => self.dead(&rpc::params(raw)?),
            Verb::DeadRetry => self.retry(&rpc::params(raw)?),
            Verb::DeadDrop => self.drop_letter(&rpc::params(raw)?),
        }
    }

    fn version(&self) -> Value {
        json!({ "name": "agent-bridge", "version": env!("CARGO_PKG_VERSION"), "state": self.0.state })
    }
}

/// Reads parameters and answers at once.
fn read<T: for<'de> serde::Deserialize<'de>>(
    raw: &RawValue,
    answer: impl FnOnce(T) -> Result<Value, Problem>,
) -> Taken {
    answer(rpc::params(raw)?).map(Begun::Done)
}

/// The settling call that a verb and its parameters make.
fn settling(verb: Verb, raw: &RawValue) -> Result<Settling, Problem> {
    match verb {
        Verb::Ack => rpc::params::<params::Ack>(raw)?.try_into(),
        Verb::Reply => Ok(rpc::params::<params::Reply>(raw)?.into()),
        Verb::Nack => Ok(rpc::params::<params::Nack>(raw)?.into()),
        Verb::Extend => Ok(rpc::params::<params::Extend>(raw)?.into()),
        _ => Ok(rpc::params::<params::Reject>(raw)?.into()),
    }
}
