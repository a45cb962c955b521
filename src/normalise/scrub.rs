//! Takes secrets out of what a platform sends back, before anything is stored or shown.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::adapter::Pointer;

/// What stands in the place of a secret.
pub const SEALED: &str = "[sealed]";

/// A shorter secret is looked for as a whole string only: a part of three letters would seal half of all text.
const SHORT: usize = 8;

/// What is looked for first: the end of a secret, short enough that the search goes 16 bytes at a time, and not the
/// beginning, which all tokens of a kind share.
const PROBE: usize = 16;

/// The secrets of one workspace, to be kept out of everything that is stored. Never prints one.
#[derive(Clone, Default)]
pub struct Scrubber {
    parts: Vec<SecretString>,
    wholes: Vec<SecretString>,
    sensitive: Vec<Pointer>,
}

impl Scrubber {
    /// Looks for these secrets, as they are, percent-encoded in any way, and as JSON escapes them.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let mut scrubber = Self::default();
        for secret in secrets {
            let text = secret.expose_secret();
            let list = if text.chars().count() < SHORT { &mut scrubber.wholes } else { &mut scrubber.parts };
            let escaped = Value::from(text).to_string();
            let mut forms = vec![text.to_owned(), escaped[1..escaped.len() - 1].to_owned()];
            forms.sort();
            forms.dedup();
            list.extend(forms.into_iter().filter(|form| !form.is_empty()).map(SecretString::from));
        }
        scrubber
    }

    /// And seals what stands at these pointers of a body.
    #[must_use]
    pub fn with_sensitive(mut self, sensitive: Vec<Pointer>) -> Self {
        self.sensitive = sensitive;
        self
    }

    /// The text, or `[sealed]` where it contains a secret.
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.hides(text) { Cow::Borrowed(SEALED) } else { Cow::Borrowed(text) }
    }

    /// Seals every string, number and key that contains a secret, and what stands at the sensitive pointers.
    pub fn scrub_value(&self, value: &mut Value) {
        for pointer in &self.sensitive {
            if let Some(found) = pointer.find_mut(value).filter(|found| !found.is_null()) {
                *found = SEALED.into();
            }
        }
        self.walk(value);
    }

    /// JSON text that may be kept as it stands: nothing to seal, no escape that could hide a secret from a search of
    /// the text, and no line break (a line of the local socket is one event).
    pub(super) fn clean(&self, json: &str) -> bool {
        let bytes = json.as_bytes();
        let odd = || json.contains("\\u") || json.contains("\\/") || bytes.contains(&b'\n') || bytes.contains(&b'\r');
        let found = || self.parts.iter().chain(&self.wholes).any(|secret| json.contains(probe(secret.expose_secret())));
        let encoded = || decoded(json).is_some_and(|text| self.hides(&text));
        self.sensitive.is_empty() && !odd() && !found() && !encoded()
    }

    fn hides(&self, text: &str) -> bool {
        self.shows(text) || decoded(text).is_some_and(|text| self.shows(&text))
    }

    fn shows(&self, text: &str) -> bool {
        self.parts.iter().any(|secret| text.contains(secret.expose_secret()))
            || self.wholes.iter().any(|secret| text == secret.expose_secret())
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.hides(text) => *value = SEALED.into(),
            Value::Number(number) if self.hides(&number.to_string()) => *value = SEALED.into(),
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::Object(fields) => self.walk_fields(fields),
            _ => {}
        }
    }

    fn walk_fields(&self, fields: &mut Map<String, Value>) {
        if fields.keys().any(|key| self.hides(key)) {
            let old = std::mem::take(fields);
            fields.extend(old.into_iter().map(|(key, value)| (self.scrub(&key).into_owned(), value)));
        }
        fields.values_mut().for_each(|value| self.walk(value));
    }
}

/// The text without its percent-encoding, where it has one: which characters of a secret are encoded, and in which case,
/// every writer of links decides for itself.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    text.contains('%').then(|| percent_decode_str(text).decode_utf8_lossy())
}

fn probe(secret: &str) -> &str {
    &secret[secret.floor_char_boundary(secret.len().saturating_sub(PROBE))..]
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({} forms)", self.parts.len() + self.wholes.len())
    }
}
