//! A URL that cannot print its query, nor a path segment that carries a secret.

use std::fmt;

use url::Url;

/// A URL for use, with a label for people. `Debug` and `Display` show the label only.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateUrl {
    url: Url,
    label: String,
}

impl PrivateUrl {
    /// A URL whose path holds no secret: the label is its origin and path.
    pub fn new(url: Url) -> Self {
        let label = format!("{}{}", url.origin().ascii_serialization(), url.path());
        Self { url, label }
    }

    /// A URL whose path holds a secret: only `label` is ever shown, behind the origin.
    pub fn labelled(url: Url, label: &str) -> Self {
        let label = format!("{}{label}", url.origin().ascii_serialization());
        Self { url, label }
    }

    /// The URL itself, for the connection and nothing else.
    pub const fn expose(&self) -> &Url {
        &self.url
    }

    /// Host and port, for messages.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or("?");
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

impl fmt::Display for PrivateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

impl fmt::Debug for PrivateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_query_nor_labelled_path_prints() {
        let url = Url::parse("https://h.example:8443/api/share/CANARY?token=CANARY").unwrap();
        for shown in [
            PrivateUrl::labelled(url.clone(), "/api/share/…").to_string(),
            format!("{:?}", PrivateUrl::labelled(url.clone(), "/x")),
        ] {
            assert!(!shown.contains("CANARY"), "{shown}");
        }
        assert_eq!(PrivateUrl::new(url.clone()).host(), "h.example:8443");
        assert!(!PrivateUrl::new(url).to_string().contains("token"));
    }
}
