//! Under which URL platforms reach the listener.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::event::WorkspaceName;
use crate::http::{BadOrigin, Origin};

/// The folder of all hooks.
const HOOKS: &str = "/hooks/";

/// `https://host[:port][/path]`, without a slash at its end; `http` on loopback only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    path: String,
}

/// Why a text is no such URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPublicUrl {
    /// Its origin is none.
    #[error(transparent)]
    Origin(#[from] BadOrigin),
    /// What a path is put after must end with a path.
    #[error("leave out what follows `?` or `#`: paths are put after this URL")]
    More,
}

impl PublicUrl {
    /// What a workspace's deliveries are sent to, but for the part that nobody else may know.
    pub fn hooks_of(&self, workspace: &WorkspaceName) -> String {
        format!("{self}{HOOKS}{workspace}")
    }

    /// The workspace and the unguessable part of a request's path, whether the proxy has left this URL's own path
    /// before it or taken it away.
    pub(super) fn within<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        let inside = path.strip_prefix(&*self.path).unwrap_or(path);
        inside.strip_prefix(HOOKS).or_else(|| path.strip_prefix(HOOKS))?.split_once('/')
    }

    /// The URL that a callback URL was made from.
    pub(super) fn base_of(callback: &str) -> &str {
        callback.rfind(HOOKS).map_or(callback, |at| &callback[..at])
    }
}

impl FromStr for PublicUrl {
    type Err = BadPublicUrl;

    fn from_str(text: &str) -> Result<Self, BadPublicUrl> {
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
        let url = url.map_err(|_| BadOrigin::NotAUrl)?;
        let origin = Origin::of(&url)?.to_string();
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BadPublicUrl::More);
        }
        Ok(Self { origin, path: url.path().trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl Serialize for PublicUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_with_or_without_a_path() {
        for (text, shown) in [
            ("https://b.example", "https://b.example"),
            ("b.example/", "https://b.example"),
            ("https://b.example:8443/bridge/", "https://b.example:8443/bridge"),
            ("http://127.0.0.1:8585", "http://127.0.0.1:8585"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), shown);
        }
        let refused = |text: &str| text.parse::<PublicUrl>().unwrap_err();
        assert_eq!(refused("http://b.example"), BadOrigin::Plain("b.example".into()).into());
        assert_eq!(refused("https://me:x@b.example"), BadOrigin::Credentials("b.example".into()).into());
        assert_eq!(refused("https://b.example/?x=1"), BadPublicUrl::More);
        assert_eq!(refused("https://b.example/#x"), BadPublicUrl::More);
        assert_eq!(refused(""), BadOrigin::NotAUrl.into());
    }

    #[test]
    fn a_path_is_found_with_and_without_the_proxys_own() {
        let public: PublicUrl = "https://b.example/bridge".parse().unwrap();
        assert_eq!(public.hooks_of(&WorkspaceName::new("acme").unwrap()), "https://b.example/bridge/hooks/acme");
        for path in ["/bridge/hooks/acme/x", "/hooks/acme/x"] {
            assert_eq!(public.within(path), Some(("acme", "x")));
        }
        for path in ["/", "", "/hooks/acme", "/hook/acme/x", "/x/hooks/acme/x", "hooks/acme/x"] {
            assert_eq!(public.within(path), None, "{path}");
        }
        assert_eq!(public.within("/hooks/acme/x/y"), Some(("acme", "x/y")));
        let rooted: PublicUrl = "https://b.example".parse().unwrap();
        assert_eq!(rooted.within("/hooks/acme/x"), Some(("acme", "x")));
    }
}
