//! A key for a workspace that was joined by links alone: the one join of a seat that acts already.

use std::collections::BTreeMap;

use http::Method;
use secrecy::SecretString;

use crate::adapter::{Call, Manifest, SessionFlavour, Way};
use crate::store::WorkspaceRecord;

/// Whether these secrets give an account's key to a workspace that has none. The way in only reads, so whatever becomes
/// of it, the workspace can go on as it was.
pub(super) fn adds_key(
    manifest: &Manifest,
    record: &WorkspaceRecord,
    secrets: &BTreeMap<String, SecretString>,
) -> bool {
    let flavour = |session: &str| manifest.sessions.get(session).map(|spec| spec.flavour);
    let by_key = |(_, way): (&str, &Way)| {
        flavour(&way.session) == Some(SessionFlavour::ApiKey)
            && way.needs.iter().any(|need| secrets.contains_key(need))
            && calls(way).all(|call| call.method == Method::GET)
    };
    flavour(&record.session) == Some(SessionFlavour::ShareToken) && manifest.join.ways.iter().any(by_key)
}

fn calls(way: &Way) -> impl Iterator<Item = &Call> {
    let dialects = way.steps.iter().flat_map(|step| &step.dialects);
    dialects.flat_map(|dialect| std::iter::once(&dialect.call).chain(&dialect.then))
}
