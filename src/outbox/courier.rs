//! Carries one action from where it stands to its receipt; every step is durable before the next begins.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout_at};

use super::behind::{Others, others};
use super::decide::{self, Doubt, Found, Tried};
use super::live::Editor;
use super::pace::Pacer;
use super::patience::Patience;
use super::read_back::{ReadError, Reader, can, lasts};
use super::seat::{Standing, standing};
use super::{Limits, receipt};
use crate::action::{Action, State};
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
    pub(super) pace: Pacer,
    /// Fair: who waits longest for a place is next.
    places: Semaphore,
    pub(super) editor: Option<Arc<dyn Editor>>,
}

impl Courier {
    /// A courier that has sent nothing yet.
    pub fn new(store: Store, session: Session, clock: Clock, limits: Limits) -> Self {
        let places = Semaphore::new(limits.parallel);
        Self { store, session, clock, limits, pace: Pacer::default(), places, editor: None }
    }

    /// The same where live documents are edited.
    #[must_use]
    pub fn editing(self, editor: Option<Arc<dyn Editor>>) -> Self {
        Self { editor, ..self }
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
        if action.state.settled() {
            return Ok(action);
        }
        let mut patience = Patience::new(&action, self.limits, self.clock.now());
        let mut action = self.find_again(action).await?;
        while !action.state.settled() {
            self.wait(&action).await;
            action = match standing(&self.session.record().seat) {
                Standing::Gone(reason) => self.keep(decide::after_revoked(action, &reason, self.clock.now())).await?,
                Standing::Waits(why) => self.seat_back(action, why, &patience).await?,
                Standing::Acts => self.step(action, &mut patience).await?,
            };
        }
        Ok(action)
    }

    /// One try, or one look for what a lost reply was about. Whoever only waits keeps nobody else from acting.
    async fn step(&self, action: Action, patience: &mut Patience) -> Result<Action, StoreError> {
        let _place = self.places.acquire().await;
        match standing(&self.session.record().seat) {
            Standing::Acts if action.state == State::Doubtful => self.read_back(action, patience).await,
            Standing::Acts => self.try_once(action, patience).await,
            // The seat has changed meanwhile.
            Standing::Waits(_) | Standing::Gone(_) => Ok(action),
        }
    }

    /// After a restart a try under way is a lost reply; and a part whose forerunner failed does not go out alone.
    async fn find_again(&self, action: Action) -> Result<Action, StoreError> {
        if action.state == State::Trying {
            let doubt = self.doubt(&action);
            return self.keep(decide::after_restart(action, doubt, self.clock.now(), false)).await;
        }
        if let Others::Unmet(why) = others(&self.store, &action)? {
            return self.refuse(action, "ack_failed", format!("not done, for {why}")).await;
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

    async fn read_back(&self, action: Action, patience: &mut Patience) -> Result<Action, StoreError> {
        let doubt = self.doubt(&action);
        let Some(verb) = self.session.manifest().actions.get(&action.verb) else {
            let why = format!("the manifest has no verb `{}` any more", action.verb);
            return self.keep(decide::after_no_read(action, why, Duration::ZERO, self.clock.now(), true)).await;
        };
        match self.reader().look(&action, verb).await {
            Ok(found) => self.keep(decide::after_read(action, &found, doubt, self.clock.now())).await,
            Err(ReadError::Store(error)) => Err(error),
            // What may be repeated need not be seen.
            Err(error) if error.refused() && doubt == Doubt::LookFirst => {
                self.keep(decide::after_read(action, &Found::Nothing, doubt, self.clock.now())).await
            }
            Err(error) => {
                let spent = error.refused() && !patience.spares_a_read();
                let (after, over) = (patience.backoff.next(), spent || patience.is_over());
                self.read_later(action, error.to_string(), after, over).await
            }
        }
    }

    async fn read_later(&self, action: Action, why: String, after: Duration, over: bool) -> Result<Action, StoreError> {
        self.keep(decide::after_no_read(action, why, after, self.clock.now(), over)).await
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        let manifest = self.session.manifest();
        Reader { session: &self.session, store: &self.store, manifest, limits: self.limits }
    }

    pub(super) fn doubt(&self, action: &Action) -> Doubt {
        match self.session.manifest().actions.get(&action.verb) {
            Some(verb) if verb.idempotency.is_some() && action.prepared.is_some() => Doubt::SameKey,
            // An edit that was made is brought again, the same bytes.
            Some(verb) if verb.live && action.prepared.is_some() => Doubt::SameKey,
            Some(verb) if verb.repeatable => Doubt::Repeat,
            Some(_) if !stands(Defence::ReadBack) => Doubt::Repeat,
            Some(verb) if lasts(verb) => Doubt::LookFirst,
            Some(verb) if can(verb, action) && action.fence.is_some() => Doubt::ReadBack,
            Some(verb) if can(verb, action) => Doubt::Unfenced,
            _ => Doubt::Stay,
        }
    }

    pub(super) async fn settle(&self, action: Action, tried: Tried, patience: &Patience) -> Result<Action, StoreError> {
        let doubt = self.doubt(&action);
        let tried = self.weighed(&action, tried).await?;
        self.keep(decide::after_try(action, tried, doubt, self.clock.now(), patience.is_over())).await
    }

    pub(super) async fn refuse(&self, action: Action, kind: &str, message: String) -> Result<Action, StoreError> {
        let refused = Tried::Refused { kind: kind.to_owned(), status: None, message };
        self.keep(decide::after_try(action, refused, Doubt::Stay, self.clock.now(), false)).await
    }

    /// Commits the action's state, and with the last part's the `action.settled` event.
    pub(super) async fn keep(&self, action: Action) -> Result<Action, StoreError> {
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
            State::Doubtful => self.read_later(action, why.clone(), Duration::ZERO, patience.is_over()).await?,
            _ => self.settle(action, Tried::Later { after: Duration::ZERO, why: why.clone() }, patience).await?,
        };
        if !action.state.settled() {
            let same = Standing::Waits(why);
            drop(timeout_at(patience.until, changes.wait_for(|record| standing(&record.seat) != same)).await);
        }
        Ok(action)
    }
}
