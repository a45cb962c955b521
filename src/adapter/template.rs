//! Text with references: `{root.name}`, and nothing more. No conditions, no loops, no expressions.
//!
//! `{root.name?}` is the same and may be missing: then the query parameter, header or JSON key that it wholly makes
//! up is left out with it.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::plain::read_text;
use super::scope::{Root, Scope};

/// One `{root.name}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Which part of the scope.
    pub root: Root,
    /// Which value.
    pub name: String,
    /// It may be missing.
    pub optional: bool,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.root.as_str(), self.name)
    }
}

/// A value that a template names and the scope lacks, or that cannot be text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has no value here")]
pub struct Missing(pub String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Value(Reference),
}

/// A checked text with references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

impl Template {
    /// The text as the manifest has it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it names.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(reference) => Some(reference),
            Part::Text(_) => None,
        })
    }

    /// The text with its values. Numbers and booleans are written as JSON writes them; lists, tables and missing
    /// values are an error.
    pub fn render(&self, scope: &Scope) -> Result<String, Missing> {
        self.render_with(scope, str::to_owned)
    }

    pub(super) fn render_with(&self, scope: &Scope, dress: impl Fn(&str) -> String) -> Result<String, Missing> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Value(reference) => text.push_str(&dress(&plain_text(reference, scope)?)),
            }
        }
        Ok(text)
    }

    /// The one reference this template wholly is.
    pub(super) fn whole(&self) -> Option<&Reference> {
        match self.parts.as_slice() {
            [Part::Value(reference)] => Some(reference),
            _ => None,
        }
    }

    /// It wholly is an optional reference, and its value is missing.
    pub(super) fn left_out(&self, scope: &Scope) -> bool {
        self.whole().is_some_and(|it| it.optional && !scope.has(it.root, &it.name))
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

fn plain_text(reference: &Reference, scope: &Scope) -> Result<String, Missing> {
    match scope.value(reference.root, &reference.name) {
        Some(Value::String(text)) => Ok(text),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        _ => Err(Missing(reference.to_string())),
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(source: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find(['{', '}']) {
            if rest.as_bytes()[open] == b'}' {
                return Err(format!("`}}` in `{source}` closes nothing: write {{root.name}}"));
            }
            let close = rest[open..].find('}').map(|at| open + at);
            let close = close.ok_or_else(|| unclosed(source))?;
            push_text(&mut parts, &rest[..open]);
            parts.push(Part::Value(rest[open + 1..close].parse()?));
            rest = &rest[close + 1..];
        }
        push_text(&mut parts, rest);
        let alone = parts.len() == 1;
        if let Some(Part::Value(it)) =
            parts.iter().find(|part| matches!(part, Part::Value(it) if it.optional && !alone))
        {
            return Err(format!("`{{{it}?}}` may be missing, so it must stand alone, not within `{source}`"));
        }
        Ok(Self { source: source.to_owned(), parts })
    }
}

pub(super) fn unclosed(source: &str) -> String {
    format!("`{source}` opens a template and does not close it: add `}}`")
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(inner: &str) -> Result<Self, String> {
        let (path, optional) = inner.strip_suffix('?').map_or((inner, false), |path| (path, true));
        let (root, name) =
            path.split_once('.').ok_or_else(|| format!("`{{{inner}}}` is no reference: write {{root.name}}"))?;
        let roots = || Root::ALL.map(Root::as_str).join(", ");
        let root =
            Root::parse(root).ok_or_else(|| format!("`{root}` in `{{{inner}}}` is no scope: one of {}", roots()))?;
        let plain = !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if !plain {
            return Err(format!("`{name}` in `{{{inner}}}` is no name: letters, digits and `_` only"));
        }
        Ok(Self { root, name: name.to_owned(), optional })
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a text")
    }
}
