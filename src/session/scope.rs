//! What a workspace's templates may name, and where the workspace is.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::Url;

use super::Error;
use crate::adapter::{Manifest, Root, Scope};
use crate::store::WorkspaceRecord;

/// Settings and facts: for any call. What the operator gives in place of a fact counts.
pub(crate) fn plain_scope(manifest: &Manifest, record: &WorkspaceRecord) -> Scope {
    let known = |name: &str, text: &str| manifest.ask.settings.get(name).map(|setting| setting.value(text));
    let settings =
        record.settings.iter().map(|(name, text)| (name, known(name, text).unwrap_or_else(|| text.as_str().into())));
    let facts = record.facts.iter().map(|(name, value)| (name, value.clone()));
    let given = manifest.ask.settings.iter().filter_map(|(name, setting)| {
        let value = record.settings.get(name)?.as_str();
        Some((setting.instead_of.as_ref()?, value))
    });
    Scope::new().with_all(Root::Settings, settings).with_all(Root::Facts, facts).with_all(Root::Facts, given)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adapter::Manifests;
    use crate::event::WorkspaceName;
    use crate::store::Seat;

    #[test]
    fn what_the_operator_gives_in_place_of_a_fact_counts() {
        let manifest = Manifests::load(None).unwrap().get("office").unwrap();
        let list = &manifest.asks.get("conversations").unwrap().call;
        let asks = |settings: &[(&str, &str)]| {
            let settings = settings.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            let record = WorkspaceRecord {
                name: WorkspaceName::new("lobby").unwrap(),
                platform: "office".into(),
                settings: [("url".to_owned(), "https://office.example".to_owned())]
                    .into_iter()
                    .chain(settings)
                    .collect(),
                facts: [("office_id".to_owned(), json!("office_1"))].into(),
                session: "key".into(),
                seat: Seat::SignedIn,
                joined_at: 0,
            };
            let request = list.request(&base(&manifest, &record).unwrap(), &plain_scope(&manifest, &record)).unwrap();
            request.url.expose().path().to_owned()
        };
        assert_eq!(asks(&[]), "/api/offices/office_1/xmtp");
        assert_eq!(asks(&[("colony_id", "colony_9")]), "/api/offices/colony_9/xmtp");
    }
}
