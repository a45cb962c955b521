//! The URL of a workspace's webhook, where a person has to tell the platform.

use secrecy::ExposeSecret;

use super::Seats;
use crate::event::WorkspaceName;
use crate::ingress::{HOOK_PATH, hook_path};
use crate::store::StoreError;

/// What a person has to know of a platform's webhook.
pub(super) enum Pasted {
    /// Where it goes.
    Url(String),
    /// Nothing would be taken, for this secret was not given.
    Lacks(String),
}

impl Pasted {
    /// What a join says of it.
    pub fn words(&self) -> String {
        match self {
            Self::Url(url) => format!("for quicker events, set this as the agent's webhook URL there: {url}"),
            Self::Lacks(secret) => {
                format!("no `{secret}` was given: events come by polling alone, and webhooks are refused")
            }
        }
    }
}

impl Seats {
    /// Of a workspace whose platform delivers to a URL that a person pastes there; none where no step is left to a
    /// person, or nothing listens.
    pub(super) fn pasted(&self, name: &WorkspaceName) -> Result<Option<Pasted>, StoreError> {
        let store = &self.0.context.means.store;
        let Some((record, public)) = store.workspace(name)?.zip(self.0.public_url.as_ref()) else { return Ok(None) };
        let Some(manifest) = self.0.context.manifests.get(&record.platform) else { return Ok(None) };
        let Some(hook) = manifest.pasted_webhook() else { return Ok(None) };
        let secret = &hook.signature.secret;
        if store.secret(name.as_str(), secret)?.is_none_or(|secret| secret.expose_secret().is_empty()) {
            return Ok(Some(Pasted::Lacks(secret.clone())));
        }
        let path = store.secret(name.as_str(), HOOK_PATH)?;
        Ok(path.map(|path| Pasted::Url(format!("{}/{}", public.hooks_of(name), path.expose_secret()))))
    }

    /// The same for a workspace that was just joined, which may have no URL yet.
    pub(super) async fn paste(&self, name: &WorkspaceName) -> Result<Option<Pasted>, StoreError> {
        if self.0.public_url.is_some() {
            hook_path(&self.0.context.means.store, name).await?;
        }
        self.pasted(name)
    }
}
