//! One try of an action: made ready, fenced, committed, sent.

use std::ops::ControlFlow;

use super::answer::Pause;
use super::courier::Courier;
use super::decide::Tried;
use super::patience::Patience;
use super::read_back::{ReadError, can, lasts};
use super::{request, send, split};
use crate::action::{Action, State};
use crate::adapter::Action as Verb;
use crate::store::{Batch, Change, StoreError};

impl Courier {
    pub(super) async fn try_once(&self, action: Action, patience: &mut Patience) -> Result<Action, StoreError> {
        let Some(verb) = self.session.manifest().actions.get(&action.verb) else {
            let message = format!("the manifest has no verb `{}` any more", action.verb);
            return self.refuse(action, "unknown_verb", message).await;
        };
        let held = self.as_held(&action, verb)?;
        let verb = held.as_deref().unwrap_or(verb);
        let action = if verb.live {
            // Boxed: few verbs need its room.
            match Box::pin(self.edit_live(action, patience)).await? {
                ControlFlow::Continue(action) => action,
                ControlFlow::Break(action) => return Ok(action),
            }
        } else {
            action
        };
        let action = self.split(action, verb).await?;
        let pause = Pause { backoff: patience.backoff.next(), longest: self.limits.longest_retry };
        let placed = match self.placed(&action, verb, pause).await? {
            Ok(placed) => placed,
            Err(tried) => return self.settle(action, tried, patience).await,
        };
        if let Err(tried) = self.judged(&action, verb, pause).await {
            return self.settle(action, tried, patience).await;
        }
        let request::Ready { request, prepared } = match self.ready(&placed, verb, pause, patience).await {
            Ok(ready) => ready,
            Err(tried) => return self.settle(action, tried, patience).await,
        };
        self.pace.turn(&action, verb).await;
        // As late as can be: what is said until here by others must not be taken for this one.
        let action = match self.fence(Action { prepared, ..action }, verb, patience).await? {
            ControlFlow::Continue(action) => action,
            ControlFlow::Break(waits) => return Ok(waits),
        };
        let action = self.keep(begun(action, self.clock.now())).await?;
        self.rewrites(&action, verb);
        let tried = send::send(&self.session, request, verb, &self.clock, pause).await;
        self.settle(action, tried, patience).await
    }

    /// The verb as it is done in conversations that are held like the action's, where that is otherwise.
    fn as_held(&self, action: &Action, verb: &Verb) -> Result<Option<Box<Verb>>, StoreError> {
        if verb.held.is_empty() {
            return Ok(None);
        }
        self.session.kind_of(action.conversation()).map(|kind| verb.held_so(kind))
    }

    /// The request. What was lost on the way to it was an upload, which can be done again, as often as is sensible.
    async fn ready(
        &self,
        action: &Action,
        verb: &Verb,
        pause: Pause,
        patience: &mut Patience,
    ) -> Result<request::Ready, Tried> {
        match request::build(&self.session, action, verb, self.clock.now(), pause).await {
            Err(Tried::Lost { why, .. }) if patience.spares_an_upload() => {
                Err(Tried::Later { after: pause.backoff, why })
            }
            Err(Tried::Lost { why, .. }) => {
                Err(Tried::Refused { kind: "upload_failed".to_owned(), status: None, message: why })
            }
            built => built,
        }
    }

    /// Cuts a text that is too long into parts, each a row of its own, in one commit before the first try.
    async fn split(&self, action: Action, verb: &Verb) -> Result<Action, StoreError> {
        let Some(mut rows) = verb.split.as_ref().and_then(|rule| split::rows(&action, rule)) else { return Ok(action) };
        let batch = rows.iter().fold(Batch::new(), |batch, part| batch.with(Change::Action(Box::new(part.clone()))));
        self.store.commit(batch).await?;
        Ok(rows.swap_remove(0))
    }

    /// Commits what stands there before the first try, so that a read-back knows where to begin (P6). A resend keeps the
    /// first fence; what has a key, and what lasts, needs none.
    async fn fence(
        &self,
        action: Action,
        verb: &Verb,
        patience: &mut Patience,
    ) -> Result<ControlFlow<Action, Action>, StoreError> {
        let needed = can(verb, &action) && !lasts(verb) && !verb.repeatable;
        // What was tried without one once has none: what stands there now may be its own.
        if !needed || action.prepared.is_some() || action.fence.is_some() || action.resends > 0 {
            return Ok(ControlFlow::Continue(action));
        }
        match self.reader().fence(&action, verb).await {
            Ok(Some(fence)) => {
                Ok(ControlFlow::Continue(Action { fence: Some(fence.newest), known: fence.known, ..action }))
            }
            // It goes out, and a lost reply stays unknown.
            Ok(None) => Ok(ControlFlow::Continue(action)),
            Err(ReadError::Store(error)) => Err(error),
            // What cannot be read cannot be read back either: it goes out, and a lost reply stays unknown.
            Err(error) if error.refused() => Ok(ControlFlow::Continue(action)),
            Err(error) => {
                let tried = Tried::Later { after: patience.backoff.next(), why: error.to_string() };
                Ok(ControlFlow::Break(self.settle(action, tried, patience).await?))
            }
        }
    }
}

/// The action once its try begins.
pub(super) fn begun(action: Action, now: u64) -> Action {
    let mut action = Action { state: State::Trying, tries: action.tries + 1, ..action };
    (action.not_before, action.waits) = (None, None);
    action.begins(now);
    action
}
