//! Real JSON Web Tokens (HS256), signed and checked; RFC 7519.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

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

/// `header.payload.signature`.
pub(crate) fn sign(claims: &Claims, key: &[u8; 32]) -> String {
    let payload = serde_json::to_vec(claims).unwrap_or_default();
    let text =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(mac(&text, key).finalize().into_bytes());
    format!("{text}.{signature}")
}

/// The claims of a token with a good signature; says nothing about its expiry.
pub(crate) fn verify(token: &str, key: &[u8; 32]) -> Option<Claims> {
    let (text, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    mac(text, key).verify_slice(&signature).ok()?;
    let (_, payload) = text.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn mac(text: &str, key: &[u8; 32]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}
