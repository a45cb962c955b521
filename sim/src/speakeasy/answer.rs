//! What a handler says: an answer or a refusal, each with its line of the contract and its log note.

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::log::Noted;
use crate::fault::effect::json_response;

/// The result of a handler.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// A success, or the replay of a stored answer.
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
    pub(crate) fn with(status: u16, body: Value, line: &'static str) -> Self {
        let noted = Noted { line: Some(line), ..Noted::default() };
        Self { status, body: Some(body), noted }
    }

    pub(crate) fn ok(body: Value, line: &'static str) -> Self {
        Self::with(200, body, line)
    }

    pub(crate) fn no_content(line: &'static str) -> Self {
        Self { body: None, ..Self::with(204, Value::Null, line) }
    }

    pub(crate) fn noting(mut self, chat: u64, text: Option<&str>) -> Self {
        self.noted.chat = Some(chat);
        self.noted.text = text.map(Into::into);
        self
    }
}

impl Refusal {
    pub(crate) fn body(&self) -> Value {
        json!({"error": self.text})
    }
}

/// A refusal with `{"error": text}`.
pub(crate) fn refuse(status: u16, text: impl Into<String>, line: &'static str) -> Refusal {
    Refusal { status, text: text.into(), line, noted: Box::default() }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        with_note(json_response(self.status, self.body.as_ref()), self.noted)
    }
}

impl IntoResponse for Refusal {
    fn into_response(mut self) -> Response {
        let body = self.body();
        self.noted.error = Some(self.text);
        self.noted.line = Some(self.line);
        with_note(json_response(self.status, Some(&body)), *self.noted)
    }
}

fn with_note(mut response: Response, noted: Noted) -> Response {
    response.extensions_mut().insert(noted);
    response
}
