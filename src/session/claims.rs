//! Reads what a JWT says of itself. Nothing is verified: the claims schedule a renewal and name the own ids, and
//! the platform's answer to a request has the last word on both.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// No honest token is longer. 64 KiB.
const LONGEST: usize = 64 << 10;

/// The claims of a JWT (RFC 7519, section 3); `None` for any other token.
pub fn claims(token: &SecretString) -> Option<Map<String, Value>> {
    let token = token.expose_secret();
    if token.len() > LONGEST {
        return None;
    }
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A `NumericDate` (RFC 7519, section 2), or RFC 3339 as some write it, in seconds since 1970; absurd ones count as missing.
pub(super) fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    let whole = value.as_i64().or_else(|| value.as_f64().filter(|date| date.abs() < 1e12).map(|date| date as i64));
    let written = || Some(value.as_str()?.parse::<jiff::Timestamp>().ok()?.as_second());
    whole.or_else(written).filter(|date| (0..=253_402_300_799).contains(date))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> SecretString {
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload)).into()
    }

    #[test]
    fn reads_claims_and_shrugs_at_anything_else() {
        let read = claims(&token(r#"{"exp":1.7e9,"iat":"soon","nbf":1e300,"sub":"u1"}"#)).unwrap();
        assert_eq!(seconds(&read, "exp"), Some(1_700_000_000));
        assert_eq!((seconds(&read, "iat"), seconds(&read, "nbf"), seconds(&read, "none")), (None, None, None));
        for other in ["", "opaque", "a.b", "a.b.c.d", "a.!!.c", "h.W10.s"] {
            assert_eq!(claims(&other.to_owned().into()), None, "{other}");
        }
        assert_eq!(claims(&token(&"x".repeat(100_000))), None);
    }
}
