//! Documents that are edited live: Yjs 13 over the `y-websocket` protocol, one task and one connection each, opened when
//! somebody asks for it and let go when nobody does any more.
//!
//! ```text
//! dial.rs   token, server, websocket        engine.rs  the document and the protocol  (pure)
//! wire.rs   frames both ways                rules.rs   what the agent may change      (pure)
//! draft.rs  the task of one document        hold.rs    what it keeps for those who ask
//! news.rs   what others changed, told
//! ```
//!
//! An edit is made here first and held until whoever asked has kept its bytes; nothing of it leaves before. It is done
//! when the server was seen to have it. The bytes may be brought again, by a later run too: twice is once.

mod dial;
mod draft;
mod engine;
mod hold;
mod news;
mod rules;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::policy::Policy;
use super::report::Report;
use crate::adapter::Live;
use crate::clock::Clock;
use crate::document::Edit;
use crate::retry::Waits;
use crate::session::Session;
use crate::store::Store;
use draft::Draft;

pub use rules::Rules;

/// The name in logs.
pub const LINE: &str = "yjs";
/// Wishes that wait at once, of a workspace and of a document; more are told to come again.
const WAITING: usize = 64;

/// What live documents are made of.
pub struct Parts {
    /// Gets the tokens, and knows the secrets.
    pub session: Session,
    /// How the manifest describes it.
    pub live: Live,
    /// What the agent may change by itself.
    pub rules: Rules,
    /// Between connects that fail.
    pub waits: Waits,
    /// A document that nobody asked for so long is let go.
    pub idle: Duration,
    /// Where changes are told.
    pub store: Store,
    /// The only wall time.
    pub clock: Clock,
    /// What is not told.
    pub policy: Policy,
    /// What the documents say of themselves.
    pub report: Report,
}

/// What became of a wish to edit.
#[derive(Debug)]
pub enum Made {
    /// It stands here, and waits for `go` before anything leaves; when that is dropped it is forgotten.
    Here {
        /// What everybody else needs.
        update: Vec<u8>,
        /// To be said once these bytes are kept.
        go: oneshot::Sender<()>,
    },
    /// It changes what others wrote: they are to be asked.
    Suggest,
    /// It cannot be made, or may not.
    Refused {
        /// A stable word.
        kind: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// Not now, and why.
    Later(String),
}

/// What is asked of a document.
pub(crate) enum Ask {
    Make { edit: Edit, answer: oneshot::Sender<Made> },
    Bring { update: Vec<u8>, answer: oneshot::Sender<Result<(), String>> },
    Read { answer: oneshot::Sender<Option<String>> },
}

/// Why a connection is not, or no longer, there.
pub(crate) enum Down {
    /// Another try may help.
    Later(String),
    /// The server does not take the token; a new one may help.
    Denied(String),
    /// This document's own failure: no further try by itself.
    Failed(String),
    /// Nobody asked for it lately.
    Idle,
}

/// The live documents of one workspace. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Drafts(mpsc::Sender<(String, Ask)>);

impl Drafts {
    /// Makes an edit in a document, opening it where it is not open.
    pub async fn make(&self, document: String, edit: Edit) -> Made {
        let made = self.ask(document, |answer| Ask::Make { edit, answer }).await;
        made.unwrap_or_else(|| Made::Later("the document was let go meanwhile".to_owned()))
    }

    /// Brings what was made to the server, and returns when that was seen to have it. An error is why it was not seen.
    pub async fn bring(&self, document: String, update: Vec<u8>) -> Result<(), String> {
        let brought = self.ask(document, |answer| Ask::Bring { update, answer }).await;
        brought.unwrap_or_else(|| Err("the document was let go meanwhile".to_owned()))
    }

    /// What a document says now; `None` where it is not open and live.
    pub async fn read(&self, document: String) -> Option<String> {
        self.ask(document, |answer| Ask::Read { answer }).await.flatten()
    }

    async fn ask<T>(&self, document: String, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.0.send((document, ask(answer))).await.ok()?;
        answered.await.ok()
    }
}

/// Owns the tasks of the documents.
pub struct Keeper {
    parts: Arc<Parts>,
    queue: mpsc::Receiver<(String, Ask)>,
    open: HashMap<String, mpsc::Sender<Ask>>,
    tasks: JoinSet<String>,
}

/// The live documents of a workspace; none is open yet.
pub fn drafts(parts: Parts) -> (Drafts, Keeper) {
    let (asks, queue) = mpsc::channel(WAITING);
    let keeper = Keeper { parts: Arc::new(parts), queue, open: HashMap::new(), tasks: JoinSet::new() };
    (Drafts(asks), keeper)
}

impl Keeper {
    /// Serves until it is told to stop. A panic in a document is the workspace's.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some((document, ask)) = self.queue.recv() => self.pass_on(document, ask),
                Some(ended) = self.tasks.join_next() => self.ended(ended),
                else => return stop.cancelled().await,
            }
        }
    }

    fn pass_on(&mut self, document: String, ask: Ask) {
        use mpsc::error::TrySendError;
        let ask = match self.open.get(&document) {
            Some(open) => match open.try_send(ask) {
                // Where there is no room, whoever asked hears that it was let go, and comes again.
                Ok(()) | Err(TrySendError::Full(_)) => return,
                Err(TrySendError::Closed(ask)) => ask,
            },
            None => ask,
        };
        if matches!(ask, Ask::Read { .. }) {
            return;
        }
        let (asks, queue) = mpsc::channel(WAITING);
        // The channel is new and empty.
        let _taken = asks.try_send(ask);
        self.open.insert(document.clone(), asks);
        let draft = Draft::new(self.parts.clone(), document.clone(), queue);
        self.tasks.spawn(async move {
            draft.run().await;
            document
        });
    }

    fn ended(&mut self, ended: Result<String, JoinError>) {
        match ended.map_err(JoinError::try_into_panic) {
            Ok(document) => {
                // It may have been opened again already.
                if self.open.get(&document).is_some_and(mpsc::Sender::is_closed) {
                    self.open.remove(&document);
                }
            }
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_)) => {}
        }
    }
}
