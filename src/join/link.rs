//! Reads what an operator pastes: an invite link, or the URL of an instance.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use crate::adapter::{Link, Manifest};
use crate::http::{BadOrigin, Origin};

/// What a link or URL says.
#[derive(Debug)]
pub struct Target {
    /// The instance.
    pub origin: Origin,
    /// What the link's query holds, by the names of the manifest's `ask`; empty for a plain URL.
    pub values: BTreeMap<String, SecretString>,
}

/// Why a link cannot be used. Never shows its query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not an origin the bridge speaks to.
    #[error(transparent)]
    Origin(#[from] BadOrigin),
    /// The host given beside the link is none.
    #[error("--instance: {0}")]
    Instance(BadOrigin),
    /// The right path without its parameter.
    #[error("the link has no `{0}`: copy it whole, with everything behind the `?` (in quotes, for the shell)")]
    Missing(String),
    /// Neither an instance nor one of the platform's links.
    #[error("this is neither an instance (https://host) nor a link of {title} (https://host{path}…)")]
    Path {
        /// The platform, for people.
        title: String,
        /// The path of its links.
        path: String,
    },
}

/// Reads a link or URL; `instance` overrides its host. Parameters are percent-decoded, `%3D` and all; `+` stays `+`,
/// for tokens are base64 and not form fields.
pub fn parse_link(manifest: &Manifest, text: &str, instance: Option<&str>) -> Result<Target, LinkError> {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&whole).map_err(|_| BadOrigin::NotAUrl)?;
    let origin = match instance {
        Some(instance) => Origin::parse(instance).map_err(LinkError::Instance)?,
        None => Origin::of(&url)?,
    };
    let path = url.path().trim_end_matches('/');
    let link = manifest.ask.link.as_ref();
    match link.and_then(|link| Some((link, link.read(path)?))) {
        Some((link, named)) => {
            let mut values = values(link, &url)?;
            values.extend(named.into_iter().filter_map(|(name, text)| Some((name.to_owned(), decoded(text)?))));
            Ok(Target { origin, values })
        }
        None if path.is_empty() => Ok(Target { origin, values: BTreeMap::new() }),
        None => Err(LinkError::Path {
            title: manifest.title.clone(),
            path: link.map_or_else(String::new, |link| link.path.all().join(" or ")),
        }),
    }
}

fn values(link: &Link, url: &Url) -> Result<BTreeMap<String, SecretString>, LinkError> {
    let pairs: Vec<_> = url.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).collect();
    let value = |parameter: &str| {
        let (_, value) = pairs.iter().find(|(name, value)| *name == parameter && !value.is_empty())?;
        decoded(value)
    };
    link.query
        .iter()
        .map(|(parameter, name)| {
            value(parameter).map(|value| (name.clone(), value)).ok_or_else(|| LinkError::Missing(parameter.to_owned()))
        })
        .collect()
}

fn decoded(value: &str) -> Option<SecretString> {
    percent_decode_str(value).decode_utf8().ok().map(|text| SecretString::from(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::adapter::Manifests;

    fn manifest() -> Arc<Manifest> {
        Manifests::load(None).unwrap().get("agentunited").unwrap()
    }

    #[test]
    fn links_are_decoded_and_a_relay_is_overridden() {
        let target =
            parse_link(&manifest(), " https://h.example/invite?x=1&token=inv_a%2Bb+c%3D%3D#top ", None).unwrap();
        assert_eq!(target.values["invite_token"].expose_secret(), "inv_a+b+c==");
        assert_eq!(target.origin.to_string(), "https://h.example");
        let target =
            parse_link(&manifest(), "https://relay.example/invite/?token=t", Some("own.example:8443")).unwrap();
        assert_eq!(target.origin.to_string(), "https://own.example:8443");
        let target = parse_link(&manifest(), "h.example", None).unwrap();
        assert_eq!((target.origin.to_string().as_str(), target.values.len()), ("https://h.example", 0));
    }

    #[test]
    fn each_bad_link_has_its_own_clear_word_and_none_shows_the_token() {
        let refused = |text: &str| parse_link(&manifest(), text, None).unwrap_err();
        for bare in ["https://h.example/invite", "https://h.example/invite?token=", "https://h.example/invite?t=CANARY"]
        {
            assert_eq!(refused(bare), LinkError::Missing("token".into()));
        }
        assert_eq!(refused("http://h.example/invite?token=CANARY"), BadOrigin::Plain("h.example".into()).into());
        assert_eq!(refused("ws://h.example/invite?token=CANARY"), BadOrigin::Scheme("ws".into()).into());
        let other = refused("https://h.example/join/CANARY?token=CANARY").to_string();
        assert!(other.contains("https://host/invite…") && !other.contains("CANARY"), "{other}");
        let instance = parse_link(&manifest(), "https://h.example", Some("http://x.example")).unwrap_err();
        assert!(instance.to_string().starts_with("--instance: plain http"), "{instance}");
    }
}
