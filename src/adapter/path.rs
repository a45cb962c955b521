//! The path of a call: values are encoded so that none can leave its segment or its query value.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{Deserialize, Deserializer};

use super::call::CallError;
use super::plain::read_text;
use super::scope::{Root, Scope};
use super::template::{Part, Reference, Template, unclosed};

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `/a/{root.name}/b?c={root.name}`, relative to `http.base`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    source: String,
    segments: Vec<Template>,
    query: Vec<(String, Template)>,
}

impl Path {
    /// The path as the manifest has it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it names.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.segments.iter().chain(self.query.iter().map(|(_, value)| value)).flat_map(Template::references)
    }

    /// A value of the session or a secret is part of the path itself, so the path must not be shown.
    pub(super) fn hides(&self) -> bool {
        let roots = self.segments.iter().flat_map(Template::references).map(|it| it.root);
        roots.into_iter().any(|root| matches!(root, Root::Secrets | Root::Session))
    }

    /// The path without its query, as the manifest has it.
    pub(super) fn label(&self) -> &str {
        self.source.split('?').next().unwrap_or_default()
    }

    /// `/a/…/b`, encoded.
    pub fn render(&self, scope: &Scope) -> Result<String, CallError> {
        let mut path = String::new();
        for segment in &self.segments {
            path.push('/');
            path.push_str(&render_segment(segment, scope)?);
        }
        Ok(path)
    }

    /// `c=…&d=…`, encoded, without the parameters whose value may be missing and is.
    pub(super) fn render_query(&self, scope: &Scope) -> Result<Option<String>, CallError> {
        let mut query = Vec::new();
        for (name, value) in self.query.iter().filter(|(_, value)| !value.left_out(scope)) {
            query.push(format!("{name}={}", value.render_with(scope, encode)?));
        }
        Ok((!query.is_empty()).then(|| query.join("&")))
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// An empty segment or one of dots would make another path of it.
fn render_segment(segment: &Template, scope: &Scope) -> Result<String, CallError> {
    let text = segment.render_with(scope, encode)?;
    match segment.references().next() {
        Some(reference) if matches!(text.as_str(), "" | "." | "..") => {
            Err(CallError::Segment { name: reference.to_string() })
        }
        _ => Ok(text),
    }
}

impl FromStr for Path {
    type Err = String;

    fn from_str(source: &str) -> Result<Self, String> {
        let (path, query) = split(source)?;
        let path = path.strip_prefix('/').ok_or_else(|| format!("`{source}` is no path: begin with `/`"))?;
        let segments: Vec<Template> = path.split('/').map(str::parse).collect::<Result<_, _>>()?;
        for segment in &segments {
            check_segment(segment, source, segments.len())?;
        }
        let query =
            query.map_or(Ok(Vec::new()), |query| query.split('&').map(|pair| parameter(pair, source)).collect())?;
        Ok(Self { source: source.to_owned(), segments, query })
    }
}

/// The `?` of `{page.before?}` stands within braces; the query's does not.
fn split(source: &str) -> Result<(&str, Option<&str>), String> {
    let mut inside = false;
    for (at, c) in source.char_indices() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            '?' if !inside => return Ok((&source[..at], Some(&source[at + 1..]))),
            _ => {}
        }
    }
    if inside { Err(unclosed(source)) } else { Ok((source, None)) }
}

fn parameter(pair: &str, source: &str) -> Result<(String, Template), String> {
    let (name, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}` in `{source}` is no name=value"))?;
    if name.is_empty() || !name.bytes().all(|c| c.is_ascii_graphic() && !b"{}#&?%+".contains(&c)) {
        return Err(format!("`{name}` in `{source}` is no plain parameter name"));
    }
    let value: Template = value.parse()?;
    plain(&value, source)?;
    Ok((name.to_owned(), value))
}

fn check_segment(segment: &Template, source: &str, segments: usize) -> Result<(), String> {
    plain(segment, source)?;
    let bad = matches!(segment.source(), "." | "..") || (segment.source().is_empty() && segments > 1);
    if bad {
        return Err(format!("`{source}` has an empty segment or one of dots"));
    }
    if segment.references().any(|it| it.optional) {
        return Err(format!("`{source}`: what may be missing can stand in the query, not in the path"));
    }
    Ok(())
}

/// What stands in the path literally is sent as it stands.
fn plain(template: &Template, source: &str) -> Result<(), String> {
    let sound = |text: &str| text.bytes().all(|c| c.is_ascii_graphic() && !b"#\\\"<>`^|".contains(&c));
    let good = template.parts().iter().all(|part| match part {
        Part::Text(text) => sound(text),
        Part::Value(_) => true,
    });
    if good { Ok(()) } else { Err(format!("`{source}` has a character that no URL carries: percent-encode it")) }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a path, as in /rooms/{room.id}")
    }
}
