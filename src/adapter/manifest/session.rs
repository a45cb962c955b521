//! The ways of being signed in: by which mechanism, with which headers, and until when.

use serde::{Deserialize, Deserializer};

use crate::adapter::call::{Call, calling, needed};
use crate::adapter::path::Path;
use crate::adapter::plain::{Span, Table, read_table};
use crate::adapter::pointer::Pointers;
use crate::adapter::scope::Root;
use crate::adapter::template::Template;

/// A way of being signed in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The mechanism.
    pub flavour: SessionFlavour,
    /// Headers of every request.
    #[serde(default)]
    pub header: Table<Template>,
    /// What every path stands behind, after `http.base`: of a `share_token`, with the secret in it.
    pub path: Option<Path>,
    /// When the token ends.
    pub expires: Option<Expires>,
    /// How to get a token; it takes `token`.
    #[serde(default, deserialize_with = "plain_call")]
    pub login: Option<Call>,
}

/// The mechanism of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionFlavour {
    /// A token that ends (RFC 7519), and a login that gives another.
    Jwt,
    /// A key that does not end.
    ApiKey,
    /// A token, and a refresh token that works once and gives the next of both (RFC 6749, section 6).
    RefreshGrant,
    /// A token for each document, which is part of the path and all the credential there is.
    ShareToken,
}

impl SessionFlavour {
    /// Whether it signs in for a token that ends, and not by what it was given alone.
    pub const fn has_token(self) -> bool {
        matches!(self, Self::Jwt | Self::RefreshGrant)
    }
}

impl Session {
    /// The secret that a `share_token` puts into the path.
    pub fn share_secret(&self) -> Option<&str> {
        let mut secrets = self.path.as_ref()?.references().filter(|it| it.root == Root::Secrets);
        secrets.next().map(|it| it.name.as_str())
    }

    /// The secret that `login` exchanges for a token: of a `refresh_grant` the one that works once.
    pub fn refresh_secret(&self) -> Option<&str> {
        let login = self.login.as_ref().filter(|_| self.flavour == SessionFlavour::RefreshGrant)?;
        let secret = login.references().into_iter().find(|it| it.root == Root::Secrets)?;
        Some(&secret.name)
    }
}

/// When a token ends: as the answer that gave it says, else by its own `exp` or `expires_at` claim, else after a fixed
/// time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expires {
    /// Where the answer that gave the token says it: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default)]
    pub at: Pointers,
    /// How long a token lasts that does not say it; `None`: its end is unknown, and only a 401 tells.
    pub r#else: Option<Span>,
    /// How long before its end it is renewed.
    pub renew_before: Span,
}

calling!(RawCall {});

/// Reads a call that has no keys of its own.
fn plain_call<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Call>, D::Error> {
    read_table(deserializer, |mut raw: RawCall| raw.call().and_then(needed).map(Some))
}
