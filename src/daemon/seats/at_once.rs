//! Verbs that are never stored: they go through a running workspace's session, and nothing remembers them.

use futures_util::FutureExt;

use super::Seats;
use crate::action::Request;
use crate::api::problem::Problem;
use crate::api::workspaces::Asked;
use crate::event::WorkspaceName;

impl Seats {
    /// Sends it; none where the verb is stored, or nobody knows it.
    pub(super) fn fleeting(&self, name: &WorkspaceName, wish: &Request) -> Option<Asked> {
        let record = self.0.context.means.store.workspace(name).ok().flatten()?;
        let manifest = self.0.context.manifests.get(&record.platform)?;
        manifest.actions.get(&wish.verb).filter(|verb| verb.ephemeral)?;
        let (seats, name, wish) = (self.clone(), name.clone(), wish.clone());
        let sent = async move {
            let session = seats.session(&name)?;
            let told = seats.0.fleeting.send(&session, wish, seats.0.request).await;
            let told = told.map_err(|refusal| Problem::new(refusal.kind, refusal.message))?;
            serde_json::to_value(told).map_err(|error| Problem::new("internal", error.to_string()))
        };
        Some(sent.boxed())
    }
}
