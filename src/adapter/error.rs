//! One line for whoever wrote the manifest: file, line, key, what is wrong, what to do.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.one_line())]
pub struct ManifestError {
    /// The file, or the directory.
    pub file: String,
    /// The line, from 1; 0 where it is about the file as a whole.
    pub line: usize,
    /// The key, its parts joined by dots.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// What a check found, before its line is known.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub path: Vec<String>,
    pub message: String,
}

impl ManifestError {
    /// All of it as one line: what a manifest holds may be anything, what a terminal is told may not.
    fn one_line(&self) -> String {
        let line = format!("{}: {}", self.place(), self.message);
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// `file:line: key`, as far as they are known.
    fn place(&self) -> String {
        let line = if self.line == 0 { String::new() } else { format!(":{}", self.line) };
        let key = if self.key.is_empty() { String::new() } else { format!(": {}", self.key) };
        format!("{}{line}{key}", self.file)
    }

    /// From the YAML reader, which knows the line and the key itself.
    pub(super) fn read(file: &str, error: &serde_yaml::Error) -> Self {
        let line = error.location().map_or(0, |at| at.line());
        let text = error.to_string();
        let text = text.find(" at line ").map_or(text.as_str(), |at| &text[..at]).to_owned();
        let split =
            text.split_once(": ").filter(|(key, _)| key.chars().all(|c| c.is_alphanumeric() || "._-[]/".contains(c)));
        let (key, message) = split.unwrap_or(("", &text));
        // serde names the Rust type; the reader of a manifest knows no such thing.
        let table = message.find("expected struct ").map(|at| format!("{}expected a table of keys", &message[..at]));
        let message = table.unwrap_or_else(|| message.to_owned());
        Self { file: file.to_owned(), line, key: key.to_owned(), message }
    }

    /// From a check, whose line is looked up in the source.
    pub(super) fn found(file: &str, source: &str, finding: Finding) -> Self {
        let line = line_of(source, &finding.path);
        Self { file: file.to_owned(), line, key: finding.path.join("."), message: finding.message }
    }

    /// About a file as a whole.
    pub(super) fn whole(file: &str, message: String) -> Self {
        Self { file: file.to_owned(), line: 0, key: String::new(), message }
    }
}

/// The line on which a value stands: the document is read once more, down to the value, and the reader's own
/// complaint there tells the line. Exact for flow tables and aliases as well.
fn line_of(source: &str, path: &[String]) -> usize {
    let found = Down(path).deserialize(serde_yaml::Deserializer::from_str(source));
    found.err().and_then(|error| error.location()).map_or(1, |at| at.line())
}

#[derive(Clone, Copy)]
struct Down<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Down<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Down<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((next, rest)) = self.0.split_first() else { return Err(A::Error::custom("here")) };
        while let Some(key) = map.next_key::<String>()? {
            if key == *next {
                return map.next_value_seed(Down(rest)).and(Err(A::Error::custom("here")));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Err(A::Error::custom("here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((next, rest)) = self.0.split_first() else { return Err(A::Error::custom("here")) };
        let index: usize = next.parse().map_err(|_| A::Error::custom("here"))?;
        for _ in 0..index {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Down(rest)).and(Err(A::Error::custom("here")))
    }
}
