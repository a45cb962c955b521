//! Validation: every field that is wrong is an issue, and every issue is told at once.

use serde_json::{Map, Value, json};

use super::answer::{Refusal, refuse};

/// The contract's line of a bad `offset`.
pub(crate) const OFFSET: &str = "page.400_offset";

/// The longest title or subject.
pub(crate) const TITLE: usize = 500;
/// The longest content, text or HTML.
pub(crate) const CONTENT: usize = 100_000;

/// What is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Issues(Vec<(String, String, &'static str)>);

impl Issues {
    /// A field (`path`), what is wrong with it, and the contract's line that says so.
    pub(crate) fn add(&mut self, path: &str, message: &str, line: &'static str) {
        self.0.push((path.into(), message.into(), line));
    }

    /// Goes on only where nothing is wrong.
    pub(crate) fn none(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let told: Vec<Value> =
            self.0.iter().map(|(path, message, _)| json!({"path": path, "message": message})).collect();
        let mut refusal: Refusal = refuse(400, "Validation failed", "any.400_validation");
        refusal.beside = Some(("issues", json!(told)));
        refusal.noted.lines = self.0.iter().map(|(_, _, line)| *line).collect();
        Err(refusal)
    }

    /// A text that must be there.
    pub(crate) fn required(
        &mut self,
        body: &Map<String, Value>,
        field: &str,
        most: usize,
        line: &'static str,
    ) -> String {
        match self.optional(body, field, most, line) {
            Some(text) if !text.is_empty() => text,
            None if body.get(field).is_some_and(|it| !it.is_null()) => String::new(),
            _ => {
                self.add(field, &format!("{} is required", capital(field)), line);
                String::new()
            }
        }
    }

    /// A text of 1 to `most` characters, where it is there.
    pub(crate) fn named(
        &mut self,
        body: &Map<String, Value>,
        field: &str,
        most: usize,
        line: &'static str,
    ) -> Option<String> {
        let text = self.optional(body, field, most, line)?;
        if text.is_empty() {
            self.add(field, &format!("{} is required", capital(field)), line);
        }
        Some(text)
    }

    /// A text of at most `most` characters, where it is there; characters as JavaScript counts them.
    pub(crate) fn optional(
        &mut self,
        body: &Map<String, Value>,
        field: &str,
        most: usize,
        line: &'static str,
    ) -> Option<String> {
        match body.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.encode_utf16().count() > most => {
                self.add(field, &format!("{field} must be at most {most} characters"), line);
                None
            }
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.add(field, &format!("{field} must be a string"), line);
                None
            }
        }
    }

    /// A list of e-mail addresses, where it is there.
    pub(crate) fn addresses(
        &mut self,
        body: &Map<String, Value>,
        field: &str,
        line: &'static str,
    ) -> Option<Vec<String>> {
        let value = body.get(field).filter(|it| !it.is_null())?;
        let listed = value.as_array().map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>());
        let whole = |it: &Vec<&str>| value.as_array().is_some_and(|all| all.len() == it.len());
        let addresses = listed.filter(whole).filter(|it| it.iter().all(|it| is_address(it)));
        if addresses.is_none() {
            self.add(field, &format!("{field} must be an array of valid email addresses"), line);
        }
        addresses.map(|it| it.into_iter().map(Into::into).collect())
    }
}

/// `title` as a message begins with it.
fn capital(field: &str) -> String {
    let mut letters = field.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Something, `@`, and a host with a dot in it.
fn is_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let plain = |it: &str| !it.is_empty() && !it.contains(|c: char| c.is_whitespace() || c == '@' || c == ',');
    plain(name) && plain(host) && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
}
