//! What a handler says: an answer or a refusal, each with its line of the contract and its log note.

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::log::Noted;
use crate::fault::effect::json_response;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// A success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    pub(crate) noted: Noted,
}

/// A refusal: status, text, line of the contract.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) line: &'static str,
    pub(crate) noted: Box<Noted>,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body), noted: Noted::default() }
    }

    pub(crate) fn created(body: Value) -> Self {
        Self { status: 201, ..Self::ok(body) }
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, body: None, noted: Noted::default() }
    }

    pub(crate) fn noting(mut self, message_id: &str, text: Option<&str>) -> Self {
        self.noted.message_id = Some(message_id.into());
        self.noted.text = text.map(Into::into);
        self
    }
}

/// A refusal with `{"error": text}`.
pub(crate) fn refuse(status: u16, text: impl Into<String>, line: &'static str) -> Refusal {
    Refusal { status, text: text.into(), line, noted: Box::default() }
}

/// What the server's validation says of a missing field: it names the field, in its own spelling.
pub(crate) fn missing(request: &str, field: &str, line: &'static str) -> Refusal {
    let text = format!("Key: '{request}.{field}' Error:Field validation for '{field}' failed on the 'required' tag");
    refuse(400, text, line)
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        with_note(json_response(self.status, self.body.as_ref()), self.noted)
    }
}

impl IntoResponse for Refusal {
    fn into_response(mut self) -> Response {
        let body = json!({"error": self.text});
        self.noted.error = Some(self.text);
        self.noted.line = Some(self.line);
        with_note(json_response(self.status, Some(&body)), *self.noted)
    }
}

fn with_note(mut response: Response, noted: Noted) -> Response {
    response.extensions_mut().insert(noted);
    response
}
