//! Changes of a workspace's record: committed, then seen; begun, then finished, whoever gives up.

use std::sync::PoisonError;

use serde_json::Value;

use super::{Error, KEPT, Sealing, Session, UNTOLD, revoke};
use crate::event::NewEvent;
use crate::store::{Batch, Change, Seat, WorkspaceRecord};

impl Session {
    /// Commits a fact about the workspace.
    pub async fn learn(&self, name: &str, value: impl Into<Value>) -> Result<(), Error> {
        let (session, name, value) = (self.clone(), name.to_owned(), value.into());
        self.own_task(async move { session.commit(Vec::new(), |record| drop(record.facts.insert(name, value))).await })
            .await
    }

    /// Adds an id to the fact of this name, a list; the oldest go where there are [`KEPT`].
    pub async fn keep_id(&self, name: &str, id: &str) -> Result<(), Error> {
        let (session, name, id) = (self.clone(), name.to_owned(), Value::from(id));
        let add = move |record: &mut WorkspaceRecord| {
            let fact = record.facts.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            let mut ids = match std::mem::take(fact) {
                Value::Array(ids) => ids,
                Value::Null => Vec::new(),
                one => vec![one],
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
            ids.drain(..ids.len().saturating_sub(KEPT));
            *fact = Value::Array(ids);
        };
        self.own_task(async move { session.commit(Vec::new(), add).await }).await
    }

    /// Commits what the seat is from now on: what a line has learnt of it.
    pub async fn sit(&self, seat: Seat) -> Result<(), Error> {
        let session = self.clone();
        self.own_task(async move { session.commit(Vec::new(), |record| record.seat = seat).await }).await
    }

    /// The same together with an event that stands before all that the seat's end leads to.
    pub async fn sit_behind(&self, event: NewEvent, seat: Seat) -> Result<(), Error> {
        let session = self.clone();
        let batch = Batch::new().event(event);
        self.own_task(async move { session.commit_beside(batch, Vec::new(), |record| record.seat = seat).await }).await
    }

    /// Whether the seat cannot act any more and the feed was not told of it yet.
    pub fn is_untold(&self) -> bool {
        self.0.record.borrow().facts.contains_key(UNTOLD)
    }

    /// Commits the event that tells of the seat, once.
    pub async fn tell(&self, event: NewEvent) -> Result<(), Error> {
        let session = self.clone();
        self.own_task(async move { session.commit_told(event).await }).await
    }

    /// Commits a change of the record with new secrets, then lets everybody see it. With a seat that is gone its tokens
    /// go, in the same commit.
    pub(super) async fn commit(&self, secrets: Sealing, edit: impl FnOnce(&mut WorkspaceRecord)) -> Result<(), Error> {
        self.commit_beside(Batch::new(), secrets, edit).await
    }

    /// The same in one transaction with what stands in `batch`.
    pub(super) async fn commit_beside(
        &self,
        batch: Batch,
        secrets: Sealing,
        edit: impl FnOnce(&mut WorkspaceRecord),
    ) -> Result<(), Error> {
        let _turn = self.0.writing.lock().await;
        let mut record = self.record();
        let before = record.seat.clone();
        edit(&mut record);
        if record.seat != before && matches!(record.seat, Seat::NeedsAction { .. } | Seat::Revoked { .. }) {
            record.facts.insert(UNTOLD.to_owned(), true.into());
        }
        let secrets = revoke::settle(&self.0.manifest, &mut record, secrets, self.0.means.clock.now());
        let gone = matches!(record.seat, Seat::Revoked { .. });
        self.write(record, secrets, batch).await?;
        if gone {
            *self.0.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(())
    }

    /// Commits an event that tells of the seat, and that it was told.
    pub(super) async fn commit_told(&self, event: NewEvent) -> Result<(), Error> {
        let _turn = self.0.writing.lock().await;
        let mut record = self.record();
        record.facts.remove(UNTOLD);
        self.write(record, Vec::new(), Batch::new().event(event)).await
    }

    async fn write(&self, record: WorkspaceRecord, secrets: Sealing, batch: Batch) -> Result<(), Error> {
        // A workspace that was left meanwhile must not come back.
        if self.0.means.store.workspace(&record.name)?.is_none() {
            return Err(Error::Left(record.name.to_string()));
        }
        let owner = record.name.to_string();
        let mut batch = batch.with(Change::Workspace(Box::new(record.clone())));
        for (field, value) in secrets.clone() {
            batch = batch.with(Change::Secret { owner: owner.clone(), field, value });
        }
        self.0.means.store.commit(batch).await?;
        self.keep(secrets);
        self.0.record.send_replace(record);
        Ok(())
    }

    fn keep(&self, changed: Sealing) {
        let mut secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for (field, value) in changed {
            match value {
                Some(secret) => drop(secrets.insert(field, secret)),
                None => drop(secrets.remove(&field)),
            }
        }
    }

    /// Runs to its end even when the caller gives up; a panic in it is the caller's.
    pub(super) async fn own_task<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        match self.0.means.tasks.spawn(work).await {
            Ok(done) => done,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::Setup("the bridge is stopping".into())),
            },
        }
    }
}
