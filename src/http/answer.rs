//! Reads an answer's body as JSON, or says in one clause why it is none. Never quotes the body.

use http::header::{CONTENT_TYPE, DATE};
use serde_json::Value;

use super::Response;

/// Why an answer is not JSON. Carries nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// A web page: mostly a wrong URL, or something in front of the platform.
    #[error("answered HTML, not JSON: is the URL right?")]
    Html,
    /// No body at all.
    #[error("answered an empty body where JSON was due")]
    Empty,
    /// Something else, or half of it.
    #[error("answered a body that is not JSON (broken at line {line}, column {column})")]
    Broken {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
}

impl Response {
    /// When the platform sent it by its own clock (RFC 9110, section 6.6.1), in milliseconds since 1970 and to the whole
    /// second below; `None` where it does not say.
    pub fn date(&self) -> Option<u64> {
        let date = self.headers.get(DATE)?.to_str().ok()?;
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
        u64::try_from(at.as_millisecond()).ok()
    }

    /// The body as JSON, whatever the status.
    pub fn json(&self) -> Result<Value, NotJson> {
        serde_json::from_slice(&self.body).map_err(|broken| {
            if self.is_html() {
                NotJson::Html
            } else if self.body.trim_ascii().is_empty() {
                NotJson::Empty
            } else {
                NotJson::Broken { line: broken.line(), column: broken.column() }
            }
        })
    }

    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    fn is_html(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        kind.to_ascii_lowercase().contains("html") || self.body.trim_ascii_start().starts_with(b"<")
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn answer(kind: &'static str, body: &'static str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Response { status: 200, headers, body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn each_kind_of_wrong_answer_has_its_clause() {
        assert_eq!(answer("application/json", r#"{"a":1}"#).json().unwrap()["a"], 1);
        assert_eq!(answer("text/html", "Not here").json(), Err(NotJson::Html));
        assert_eq!(answer("text/plain", "\n<!doctype html>").json(), Err(NotJson::Html));
        assert_eq!(answer("application/json", " ").json(), Err(NotJson::Empty));
        assert_eq!(answer("application/json", r#"{"a":"#).json(), Err(NotJson::Broken { line: 1, column: 5 }));
    }
}
