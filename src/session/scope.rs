//! What a workspace's templates may name, and where the workspace is.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::Url;

use super::Error;
use crate::adapter::{Manifest, Root, Scope};
use crate::store::WorkspaceRecord;

/// Settings and facts: for any call.
pub(crate) fn plain_scope(manifest: &Manifest, record: &WorkspaceRecord) -> Scope {
    let known = |name: &str, text: &str| manifest.ask.settings.get(name).map(|setting| setting.value(text));
    let settings =
        record.settings.iter().map(|(name, text)| (name, known(name, text).unwrap_or_else(|| text.as_str().into())));
    let facts = record.facts.iter().map(|(name, value)| (name, value.clone()));
    Scope::new().with_all(Root::Settings, settings).with_all(Root::Facts, facts)
}

/// Secrets beside them: for joining and for sessions.
pub(crate) fn with_secrets(scope: Scope, secrets: &BTreeMap<String, SecretString>) -> Scope {
    secrets.iter().fold(scope, |scope, (name, secret)| scope.with_secret(Root::Secrets, name, secret.clone()))
}

/// The rendered `http.base` of a workspace.
pub(crate) fn base(manifest: &Manifest, record: &WorkspaceRecord) -> Result<Url, Error> {
    let text = manifest
        .http
        .base
        .render(&plain_scope(manifest, record))
        .map_err(|missing| Error::Setup(missing.to_string()))?;
    let url = Url::parse(&text).map_err(|_| Error::Setup("its base is not a URL".into()))?;
    crate::http::Origin::of(&url).map_err(|bad| Error::Setup(bad.to_string()))?;
    Ok(url)
}
