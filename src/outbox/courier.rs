//! Carries one action from where it stands to its receipt; every step is durable before the next begins.

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout_at};

use super::answer::Pause;
use super::decide::{self, Doubt, Tried};
use super::pace::Pacer;
use super::patience::Patience;
use super::read_back::{ReadError, Reader};
use super::seat::{Standing, standing};
use super::{Limits, receipt, request, send, split};
use crate::action::{Action, State};
use crate::adapter::Action as Verb;
use crate::clock::{Clock, rfc3339};
use crate::failpoint::{Defence, stands};
use crate::session::Session;
use crate::store::{Batch, Change, Store, StoreError};

/// What carries the actions of one workspace.
pub struct Courier {
    /// Where actions are kept.
    pub store: Store,
    /// How they are sent.
    pub session: Session,
    /// The only wall time.
    pub clock: Clock,
    /// How long and how often.
    pub limits: Limits,
    pace: Pacer,
}

impl Courier {
    /// A courier that has sent nothing yet.
    pub fn new(store: Store, session: Session, clock: Clock, limits: Limits) -> Self {
        Self { store, session, clock, limits, pace: Pacer::default() }
    }

    /// Carries an action until it is settled, with all parts it is cut into. Failures of the platform end in its
    /// receipt; only the store's fail here.
    pub async fn carry(&self, action: Action) -> Result<(), StoreError> {
        let action = self.carry_row(action).await?;
        let Some(part) = action.part.filter(|part| part.index == 0) else { return Ok(()) };
        for index in 1..part.of {
            if let Some(next) = self.store.action(&part.whole.part(index))? {
                self.carry_row(next).await?;
            }
        }
        Ok(())
    }

    async fn carry_row(&self, row: Action) -> Result<Action, StoreError> {
        // It may have been carried since it was listed, as a part of another; or forgotten with its workspace.
        let Some(action) = self.store.action(&row.id)? else { return Ok(row) };
        let mut patience = Patience::new(&action, self.limits, self.clock.now());
        let mut action = self.find_again(action).await?;
        while !action.state.settled() {
            self.wait(&action).await;
            action = match standing(&self.session.record().seat) {
                Standing::Gone(reason) => self.keep(decide::after_revoked(action, &reason, self.clock.now())).await?,
                Standing::Waits(why) => self.seat_back(action, why, &patience).await?,
                Standing::Acts if action.state == State::Doubtful => self.read_back(action, &mut patience).await?,
                Standing::Acts => self.try_once(action, &mut patience).await?,
            };
        }
        Ok(action)
    }

    /// After a restart a try under way is a lost reply; and a part whose forerunner failed does not go out alone.
    async fn find_again(&self, action: Action) -> Result<Action, StoreError> {
        if action.state == State::Trying {
            let doubt = self.doubt(&action);
            return self.keep(decide::after_restart(action, doubt, self.clock.now(), false)).await;
        }
        if self.forerunner_failed(&action)? {
            let message = "an earlier part of the same text failed".to_owned();
            return self.refuse(action, "part_failed", message).await;
        }
        Ok(action)
    }

    fn forerunner_failed(&self, action: &Action) -> Result<bool, StoreError> {
        let Some(part) = action.part.as_ref().filter(|part| part.index > 0) else { return Ok(false) };
        let before = self.store.action(&part.whole.part(part.index - 1))?;
        Ok(before.is_some_and(|before| matches!(before.state, State::Failed { .. })))
    }

    async fn try_once(&self, action: Action, patience: &mut Patience) -> Result<Action, StoreError> {
        let Some(verb) = self.session.manifest().actions.get(&action.verb) else {
            let message = format!("the manifest has no verb `{}` any more", action.verb);
            return self.refuse(action, "unknown_verb", message).await;
        };
        let action = self.split(action, verb).await?;
        let request = match request::build(&self.session, &action, verb).await {
            Ok(request) => request,
            Err(refusal) => return self.refuse(action, refusal.kind, refusal.message).await,
        };
        self.pace.turn(&action, verb).await;
        // As late as can be: what is said until here by others must not be taken for this one.
        let action = match self.fence(action, verb, patience).await? {
            ControlFlow::Continue(action) => action,
            ControlFlow::Break(waits) => return Ok(waits),
        };
        let mut action = Action { state: State::Trying, tries: action.tries + 1, ..action };
        (action.not_before, action.waits) = (None, None);
        action.begins(self.clock.now());
        let action = self.keep(action).await?;
        let pause = Pause { backoff: patience.backoff.next(), longest: self.limits.longest_retry };
        let tried = send::send(&self.session, request, verb, &self.clock, pause).await;
        self.settle(action, tried, patience).await
    }

    /// Cuts a text that is too long into parts, each a row of its own, in one commit before the first try.
    async fn split(&self, action: Action, verb: &Verb) -> Result<Action, StoreError> {
        let Some(mut rows) = verb.split.as_ref().and_then(|rule| split::rows(&action, rule)) else { return Ok(action) };
        let batch = rows.iter().fold(Batch::new(), |batch, part| batch.with(Change::Action(Box::new(part.clone()))));
        self.store.commit(batch).await?;
        Ok(rows.swap_remove(0))
    }

