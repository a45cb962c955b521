//! Carries one action from where it stands to its receipt; every step is durable before the next begins.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::accept::Refusal;
use super::decide::{self, Doubt, Tried};
use super::pace::Pacer;
use super::read_back::{ReadError, Reader};
use super::{Limits, answer, files, receipt, split};
use crate::action::{Action, State};
use crate::adapter::{Action as Verb, Root};
use crate::clock::{Clock, millis, rfc3339};
use crate::http::{Body, FormPart, Request, Response};
use crate::normalise::Scrubber;
use crate::retry::Backoff;
use crate::session::{Error, Session};
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
        // It may have been carried since it was listed, as a part of another.
        let mut action = self.store.action(&row.id)?.unwrap_or(row);
        let mut backoff = Backoff::new(self.limits.first_wait, self.limits.longest_wait);
        action = self.find_again(action).await?;
        while !action.state.settled() {
            self.wait(&action).await;
            action = match action.state {
                State::Doubtful => self.read_back(action, &mut backoff).await?,
                _ => self.try_once(action, &mut backoff).await?,
            };
        }
        Ok(action)
    }

    /// After a restart a try under way is a lost reply; and a part whose forerunner failed does not go out alone.
    async fn find_again(&self, action: Action) -> Result<Action, StoreError> {
        if action.state == State::Trying {
            let (doubt, now) = (self.doubt(&action), self.clock.now());
            let deadline = self.deadline(&action);
            return self.keep(decide::after_restart(action, doubt, now, deadline)).await;
        }
        if self.forerunner_failed(&action)? {
            let message = "an earlier part of the same text failed".to_owned();
            return self.settle(action, Tried::Refused { kind: "part_failed".to_owned(), status: None, message }).await;
        }
        Ok(action)
    }

    fn forerunner_failed(&self, action: &Action) -> Result<bool, StoreError> {
        let Some(part) = action.part.as_ref().filter(|part| part.index > 0) else { return Ok(false) };
        let before = self.store.action(&part.whole.part(part.index - 1))?;
        Ok(before.is_some_and(|before| matches!(before.state, State::Failed { .. })))
    }

    async fn try_once(&self, action: Action, backoff: &mut Backoff) -> Result<Action, StoreError> {
        let Some(verb) = self.session.manifest().actions.get(&action.verb) else {
            let message = format!("the manifest has no verb `{}` any more", action.verb);
            return self
                .settle(action, Tried::Refused { kind: "unknown_verb".to_owned(), status: None, message })
                .await;
        };
        let action = self.split(action, verb).await?;
        let action = match self.fence(action, verb, backoff).await? {
            ControlFlow::Continue(action) => action,
            ControlFlow::Break(waits) => return Ok(waits),
        };
        let request = match self.request(&action, verb).await {
            Ok(request) => request,
            Err(tried) => return self.settle(action, tried).await,
        };
        self.pace.turn(&action, verb).await;
        let mut action = Action { state: State::Trying, tries: action.tries + 1, ..action };
        action.begins(self.clock.now());
        let action = self.keep(action).await?;
        let tried = self.send(request, verb, backoff).await;
        self.settle(action, tried).await
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
        backoff: &mut Backoff,
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
                self.seat_back(&error).await;
                let tried = Tried::Later { after: backoff.next(), why: error.to_string() };
                Ok(ControlFlow::Break(self.settle(action, tried).await?))
            }
        }
    }

    async fn request(&self, action: &Action, verb: &Verb) -> Result<Request, Tried> {
        let refused =
            |refusal: Refusal| Tried::Refused { kind: refusal.kind.to_owned(), status: None, message: refusal.message };
        let scope = self.session.scope().with_all(Root::Action, action.args.iter().map(|(k, v)| (k, v.clone())));
        let files = files::named(&action.args).map_err(refused)?;
        let built = match (&verb.files, files.is_empty()) {
            (Some(rule), false) => {
                let mut parts = Vec::new();
                if let Some(text) = action.args.get("text").and_then(Value::as_str) {
                    let bytes = Bytes::from(text.to_owned());
                    parts.push(FormPart { name: rule.text_field.clone(), file_name: None, bytes });
                }
                for file in files {
                    let bytes = files::read(&file, rule.cap).await.map_err(refused)?;
                    parts.push(FormPart { name: rule.field.clone(), file_name: Some(file.name), bytes });
                }
                verb.call.request_with(self.session.base(), &scope, Body::Multipart(parts))
            }
            _ => verb.call.request(self.session.base(), &scope),
        };
        built.map_err(|error| refused(Refusal::new("bad_args", error.to_string())))
    }

    async fn send(&self, request: Request, verb: &Verb, backoff: &mut Backoff) -> Tried {
        match self.session.send(request).await {
            Ok(response) => {
                let response = self.scrubbed(response);
                let tried = answer::read(self.session.manifest(), verb, &response, self.clock.now());
                if matches!(tried, Tried::Done { .. }) {
                    self.learn_who(verb, &response.body).await;
                }
                tried
            }
            Err(Error::Network(failure)) => answer::missing(&failure, backoff.next()),
            Err(Error::Waiting { why, retry_in }) => Tried::Later { after: retry_in, why },
            Err(error @ Error::NeedsAction { .. }) => {
                let why = error.to_string();
                self.seat_back(&ReadError::Session(error)).await;
                Tried::Later { after: Duration::ZERO, why }
            }
            Err(error) => Tried::Refused { kind: "not_sent".to_owned(), status: None, message: error.to_string() },
        }
    }

    /// What a platform says of a request may repeat its credentials, and receipts go into the feed (P8).
    fn scrubbed(&self, response: Response) -> Response {
        let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) else { return response };
        Scrubber::new(self.session.secrets()).scrub_value(&mut body);
        Response { body: body.to_string().into(), ..response }
    }

    /// What the answer to an own message teaches about its author: `take` may name the facts of `me`.
    async fn learn_who(&self, verb: &Verb, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
        let record = self.session.record();
        for (name, value) in verb.call.take(&body) {
            let new = self.session.manifest().me.ids.contains(&name) && !record.facts.contains_key(&name);
            if new && let Err(error) = self.session.learn(&name, value).await {
                tracing::debug!(%error, fact = name, "an own id was not kept");
            }
        }
    }

    async fn read_back(&self, action: Action, backoff: &mut Backoff) -> Result<Action, StoreError> {
        let field = self.session.manifest().actions.get(&action.verb).and_then(|verb| verb.read_back.as_ref());
        let wanted = field.and_then(|rule| action.args.get(&rule.text)).and_then(Value::as_str).unwrap_or_default();
        match self.reader().look(&action, wanted).await {
            Ok(found) => {
                let now = self.clock.now();
                self.keep(decide::after_read(action, &found, now)).await
            }
            Err(ReadError::Store(error)) => Err(error),
            Err(error) => {
                self.seat_back(&error).await;
                self.read_later(action, &error, backoff.next()).await
            }
        }
    }

    async fn read_later(&self, action: Action, error: &ReadError, after: Duration) -> Result<Action, StoreError> {
        let now = self.clock.now();
        if now >= self.deadline(&action) {
            let message = format!("the reply was lost, and the conversation cannot be read ({error})");
            return self.keep(Action { state: State::Unknown { message }, settled_at: Some(now), ..action }).await;
        }
        self.keep(Action { not_before: Some(now + millis(after)), ..action }).await
    }

    fn reader(&self) -> Reader<'_> {
        let manifest = self.session.manifest();
        Reader { session: &self.session, store: &self.store, manifest, limits: self.limits }
    }

    fn doubt(&self, action: &Action) -> Doubt {
        match self.session.manifest().actions.get(&action.verb) {
            Some(verb) if verb.repeatable => Doubt::Repeat,
            Some(verb) if verb.read_back.is_some() && action.fence.is_some() => Doubt::ReadBack,
            _ => Doubt::Stay,
        }
    }

    fn deadline(&self, action: &Action) -> u64 {
        action.accepted_at.saturating_add(millis(self.limits.give_up))
    }

    async fn settle(&self, action: Action, tried: Tried) -> Result<Action, StoreError> {
        let (doubt, deadline) = (self.doubt(&action), self.deadline(&action));
        self.keep(decide::after_try(action, tried, doubt, self.clock.now(), deadline)).await
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

    /// Until the action's own time comes.
    async fn wait(&self, action: &Action) {
        let now = self.clock.now();
        if let Some(until) = action.not_before.filter(|until| *until > now) {
            // Never longer than any wait that this program decides, whatever the wall clock did meanwhile.
            let longest = self.limits.longest_wait.max(Duration::from_hours(1));
            tokio::time::sleep(Duration::from_millis(until - now).min(longest)).await;
        }
    }

    /// Where a person must act first, waits until the seat has changed.
    async fn seat_back(&self, error: &ReadError) {
        if matches!(error, ReadError::Session(Error::NeedsAction { .. })) {
            let mut changes = self.session.changes();
            changes.mark_unchanged();
            let _closed = tokio::time::timeout(self.limits.longest_wait, changes.changed()).await;
        }
    }
}
