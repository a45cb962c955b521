//! Which origins the bridge speaks to at all: https, or plain http within this machine.

use std::fmt;

use url::{Host, Url};

/// Scheme, host and port of a place the bridge may speak to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(Url);

/// Why a text is no origin. Shows no path and no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOrigin {
    /// Not a URL.
    #[error("this is not a URL; it should look like https://their-workspace.example")]
    NotAUrl,
    /// Another scheme.
    #[error("`{0}:` is no scheme the bridge speaks; use https")]
    Scheme(String),
    /// Plain http to another machine would show every credential to the network between.
    #[error("plain http to {0} would send credentials unencrypted; use https (http is for this machine only)")]
    Plain(String),
    /// `https://user:password@host`.
    #[error("the URL of {0} carries a user name or password; leave them out")]
    Credentials(String),
}

impl Origin {
    /// The origin of `url`, if the bridge may speak to it.
    pub fn of(url: &Url) -> Result<Self, BadOrigin> {
        let host = url.host().ok_or_else(|| match url.scheme() {
            "http" | "https" => BadOrigin::NotAUrl,
            other => BadOrigin::Scheme(other.to_owned()),
        })?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err(BadOrigin::Plain(host.to_string())),
            other => return Err(BadOrigin::Scheme(other.to_owned())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadOrigin::Credentials(host.to_string()));
        }
        let mut origin = url.clone();
        origin.set_path("/");
        origin.set_query(None);
        origin.set_fragment(None);
        Ok(Self(origin))
    }

    /// Reads a URL typed by a person; without a scheme it is taken as https.
    pub fn parse(text: &str) -> Result<Self, BadOrigin> {
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
        Self::of(&url.map_err(|_| BadOrigin::NotAUrl)?)
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.host().is_some_and(|host| is_loopback(&host))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a host is this machine by its very form. The resolver answers these names without asking anybody.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_localhost(name),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

/// `localhost` and everything under it (RFC 6761, section 6.3).
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_everywhere_and_http_only_here() {
        for (text, origin) in [
            ("https://h.example/invite?token=CANARY#x", "https://h.example"),
            ("h.example", "https://h.example"),
            (" https://h.example:8443 ", "https://h.example:8443"),
            ("http://127.0.0.1:9/x", "http://127.0.0.1:9"),
            ("http://[::1]:9", "http://[::1]:9"),
            ("http://localhost:9", "http://localhost:9"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), origin);
        }
        let refused = |text: &str| Origin::parse(text).unwrap_err();
        assert_eq!(refused("http://h.example"), BadOrigin::Plain("h.example".into()));
        assert_eq!(refused("http://localhost.evil.example"), BadOrigin::Plain("localhost.evil.example".into()));
        assert_eq!(refused("ftp://h.example"), BadOrigin::Scheme("ftp".into()));
        assert_eq!(refused("file:///etc/passwd"), BadOrigin::Scheme("file".into()));
        assert_eq!(refused("https://me:CANARY@h.example"), BadOrigin::Credentials("h.example".into()));
        assert_eq!(refused(""), BadOrigin::NotAUrl);
    }
}