    /// Commits the newest known message, so that a read-back knows where to begin (P6). A resend keeps the first fence.
    async fn fence(
        &self,
        action: Action,
        verb: &Verb,
        patience: &mut Patience,
    ) -> Result<ControlFlow<Action, Action>, StoreError> {
        if verb.read_back.is_none() || action.fence.is_some() {
            return Ok(ControlFlow::Continue(action));
        }
        match self.reader().fence(&action).await {
            Ok(fence) => Ok(ControlFlow::Continue(Action { fence: Some(fence), ..action })),
            Err(ReadError::Store(error)) => Err(error),
            // What cannot be read cannot be read back either: it goes out, and a lost reply stays unknown.
            Err(error) if error.refused() => Ok(ControlFlow::Continue(action)),
            Err(error) => {
                let tried = Tried::Later { after: patience.backoff.next(), why: error.to_string() };
                Ok(ControlFlow::Break(self.settle(action, tried, patience).await?))
            }
        }
    }

    async fn read_back(&self, action: Action, patience: &mut Patience) -> Result<Action, StoreError> {
        let field = self.session.manifest().actions.get(&action.verb).and_then(|verb| verb.read_back.as_ref());
        let wanted = field.and_then(|rule| action.args.get(&rule.text)).and_then(Value::as_str).unwrap_or_default();
        match self.reader().look(&action, wanted).await {
            Ok(found) => self.keep(decide::after_read(action, &found, self.clock.now())).await,
            Err(ReadError::Store(error)) => Err(error),
            Err(error) => {
                let after = patience.backoff.next();
                self.read_later(action, error.to_string(), after, patience).await
            }
        }
    }

    async fn read_later(
        &self,
        action: Action,
        why: String,
        after: Duration,
        patience: &Patience,
    ) -> Result<Action, StoreError> {
        let now = self.clock.now();
        self.keep(decide::after_no_read(action, why, after, now, patience.is_over())).await
    }

    fn reader(&self) -> Reader<'_> {
        let manifest = self.session.manifest();
        Reader { session: &self.session, store: &self.store, manifest, limits: self.limits }
    }

    fn doubt(&self, action: &Action) -> Doubt {
        match self.session.manifest().actions.get(&action.verb) {
            Some(verb) if verb.repeatable => Doubt::Repeat,
            Some(_) if !stands(Defence::ReadBack) => Doubt::Repeat,
            Some(verb) if verb.read_back.is_some() && action.fence.is_some() => Doubt::ReadBack,
            _ => Doubt::Stay,
        }
    }

    async fn settle(&self, action: Action, tried: Tried, patience: &Patience) -> Result<Action, StoreError> {
        let doubt = self.doubt(&action);
        self.keep(decide::after_try(action, tried, doubt, self.clock.now(), patience.is_over())).await
    }

    async fn refuse(&self, action: Action, kind: &str, message: String) -> Result<Action, StoreError> {
        let refused = Tried::Refused { kind: kind.to_owned(), status: None, message };
        self.keep(decide::after_try(action, refused, Doubt::Stay, self.clock.now(), false)).await
    }

    /// Commits the action's state, and with the last part's the `action.settled` event.
    async fn keep(&self, action: Action) -> Result<Action, StoreError> {
        let mut batch = Batch::new().with(Change::Action(Box::new(action.clone())));
        if action.state.settled() {
            let mut parts = receipt::parts(&self.store, action.clone())?;
            if let Some(row) = parts.iter_mut().find(|row| row.id == action.id) {
                *row = action.clone();
            }
            let receipt = receipt::sum(&parts);
            tracing::info!(workspace = %receipt.workspace, action = %action.id, verb = action.verb, state = action.state.word(), "action settled");
            if receipt.state.settled() {
                let draft = receipt::told(&receipt, action.conversation(), rfc3339(self.clock.now()));
                batch = batch.event(draft.seal());
            }
        }
        self.store.commit(batch).await?;
        Ok(action)
    }

    /// Until the action's own time comes, or the seat is gone.
    async fn wait(&self, action: &Action) {
        let now = self.clock.now();
        let Some(until) = action.not_before.filter(|until| *until > now) else { return };
        // Never longer than any wait that this program decides, whatever the wall clock did meanwhile.
        let longest = self.limits.longest_wait.max(self.limits.longest_retry).max(decide::BETWEEN_READS);
        let mut changes = self.session.changes();
        tokio::select! {
            () = sleep(Duration::from_millis(until - now).min(longest)) => {}
            Ok(_) = changes.wait_for(|record| matches!(standing(&record.seat), Standing::Gone(_))) => {}
        }
    }

    /// Says in the receipt what is in the way, and waits until the seat has changed, as long as there is patience.
    async fn seat_back(&self, action: Action, why: String, patience: &Patience) -> Result<Action, StoreError> {
        let mut changes = self.session.changes();
        let told = action.waits.as_ref() == Some(&why);
        let action = match action.state {
            _ if told && !patience.is_over() => action,
            State::Doubtful => self.read_later(action, why.clone(), Duration::ZERO, patience).await?,
            _ => self.settle(action, Tried::Later { after: Duration::ZERO, why: why.clone() }, patience).await?,
        };
        if !action.state.settled() {
            let same = Standing::Waits(why);
            drop(timeout_at(patience.until, changes.wait_for(|record| standing(&record.seat) != same)).await);
        }
        Ok(action)
    }
}
