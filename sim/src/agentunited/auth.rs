//! Who asks: `Authorization: Bearer x`, exactly one space, a live JWT or a known key.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use super::{
    answer::{Refusal, refuse},
    options::Stream,
    world::{AccountId, World},
};
use crate::jwt;

/// What a token claims; times in seconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The user's id.
    pub(crate) sub: String,
    /// The user's e-mail.
    pub(crate) email: String,
    /// Issued at.
    pub(crate) iat: u64,
    /// Good until.
    pub(crate) exp: u64,
    /// Distinguishes two tokens of one second.
    pub(crate) jti: String,
}

/// A request's account and how long its credential still lasts.
pub(crate) struct Caller {
    pub(crate) id: AccountId,
    pub(crate) lasts: Option<Duration>,
}

impl World {
    /// The account behind a request's header.
    pub(crate) fn caller(&mut self, headers: &HeaderMap, stream: bool) -> Result<Caller, Refusal> {
        let found = self.known(headers);
        found.ok_or_else(|| {
            let line = if stream { "stream.401" } else { "auth.401" };
            refuse(401, "invalid or expired token", line)
        })
    }

    fn known(&mut self, headers: &HeaderMap) -> Option<Caller> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let credential = value.strip_prefix("Bearer ")?;
        if credential.is_empty() || credential.contains(' ') {
            return None;
        }
        if let Some(id) = self.keys.get(credential).cloned() {
            self.mark(if credential.starts_with("au_") { "keys.au" } else { "keys.ak_live" });
            return Some(Caller { id, lasts: None });
        }
        let claims: Claims = jwt::verify(credential, &self.key)?;
        let account = self.accounts.get(&claims.sub)?;
        let epoch = claims.jti.split('.').next()?.parse::<u64>().ok()?;
        // `iat` is not compared: clocks differ.
        let left = (claims.exp * 1000).checked_sub(self.now()).filter(|left| *left > 0)?;
        (epoch == account.epoch).then(|| Caller { id: claims.sub, lasts: Some(Duration::from_millis(left)) })
    }

    /// A new JWT for an account.
    pub(crate) fn token(&mut self, account: &str) -> String {
        let now = self.now() / 1000;
        let (email, epoch) =
            self.accounts.get(account).map_or_else(Default::default, |it| (it.email.clone(), it.epoch));
        let claims = Claims {
            sub: account.into(),
            email,
            iat: now,
            exp: now + self.options.token_lifetime.as_secs(),
            jti: format!("{epoch}.{}", self.ids.uuid()),
        };
        jwt::sign(&claims, &self.key)
    }

    /// The contract's word for the dialect of accept and stream.
    pub(crate) fn documented(&self) -> bool {
        self.options.stream == Stream::Documented
    }
}
