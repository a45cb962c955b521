//! What a handler says: an answer or a refusal, each with its line of the contract and its note for the log.

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::fault::effect::json_response;

/// What a handler tells the log, as an extension of its response.
pub(crate) trait Note: Clone + Default + Send + Sync + 'static {
    /// The error's text, and the contract's line that the refusal serves.
    fn refused(&mut self, text: String, line: &'static str);
}

/// A success.
#[derive(Debug)]
pub(crate) struct Answer<N> {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    pub(crate) noted: N,
}

/// A refusal: status, text, line of the contract.
#[derive(Debug)]
pub(crate) struct Refusal<N> {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) line: &'static str,
    pub(crate) noted: Box<N>,
    /// What stands beside the text: `(field, value)`.
    pub(crate) beside: Option<(&'static str, Value)>,
}

/// A refusal with `{"error": text}`.
pub(crate) fn refuse<N: Note>(status: u16, text: impl Into<String>, line: &'static str) -> Refusal<N> {
    Refusal { status, text: text.into(), line, noted: Box::default(), beside: None }
}

impl<N> Refusal<N> {
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({"error": self.text});
        if let Some((field, value)) = &self.beside {
            body[*field] = value.clone();
        }
        body
    }
}

impl<N: Note> IntoResponse for Answer<N> {
    fn into_response(self) -> Response {
        with_note(json_response(self.status, self.body.as_ref()), self.noted)
    }
}

impl<N: Note> IntoResponse for Refusal<N> {
    fn into_response(mut self) -> Response {
        let body = self.body();
        self.noted.refused(self.text, self.line);
        with_note(json_response(self.status, Some(&body)), *self.noted)
    }
}

/// A response with its handler's note.
pub(crate) fn with_note<N: Note>(mut response: Response, noted: N) -> Response {
    response.extensions_mut().insert(noted);
    response
}
