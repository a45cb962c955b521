//! What goes with a seat that the platform takes away: its tokens, in the commit that says so. What late deliveries are
//! verified with stays for a day, because they still come.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Value;

use super::{Error, GOT_AT, LASTS, Sealing, Session, TOKEN, intent};
use crate::adapter::{Manifest, Push};
use crate::clock::millis;
use crate::store::{Seat, WorkspaceRecord};

/// The fact that says when the platform took the seat away: milliseconds since 1970.
pub const REVOKED_AT: &str = "revoked_at";

/// For so long after a revocation a platform's late deliveries are still verified: it tries for a while, and what it
/// would be told without a secret is that they are forged.
pub const LATE: Duration = Duration::from_hours(24);

/// What verifies the deliveries of a manifest's platform.
fn signing(manifest: &Manifest) -> BTreeSet<&str> {
    let hooks = manifest.receive.push.iter().filter_map(|push| match push {
        Push::Webhook(hook) => Some(hook.signature.secret.as_str()),
        Push::ActionCable(_) | Push::Attendance(_) => None,
    });
    hooks.collect()
}

/// The sealed fields that a seat loses at once: its token, and all else that the platform gave for it. What a person gave
/// stays until they leave.
fn tokens(manifest: &Manifest) -> BTreeSet<&str> {
    let signing = signing(manifest);
    let taken = manifest.ask.secrets.iter().filter(|(name, secret)| secret.taken && !signing.contains(name));
    [TOKEN, intent::EXCHANGING].into_iter().chain(taken.map(|(name, _)| name)).collect()
}

/// What a commit of this record does to the secrets, beyond `secrets`: of a seat that is gone no token is kept, also none
/// that a renewal under way brings. Notes the time where that is not known. Pure.
pub(super) fn settle(manifest: &Manifest, record: &mut WorkspaceRecord, mut secrets: Sealing, now: u64) -> Sealing {
    if !matches!(record.seat, Seat::Revoked { .. }) {
        return secrets;
    }
    let tokens = tokens(manifest);
    secrets.retain(|(name, _)| !tokens.contains(name.as_str()));
    secrets.extend(tokens.into_iter().map(|name| (name.to_owned(), None)));
    record.facts.entry(REVOKED_AT.to_owned()).or_insert_with(|| now.into());
    for name in [GOT_AT, LASTS] {
        record.facts.remove(name);
    }
    intent::forget(record);
    secrets
}

/// When what late deliveries are verified with goes, in milliseconds since 1970; `None` where the seat was not revoked
/// since it was last joined.
pub fn forgets_at(record: &WorkspaceRecord) -> Option<u64> {
    record.facts.get(REVOKED_AT).and_then(Value::as_u64).map(|at| at.saturating_add(millis(LATE)))
}

impl Session {
    /// Whether the seat was taken away by a bridge that noted neither when nor erased its tokens.
    pub fn is_revoked_unnoted(&self) -> bool {
        let record = self.0.record.borrow();
        matches!(record.seat, Seat::Revoked { .. }) && !record.facts.contains_key(REVOKED_AT)
    }

    /// Erases the tokens of such a seat, and notes that it is gone now.
    pub async fn note_revoked(&self) -> Result<(), Error> {
        let session = self.clone();
        self.own_task(async move { session.commit(Vec::new(), |_| ()).await }).await
    }

    /// Erases what late deliveries are verified with, the sealed field `also`, and a fact that goes with them. Commits
    /// nothing where they are gone.
    pub async fn forget_late(&self, also: &'static str, fact: &'static str) -> Result<(), Error> {
        let erased: Sealing = {
            let secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            let fields = signing(&self.0.manifest).into_iter().chain([also]);
            fields.filter(|name| secrets.contains_key(*name)).map(|name| (name.to_owned(), None)).collect()
        };
        if erased.is_empty() {
            return Ok(());
        }
        let session = self.clone();
        self.own_task(async move { session.commit(erased, |record| drop(record.facts.remove(fact))).await }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Manifests;
    use crate::event::WorkspaceName;

    fn record(seat: Seat) -> WorkspaceRecord {
        WorkspaceRecord {
            name: WorkspaceName::new("acme").unwrap(),
            platform: String::new(),
            settings: [].into(),
            facts: [(GOT_AT.to_owned(), 1.into()), (LASTS.to_owned(), 2.into())].into(),
            session: String::new(),
            seat,
            joined_at: 1,
        }
    }

    fn manifest() -> std::sync::Arc<Manifest> {
        let granted = |manifest: &Manifest| !signing(manifest).is_empty() && manifest.ask.secrets.has("refresh_token");
        let all = Manifests::load(None).unwrap();
        all.platforms()
            .filter_map(|name| all.get(name))
            .find(|manifest| granted(manifest))
            .expect("one grants and delivers")
    }

    #[test]
    fn a_seat_that_is_gone_keeps_no_token_and_takes_none() {
        let (manifest, mut gone) = (manifest(), record(Seat::Revoked { reason: "gone".into() }));
        let brought = vec![(TOKEN.to_owned(), Some("late".to_owned().into()))];
        let sealing = settle(&manifest, &mut gone, brought, 7);
        assert!(sealing.iter().all(|(_, value)| value.is_none()), "nothing is sealed");
        let erased: BTreeSet<_> = sealing.iter().map(|(name, _)| name.as_str()).collect();
        assert!(erased.contains(TOKEN) && erased.contains("refresh_token") && !erased.contains("webhook_secret"));
        assert_eq!(gone.facts, [(REVOKED_AT.to_owned(), 7.into())].into());
        settle(&manifest, &mut gone, Vec::new(), 9);
        assert_eq!(forgets_at(&gone), Some(7 + 24 * 60 * 60 * 1_000), "the first time counts");
    }

    #[test]
    fn any_other_seat_keeps_all_it_has() {
        let mut waits = record(Seat::NeedsAction { reason: String::new(), command: String::new() });
        assert!(settle(&manifest(), &mut waits, Vec::new(), 7).is_empty());
        assert_eq!((waits.facts.len(), forgets_at(&waits)), (2, None));
    }
}
