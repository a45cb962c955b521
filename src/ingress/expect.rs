//! What the deliveries of a workspace must show: the unguessable part of their path, and a signature.

use std::sync::Arc;

use axum::http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::answer::Answer;
use super::callback::{HOOK_PATH, LENGTH};
use super::signature::Signature;
use crate::event::WorkspaceName;
use crate::store::{Seat, Store, StoreError, WorkspaceRecord};

/// How the platform of a workspace signs; `None` where it has no webhooks.
pub type Way = Arc<dyn Fn(&WorkspaceRecord) -> Option<Signature> + Send + Sync>;

/// Looks up what deliveries must show.
pub struct Expectations {
    store: Store,
    way: Way,
}

/// What the deliveries of one workspace must show.
pub struct Expectation {
    /// How they are signed.
    pub signature: Signature,
    /// With what; `None` where nothing is stored.
    pub secret: Option<SecretString>,
    /// Under which path they come; `None` where nobody was told one.
    pub path: Option<SecretString>,
    /// The platform took the seat away. It may still deliver what happened before, and the end of the grant itself.
    pub revoked: bool,
}

impl Expectations {
    /// Over the store, with the manifests' part as a function.
    pub fn new(store: Store, way: Way) -> Self {
        Self { store, way }
    }

    /// The expectation of a workspace. One that is not there, or has no webhooks, is looked up like any other and gets one
    /// that nothing meets.
    pub fn of(&self, workspace: &WorkspaceName) -> Result<Expectation, StoreError> {
        let record = self.store.workspace(workspace)?;
        let way = record.as_ref().and_then(|record| (self.way)(record));
        let known = way.is_some();
        let signature = way.unwrap_or_else(Expectation::nothing);
        let path = self.store.secret(workspace.as_str(), HOOK_PATH)?.filter(|_| known);
        let secret = self.store.secret(workspace.as_str(), &signature.secret)?;
        let revoked = record.is_some_and(|record| matches!(record.seat, Seat::Revoked { .. }));
        Ok(Expectation { signature, secret, path, revoked })
    }
}

impl Expectation {
    /// Of what can be no workspace at all.
    pub(super) fn unmet() -> Self {
        Self { signature: Self::nothing(), secret: None, path: None, revoked: false }
    }

    fn nothing() -> Signature {
        Signature { header: "x-signature".into(), prefix: String::new(), secret: "webhook_secret".into() }
    }

    /// Whether a delivery is the platform's. Looks at everything, whatever is wrong first.
    pub(super) fn judge(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Answer> {
        let placed = self.comes_by(path);
        let signed = self.signature.holds(self.secret.as_ref(), headers, body);
        let secret = self.secret.as_ref().is_some_and(|secret| !secret.expose_secret().is_empty());
        match (placed, secret, signed) {
            (true, true, true) => Ok(()),
            (true, true, false) => Err(Answer::Forged),
            (true, false, _) => Err(Answer::NoSecret),
            (false, ..) => Err(Answer::Unknown),
        }
    }

    fn comes_by(&self, given: &str) -> bool {
        let decoy = "0".repeat(LENGTH);
        let kept = self.path.as_ref().map_or(&*decoy, |path| path.expose_secret());
        let same = bool::from(kept.as_bytes().ct_eq(given.as_bytes()));
        same & self.path.is_some() & (kept.len() == LENGTH)
    }
}
