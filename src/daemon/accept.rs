//! Which actions a workspace can take, by its platform's manifest: the check that `act` and riding actions share.

use std::sync::Arc;

use crate::action::{Action, Request};
use crate::adapter::Manifests;
use crate::deliver::{Acceptable, Refused};
use crate::event::WorkspaceName;
use crate::outbox::{self, Refusal};
use crate::store::Store;

/// Knows the verbs of every joined workspace.
pub struct ByManifest {
    store: Store,
    manifests: Arc<Manifests>,
}

impl ByManifest {
    /// Over these manifests.
    pub const fn new(store: Store, manifests: Arc<Manifests>) -> Self {
        Self { store, manifests }
    }

    fn check(
        &self,
        workspace: &WorkspaceName,
        request: Request,
        answers: Option<u64>,
        now: u64,
    ) -> Result<Action, Refusal> {
        let record =
            self.store.workspace(workspace).map_err(|error| Refusal::new("store_failed", error.to_string()))?;
        let unknown = || Refusal::new("no_such_workspace", format!("there is no workspace `{workspace}`"));
        let record = record.ok_or_else(unknown)?;
        let strange = || Refusal::new("no_such_platform", format!("no manifest for `{}`", record.platform));
        let manifest = self.manifests.get(&record.platform).ok_or_else(strange)?;
        outbox::accept(&manifest, &record, request, answers, now)
    }
}

impl Acceptable for ByManifest {
    fn accept(
        &self,
        workspace: &WorkspaceName,
        request: Request,
        answers: Option<u64>,
        now: u64,
    ) -> Result<Vec<Action>, Refused> {
        let checked = self.check(workspace, request, answers, now);
        checked.map(|action| vec![action]).map_err(|Refusal { kind, message }| Refused { kind, message })
    }
}
