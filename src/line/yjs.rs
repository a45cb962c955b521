//! Documents that are edited live: Yjs 13 over the `y-websocket` protocol, one task and one connection each, opened when
//! somebody asks for it and let go when nobody does any more.
//!
//! ```text
//! about.rs  what is known of it before      dial.rs      token, server, websocket
//! wire.rs   frames both ways                engine.rs    the document and the protocol  (pure)
//! draft.rs  the task of one document        rules.rs     what the agent may change      (pure)
//! hold.rs   what it keeps for who ask       standing.rs  how each stands, for `status`
//! news.rs   what others changed, told       keeper.rs    who owns all of them
//! written.rs  what the agent changed there by another way
//! ```
//!
//! An edit is made here first and held until whoever asked has kept its bytes; nothing of it leaves before. It is done
//! when the server was seen to have it. The bytes may be brought again, by a later run too: twice is once.

mod about;
mod dial;
mod draft;
mod engine;
mod hold;
mod keeper;
mod news;
mod rules;
mod standing;
mod wire;
mod written;

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::policy::Policy;
use super::report::Report;
use crate::adapter::Live;
use crate::clock::Clock;
use crate::document::Edit;
use crate::retry::Waits;
use crate::session::{Document, Session};
use crate::store::{Store, WorkspaceRecord};
use standing::Board;
use written::Written;

pub use keeper::{Keeper, drafts};
pub use rules::Rules;
pub use standing::{DocumentStatus, Standing};

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
    /// What the agent is said to do there is no longer so unless it was said again in this time.
    pub lapses: Duration,
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

/// What became of bringing an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// The server was seen to have it.
    Seen,
    /// There was no connection by which to see that, for this reason: the next one may show it.
    Apart(String),
    /// It was not seen, for this reason.
    Unseen(String),
}

/// An edit that is to be brought.
pub(crate) struct Bring {
    update: Vec<u8>,
    /// So long it waits for connections; none: it had to wait for none yet.
    until: Option<Instant>,
    answer: oneshot::Sender<Brought>,
}

/// What the agent does in a document, as others are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doing {
    /// The platform's word.
    pub word: String,
    /// It is still at it: the document stays open.
    pub busy: bool,
}

/// What is asked of a document.
pub(crate) enum Ask {
    Make {
        edit: Edit,
        answer: oneshot::Sender<Made>,
    },
    Bring(Bring),
    Read {
        answer: oneshot::Sender<Option<(Document, String)>>,
    },
    /// What the agent does there; none: nothing that anybody knows of.
    Attend(Option<Doing>),
    /// It is not to be open any more.
    Close,
}

/// Why a connection is not, or no longer, there.
pub(crate) enum Down {
    /// Another try may help.
    Later(String),
    /// The server does not take the token; a new one may help.
    Denied(String),
    /// This document's own failure: no further try by itself.
    Failed(String),
    /// It is of a type that is not edited live.
    NotLive(String),
    /// Nobody asked for it lately.
    Idle,
}

/// The live documents of one workspace. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Drafts {
    asks: mpsc::Sender<(String, Ask)>,
    board: Board,
    written: Written,
}

impl Drafts {
    /// Makes an edit in a document, opening it where it is not open.
    pub async fn make(&self, document: String, edit: Edit) -> Made {
        let made = self.ask(document, |answer| Ask::Make { edit, answer }).await;
        made.unwrap_or_else(|| Made::Later("the document was let go meanwhile".to_owned()))
    }

    /// Brings what was made to the server, over more connections than one where it has to, and returns when that was seen
    /// to have it, or cannot be seen.
    pub async fn bring(&self, document: String, update: Vec<u8>) -> Brought {
        let brought = self.ask(document, |answer| Ask::Bring(Bring { update, until: None, answer })).await;
        brought.unwrap_or_else(|| Brought::Unseen("the document was let go meanwhile".to_owned()))
    }

    /// A document, and what it says now; `None` where it is not open and live.
    pub async fn read(&self, document: String) -> Option<(Document, String)> {
        self.ask(document, |answer| Ask::Read { answer }).await.flatten()
    }

    /// Shows in a document what the agent does about it, and opens it where that is something: it was given that
    /// document, it can be edited live, and it was not refused. To be said again before it lapses, for nobody waits here.
    pub fn attend(&self, document: String, doing: Option<Doing>) {
        let _full = self.asks.try_send((document, Ask::Attend(doing)));
    }

    /// The agent is about to replace what a document says, by a request of the platform: where it is open, nobody else
    /// has done that.
    pub fn writes(&self, document: &str, text: &str) {
        if self.board.is_open(document) {
            self.written.sends(document, text);
        }
    }

    /// Lets go of a document, and of what stood in its way: its link was removed, or replaced.
    pub async fn close(&self, document: String) {
        let _gone = self.asks.send((document, Ask::Close)).await;
    }

    /// How the documents of this workspace stand.
    pub fn statuses(&self, record: &WorkspaceRecord) -> Vec<DocumentStatus> {
        self.board.all(record)
    }

    async fn ask<T>(&self, document: String, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.asks.send((document, ask(answer))).await.ok()?;
        answered.await.ok()
    }
}
