//! The headers that a platform wants beside an upload: typed and bounded, and none that is ours to say. Pure.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::adapter::text;

/// The most headers that are taken.
const MOST: usize = 32;
/// The longest value, in bytes.
const LONGEST: usize = 4096;

/// What the connection says of itself, whatever the platform thinks: left out.
const OURS: [&str; 4] = ["host", "content-length", "user-agent", "accept-encoding"];
/// What would change how the request is read on its way (RFC 9110, section 7.6.1), or speak for somebody: refused.
const NEVER: [&str; 13] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "authorization",
    "proxy-authorization",
    "proxy-authenticate",
    "cookie",
    "set-cookie",
];

/// The headers of the upload, or why it is not made. `credentials`: the names of the session's own headers.
pub fn read(given: &Map<String, Value>, credentials: &[&str]) -> Result<HeaderMap, String> {
    if given.len() > MOST {
        return Err(format!("the platform wants {} headers with it; {MOST} are the most", given.len()));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let bad = || format!("the platform wants a header with it that is none: `{}`", shown(name));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        if OURS.contains(&key.as_str()) {
            continue;
        }
        if NEVER.contains(&key.as_str()) || credentials.iter().any(|own| own.eq_ignore_ascii_case(key.as_str())) {
            return Err(format!("the platform wants the header `{key}` with it, which no upload carries"));
        }
        let value = text(value).filter(|value| value.len() <= LONGEST).ok_or_else(bad)?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| bad())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(given: &Value) -> Result<Vec<String>, String> {
        let headers = read(given.as_object().unwrap(), &["x-auth-token"])?;
        Ok(headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect())
    }

    #[test]
    fn what_the_platform_wants_goes_along_and_what_is_ours_does_not() {
        let given = json!({ "Content-MD5": "x==", "x-ms-version": 7, "Host": "evil.example", "Content-Length": "1" });
        assert_eq!(of(&given).unwrap(), ["content-md5: x==", "x-ms-version: 7"]);
    }

    #[test]
    fn what_would_change_the_request_or_speak_for_somebody_is_refused() {
        for (name, value) in [
            ("Transfer-Encoding", "chunked"),
            ("Connection", "x-auth-token"),
            ("Authorization", "Bearer x"),
            ("COOKIE", "a=b"),
            ("X-Auth-Token", "x"),
            ("bad name", "x"),
            ("x-split", "a\r\nHost: evil.example"),
        ] {
            assert!(of(&json!({ name: value })).is_err(), "{name}");
        }
        assert!(of(&json!({ "x-long": "x".repeat(LONGEST + 1) })).is_err());
        assert!(of(&json!({ "x-list": ["a"] })).is_err());
        let many: Map<String, Value> = (0..=MOST).map(|n| (format!("x-{n}"), "v".into())).collect();
        assert!(of(&Value::Object(many)).is_err());
    }
}
