//! Edits of live documents: made here, kept with the action, brought to the document's server, seen there.
//!
//! The bytes of an edit are kept before anything of it leaves. To bring them twice is to bring them once (Yjs knows them
//! by client and clock), so a lost answer, a crash and a server that forgot them are all met by bringing them again.

use std::ops::ControlFlow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::oneshot;

use super::attempt::begun;
use super::courier::Courier;
use super::decide::Tried;
use super::edits;
use super::patience::Patience;
use super::request::refused;
use crate::action::{Action, Prepared};
use crate::adapter::Action as Verb;
use crate::document::Edit;
use crate::store::StoreError;

/// Before an edit that has waited for a connection does so again: that wait was the pause already, and a receipt is to
/// follow the connection however long that was away.
const APART: Duration = Duration::from_secs(1);

/// Edits the live documents of one workspace.
pub trait Editor: Send + Sync + 'static {
    /// Makes an edit where nobody else sees it yet.
    fn make(&self, document: String, edit: Edit) -> BoxFuture<'_, Made>;
    /// A request is about to replace what a document says: where that is open live, nobody else does it.
    fn writes(&self, document: &str, text: &str);
    /// Brings what was made to the server, and returns when that was seen to have it, or cannot be seen.
    fn bring(&self, document: String, update: Vec<u8>) -> BoxFuture<'_, Brought>;
}

/// What became of bringing an edit.
pub enum Brought {
    /// The server was seen to have it.
    Seen,
    /// There was no connection by which to see that, for this reason: the next one may show it.
    Apart(String),
    /// It was not seen, for this reason.
    Unseen(String),
}

/// What became of a wish to edit.
pub enum Made {
    /// It stands here, and waits for `go` before anything leaves.
    Here {
        /// What everybody else needs.
        update: Vec<u8>,
        /// To be said once these bytes are kept.
        go: oneshot::Sender<()>,
    },
    /// It changes what others wrote: the verb's request asks them.
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

impl Courier {
    /// One try of an edit. It goes on as a request where it has to be suggested.
    pub(super) async fn edit_live(
        &self,
        action: Action,
        patience: &mut Patience,
    ) -> Result<ControlFlow<Action, Action>, StoreError> {
        let Some(editor) = &self.editor else {
            let message = "live documents are not served here".to_owned();
            return Ok(ControlFlow::Break(self.refuse(action, "not_live", message).await?));
        };
        let document = action.conversation().to_owned();
        let (action, update) = match action.prepared.as_ref().map(|kept| STANDARD.decode(&kept.body)) {
            Some(Ok(update)) => (self.keep(begun(action, self.clock.now())).await?, update),
            Some(Err(_)) => {
                let message = "the bytes that were kept of the edit cannot be read".to_owned();
                return Ok(ControlFlow::Break(self.refuse(action, "not_sent", message).await?));
            }
            None => {
                let edit = match edits::edit(&action.verb, &action.args) {
                    Ok(edit) => edit,
                    Err(refusal) => {
                        return Ok(ControlFlow::Break(self.settle(action, refused(refusal), patience).await?));
                    }
                };
                let tried = match editor.make(document.clone(), edit).await {
                    Made::Here { update, go } => return self.made(action, update, go, patience).await,
                    Made::Suggest => return Ok(ControlFlow::Continue(suggested(action))),
                    Made::Refused { kind, message } => Tried::Refused { kind: kind.to_owned(), status: None, message },
                    Made::Later(why) => Tried::Later { after: patience.backoff.next(), why },
                };
                return Ok(ControlFlow::Break(self.settle(action, tried, patience).await?));
            }
        };
        self.bring(action, update, patience).await
    }

    async fn made(
        &self,
        action: Action,
        update: Vec<u8>,
        go: oneshot::Sender<()>,
        patience: &Patience,
    ) -> Result<ControlFlow<Action, Action>, StoreError> {
        let prepared = Prepared { key: action.id.to_string(), body: STANDARD.encode(&update) };
        let action = Action { prepared: Some(prepared), went: Some("edited".to_owned()), ..action };
        let action = self.keep(begun(action, self.clock.now())).await?;
        // A document that is gone meanwhile takes the bytes when it is open again.
        let _gone = go.send(());
        self.bring(action, update, patience).await
    }

    async fn bring(
        &self,
        action: Action,
        update: Vec<u8>,
        patience: &Patience,
    ) -> Result<ControlFlow<Action, Action>, StoreError> {
        let document = action.conversation().to_owned();
        let brought = match &self.editor {
            Some(editor) => editor.bring(document, update).await,
            None => Brought::Unseen("live documents are not served here".to_owned()),
        };
        let (resends, tried) = match brought {
            Brought::Seen => (action.resends, Tried::Done { remote_ids: Vec::new() }),
            // A connection that comes brings by itself what is lacking there: it may have arrived all the same.
            Brought::Apart(why) => (action.resends.max(1), Tried::Later { after: APART, why }),
            Brought::Unseen(why) => (action.resends, Tried::Lost { why, spoke: false }),
        };
        Ok(ControlFlow::Break(self.settle(Action { resends, ..action }, tried, patience).await?))
    }

    /// Says of a request that replaces a whole document that it is the agent's own, before it leaves.
    pub(super) fn rewrites(&self, action: &Action, verb: &Verb) {
        let (Some(editor), Some(names)) = (&self.editor, &verb.rewrites) else { return };
        let argument = |name: &str| action.args.get(name).and_then(Value::as_str);
        if let (Some(document), Some(text)) = (argument(&names.document), argument(&names.text)) {
            editor.writes(document, text);
        }
    }
}

/// A deletion is suggested as a replacement by nothing.
fn suggested(mut action: Action) -> Action {
    action.args.entry("text").or_insert_with(|| "".into());
    Action { went: Some("suggested".to_owned()), ..action }
}
