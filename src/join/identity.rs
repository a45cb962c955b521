//! A name stays with its account: events are told apart by workspace name and platform id, so another account under
//! the same name would have its events taken for known ones.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Error;
use crate::adapter::{Call, Manifest, Root};
use crate::event::WorkspaceName;
use crate::store::{Change, Store, WorkspaceRecord};

const FIELD: &str = "identity";

fn owner(name: &WorkspaceName) -> String {
    // No workspace and no consumer has such an owner: names have no colon.
    format!("left:{name}")
}

/// Keeps what a left workspace was.
pub(super) fn remember(record: &WorkspaceRecord) -> Change {
    let value = serde_json::to_string(record).ok().map(Into::into);
    Change::Secret { owner: owner(&record.name), field: FIELD.into(), value }
}

/// What was last joined under this name, if it was left.
pub(super) fn remembered(store: &Store, name: &WorkspaceName) -> Result<Option<WorkspaceRecord>, Error> {
    use secrecy::ExposeSecret;
    let kept = store.secret(&owner(name), FIELD)?;
    Ok(kept.and_then(|kept| serde_json::from_str(kept.expose_secret()).ok()))
}

/// Refuses another platform, instance or account, as far as settings tell.
pub(super) fn check_settings(
    manifest: &Manifest,
    before: &WorkspaceRecord,
    now: &WorkspaceRecord,
) -> Result<(), Error> {
    if before.platform != now.platform {
        return Err(taken(&now.name, &before.platform));
    }
    for name in identifying(manifest) {
        if let (Some(then), Some(value)) = (before.settings.get(name), now.settings.get(name))
            && then != value
        {
            return Err(taken(&now.name, then));
        }
    }
    Ok(())
}

/// Refuses another account, as far as the platform's own ids tell.
pub(super) fn check_ids(manifest: &Manifest, before: &WorkspaceRecord, now: &WorkspaceRecord) -> Result<(), Error> {
    let (then, ids) = (own_ids(manifest, before), own_ids(manifest, now));
    // One account may have several ids and get a new one; none in common is another account.
    if then.is_empty() || ids.is_empty() || !then.is_disjoint(&ids) {
        return Ok(());
    }
    Err(taken(&now.name, "another account there"))
}

fn taken(name: &WorkspaceName, whose: &str) -> Error {
    Error::Name(format!("the name `{name}` belongs to {whose}, whose events are remembered: choose another with --as"))
}

/// Settings that say where the account is and which one it is.
fn identifying(manifest: &Manifest) -> BTreeSet<&str> {
    let sessions = manifest.sessions.iter().flat_map(|(_, session)| {
        let header = session.header.iter().flat_map(|(_, value)| value.references());
        header.chain(session.login.iter().flat_map(Call::references))
    });
    let all = manifest.http.base.references().chain(sessions);
    all.filter(|it| it.root == Root::Settings).map(|it| it.name.as_str()).collect()
}

fn own_ids(manifest: &Manifest, record: &WorkspaceRecord) -> BTreeSet<String> {
    manifest.me.ids.iter().filter_map(|fact| record.facts.get(fact)).filter_map(Value::as_str).map(Into::into).collect()
}
