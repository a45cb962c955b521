//! Changes of a workspace's record: committed, then seen; begun, then finished, whoever gives up.

use std::sync::PoisonError;

use secrecy::SecretString;

use super::{Error, Session};
use crate::store::{Batch, Change, WorkspaceRecord};

impl Session {
    /// Commits a change of the record with new secrets, then lets everybody see it.
    pub(super) async fn commit(
        &self,
        secrets: Vec<(String, SecretString)>,
        edit: impl FnOnce(&mut WorkspaceRecord),
    ) -> Result<(), Error> {
        let _turn = self.0.writing.lock().await;
        let mut record = self.record();
        // A workspace that was left meanwhile must not come back.
        if self.0.means.store.workspace(&record.name)?.is_none() {
            return Err(Error::Left(record.name.to_string()));
        }
        edit(&mut record);
        let owner = record.name.to_string();
        let mut batch = Batch::new().with(Change::Workspace(Box::new(record.clone())));
        for (field, secret) in &secrets {
            let value = Some(secret.clone());
            batch = batch.with(Change::Secret { owner: owner.clone(), field: field.clone(), value });
        }
        self.0.means.store.commit(batch).await?;
        self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner).extend(secrets);
        self.0.record.send_replace(record);
        Ok(())
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
