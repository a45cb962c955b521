//! What a handler says: an answer or a refusal, each with its line of the contract and its note for the log.

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::{
    fault::effect::json_response,
    log::{Noted, Own},
};

/// A success.
#[derive(Debug)]
pub(crate) struct Answer<F> {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    pub(crate) noted: Noted<F>,
}

/// A refusal: status, text, line of the contract.
#[derive(Debug)]
pub(crate) struct Refusal<F> {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) line: &'static str,
    pub(crate) noted: Box<Noted<F>>,
    /// What stands beside the text: `(field, value)`.
    pub(crate) beside: Option<(&'static str, Value)>,
}

/// A refusal with `{"error": text}`.
pub(crate) fn refuse<F: Own>(status: u16, text: impl Into<String>, line: &'static str) -> Refusal<F> {
    Refusal { status, text: text.into(), line, noted: Box::default(), beside: None }
}

impl<F: Own> Answer<F> {
    /// A body, and the line that it serves.
    pub(crate) fn with(status: u16, body: Value, line: &'static str) -> Self {
        Self { status, body: Some(body), noted: Noted::line(line) }
    }

    /// 200.
    pub(crate) fn ok(body: Value, line: &'static str) -> Self {
        Self::with(200, body, line)
    }

    /// More lines that it serves.
    pub(crate) fn and(mut self, lines: impl IntoIterator<Item = &'static str>) -> Self {
        self.noted.lines.extend(lines);
        self
    }
}

impl<F> Refusal<F> {
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({"error": self.text});
        if let Some((field, value)) = &self.beside {
            body[*field] = value.clone();
        }
        body
    }
}

impl<F: Own> IntoResponse for Answer<F> {
    fn into_response(self) -> Response {
        with_note(json_response(self.status, self.body.as_ref()), self.noted)
    }
}

impl<F: Own> IntoResponse for Refusal<F> {
    fn into_response(mut self) -> Response {
        let body = self.body();
        self.noted.error = Some(self.text);
        self.noted.lines.push(self.line);
        with_note(json_response(self.status, Some(&body)), *self.noted)
    }
}

/// The same outcome, and what is noted of it whatever it is.
pub(crate) fn noting<F>(
    mut outcome: Result<Answer<F>, Refusal<F>>,
    note: impl FnOnce(&mut F),
) -> Result<Answer<F>, Refusal<F>> {
    note(match &mut outcome {
        Ok(answer) => &mut answer.noted.facts,
        Err(refusal) => &mut refusal.noted.facts,
    });
    outcome
}

/// A response with its handler's note.
pub(crate) fn with_note<F: Own>(mut response: Response, noted: Noted<F>) -> Response {
    response.extensions_mut().insert(noted);
    response
}
